"""The loop over attempts on one scene. There is no other: benchmarks, collections, demos, the
Gymnasium environment and a robot of one's own all play here.

Its rules:

* A scene begins with a reset. Each attempt starts from the look that the one before ended with,
  unless something was lifted; then the robot looks anew.
* What was lifted is set aside or put back, before the next attempt.
* An attempt for which the policy sees nothing to do is an attempt that held nothing. Nothing moved,
  so its look is kept for the next one. Without goals the scene ends with it, for the policy would
  be asked the same again; with goals the next one is asked for.
* A robot that a person has stopped ends the scene.
* An object that leaves the workspace without ever having been lifted is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import repeat
from typing import Any

import numpy as np

from selfgrasp.core.action import Grasp
from selfgrasp.core.attempt import Attempt, Fault
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import ANYTHING, Context, Fixed, Goal, Policy
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.core.record import AttemptKind, AttemptRecord, ObjectRef
from selfgrasp.workcell.attempt import Ids, Played, answered
from selfgrasp.workcell.drivers import Truth
from selfgrasp.workcell.workcell import Workcell
from selfgrasp.workcell.worth import measured

Goals = Callable[[Sequence[ObjectRef] | None], Iterable[Goal]]
"""From the objects that lie there at first (None where there is no truth) to what each attempt is
asked for, in order; the scene ends with the last one."""


class AfterLift(StrEnum):
    """What becomes of an object that was lifted: it leaves the scene, or falls into it again."""

    SET_ASIDE = "set_aside"
    PUT_BACK = "put_back"


@dataclass(frozen=True)
class Task:
    """Which scene.

    Attributes:
        seed: of the scene; on hardware, whatever a person or a feeder arranges by that number.
    """

    seed: int


@dataclass(frozen=True)
class Stop:
    """When a scene ends, beside the rules above.

    Attributes:
        most: attempts; None for no limit.
        when_empty: whether it ends once nothing is left; where there is no truth it cannot.
        failures: ends after so many attempts in a row that held nothing; None for never.
        unchanged: ends after so many attempts in a row that changed nothing; None for never.
        least_change: share of the first view's pixels that counts as a change.
    """

    most: int | None = None
    when_empty: bool = True
    failures: int | None = None
    unchanged: int | None = None
    least_change: float = 0.01

    def reached(self, records: Sequence[AttemptRecord], truth: Truth | None) -> bool:
        """Whether the scene has ended after these attempts."""
        if self.most is not None and len(records) >= self.most:
            return True
        if self.when_empty and truth is not None and not truth.left():
            return True
        if self.failures is not None and len(records) >= self.failures:
            latest = records[len(records) - self.failures :]
            if not any(one.grasped for one in latest):
                return True
        if self.unchanged is None or len(records) < self.unchanged:
            return False
        latest = records[len(records) - self.unchanged :]
        return all(one.changed < self.least_change and not one.grasped for one in latest)


StopOf = Callable[[int | None], Stop]
"""From the number of objects that lie there at first (None where there is no truth) to when the
scene ends."""


@dataclass(frozen=True)
class Episode:
    """One scene, played to its end: what every metric of every protocol is computed from.

    Attributes:
        task: which scene.
        attempts: in order.
        seconds: robot time; simulated in a simulation.
        plan_seconds: from the questions to the policy's answers, summed.
        placed: objects that lay there at first; None where there is no truth.
        left: objects that lay there in the end; None where there is no truth.
        replaced: attempts on the same scene in a second pass, in which what was lifted was put
            back; empty where the protocol has no such.
        arranged: name of the arrangement that the scene began with; empty for any other beginning.
    """

    task: Task
    attempts: tuple[AttemptRecord, ...]
    seconds: float
    plan_seconds: float
    placed: tuple[ObjectRef, ...] | None = None
    left: tuple[ObjectRef, ...] | None = None
    replaced: tuple[AttemptRecord, ...] = ()
    arranged: str = ""

    @property
    def outcomes(self) -> tuple[bool, ...]:
        """Whether each attempt held something, as the robot senses it."""
        return tuple(one.grasped for one in self.attempts)

    @property
    def judged(self) -> int:
        """Attempts that held something, as the robot senses it."""
        return sum(self.outcomes)

    @property
    def true(self) -> int | None:
        """Attempts that lifted something by the simulator's count."""
        return _sum(one.true for one in self.attempts)

    @property
    def disagreements(self) -> int | None:
        """Attempts on which judge and truth differ."""
        return _sum(None if one.true is None else one.grasped != one.true for one in self.attempts)

    @property
    def doubles(self) -> int | None:
        """Attempts that lifted more than one object."""
        return _sum(None if one.lifted is None else len(one.lifted) > 1 for one in self.attempts)

    @property
    def lost(self) -> int | None:
        """Objects that left the workspace without ever having been lifted."""
        return _sum(one.lost for one in self.attempts)

    @property
    def cleared(self) -> bool | None:
        """Whether every object was lifted and none is left; None where there is no truth."""
        return None if self.left is None else not self.left and not self.lost

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Episode:
        """The inverse of `to_json`, also after a round trip through JSON; reads what earlier
        versions wrote, too."""
        if "seed" in values:
            return _from_counts(values)

        def records(name: str) -> tuple[AttemptRecord, ...]:
            return tuple(AttemptRecord.from_json(one) for one in values[name])

        def objects(name: str) -> tuple[ObjectRef, ...] | None:
            named = values[name]
            return None if named is None else tuple(ObjectRef(**one) for one in named)

        return Episode(
            task=Task(**values["task"]),
            attempts=records("attempts"),
            seconds=values["seconds"],
            plan_seconds=values["plan_seconds"],
            placed=objects("placed"),
            left=objects("left"),
            replaced=records("replaced"),
            arranged=values.get("arranged", ""),
        )


def play(
    cell: Workcell,
    policy: Policy,
    task: Task,
    *,
    ids: Ids | None = None,
    goals: Goals | None = None,
    after: AfterLift = AfterLift.SET_ASIDE,
    stop: Stop | StopOf,
    measure: bool = False,
) -> Episode:
    """Play one scene to its end. Arguments as of `playing`."""
    attempting = attempts(
        cell, policy, task, ids=ids, goals=goals, after=after, stop=stop, measure=measure
    )
    while True:
        try:
            next(attempting)
        except StopIteration as end:
            episode: Episode = end.value
            return episode


def attempts(
    cell: Workcell,
    policy: Policy,
    task: Task,
    *,
    ids: Ids | None = None,
    goals: Goals | None = None,
    after: AfterLift = AfterLift.SET_ASIDE,
    stop: Stop | StopOf,
    angles: int = 1,
    measure: bool = False,
) -> Generator[Played, None, Episode]:
    """Play one scene with one policy, an attempt at a time: each is yielded when it has ended and
    before what was lifted is put away. Returns the episode. Arguments as of `playing`."""
    asking = playing(
        cell,
        task,
        policy=policy.name,
        ids=ids,
        goals=goals,
        after=after,
        stop=stop,
        angles=angles,
        measure=measure,
    )
    answer: Plan | None = None
    while True:
        try:
            event = asking.send(answer)
        except StopIteration as end:
            episode: Episode = end.value
            return episode
        answer = None
        if isinstance(event, Context):
            answer = policy.plan(event)
        else:
            yield event


def playing(
    cell: Workcell,
    task: Task,
    *,
    policy: str,
    ids: Ids | None = None,
    goals: Goals | None = None,
    after: AfterLift = AfterLift.SET_ASIDE,
    stop: Stop | StopOf,
    angles: int = 1,
    measure: bool = False,
) -> Generator[Context | Played, Plan | None, Episode]:
    """The loop itself, for whoever answers: it yields a context and is sent a plan, yields each
    attempt that has ended and is sent None, and returns the episode.

    Args:
        cell: simulated or of hardware.
        task: which scene.
        policy: name of who answers.
        ids: of the first attempt; the others count up from it. The default is for attempts that
            are not kept.
        goals: what attempts are asked for; None asks for anything.
        after: what becomes of what was lifted.
        stop: when the scene ends.
        angles: above 1, the state is put back after each attempt of one grasp, and that many angles
            are tried at its point; only where the scene can be saved (simulation).
        measure: whether it is measured what pushes are worth, see `worth.measured`; likewise.
    """
    scene, truth = cell.drivers.scene, cell.drivers.truth
    # Where there is no truth, nothing can be put back.
    measures = measure and truth is not None
    ids = ids or Ids("play", task.seed, 0)
    before = cell.reset(task.seed)
    began, clock = scene.time(), _Clock()
    placed = None if truth is None else truth.left()
    wanted = repeat(ANYTHING) if goals is None else iter(goals(placed))
    rng = np.random.default_rng([task.seed, 1])
    records: list[AttemptRecord] = []
    stop = stop if isinstance(stop, Stop) else stop(None if placed is None else len(placed))
    while not stop.reached(records, truth) and (goal := next(wanted, None)) is not None:
        asked, losses = replace(ids, index=ids.index + len(records)), _Losses(truth)
        state = scene.save() if angles > 1 else None
        attempting = clock.timed(cell.attempting(asked, policy=policy, goal=goal, before=before))
        played = yield from measured(cell, attempting) if measures else attempting
        yield played
        records.append(_record(played, losses))
        others = () if state is None else _other_angles(played.attempt, angles)
        for grasp in others[: None if stop.most is None else stop.most - len(records)]:
            scene.restore(state)
            losses = _Losses(truth)
            again = replace(asked, index=ids.index + len(records), state_group=asked.attempt)
            played = answered(
                cell.attempting(again, policy=policy, goal=goal, before=played.attempt.before),
                Fixed(grasp, policy).plan,
            )
            yield played
            records.append(_record(played, losses))
        attempt = played.attempt
        fault = attempt.outcome.fault
        if attempt.outcome.grasped:
            if after is AfterLift.PUT_BACK:
                cell.put_back(rng)
            else:
                cell.set_aside()
            records[-1] = replace(records[-1], lost=losses.count())
            before = None
        else:
            before = attempt.before if fault is Fault.NOTHING else attempt.after
        if fault is Fault.STOPPED or (fault is Fault.NOTHING and goals is None):
            break
    return Episode(
        task,
        tuple(records),
        scene.time() - began,
        clock.seconds,
        placed,
        None if truth is None else truth.left(),
        arranged="" if truth is None else truth.arranged(),
    )


def _record(played: Played, losses: _Losses) -> AttemptRecord:
    return AttemptRecord.of(
        played.attempt,
        played.plans,
        true=played.true,
        lifted=played.lifted,
        lost=losses.count(),
        worth=played.worth,
    )


def _other_angles(attempt: Attempt, count: int) -> Sequence[Grasp]:
    """The attempt's grasp at `count - 1` further angles, evenly over half a turn."""
    action = attempt.steps[-1].action if attempt.steps else None
    if not isinstance(action, Grasp):
        return ()
    tool = action.world_from_tool
    return [
        Grasp(top_down(tool[:3, 3], yaw_of(tool) + k * np.pi / count), action.width)
        for k in range(1, count)
    ]


class _Losses:
    """Counts the objects that are lost from now on."""

    def __init__(self, truth: Truth | None) -> None:
        self._truth = truth
        self._known = 0 if truth is None else len(truth.lost())

    def count(self) -> int | None:
        """So far; None where there is no truth."""
        return None if self._truth is None else len(self._truth.lost()) - self._known


@dataclass
class _Clock:
    """Sums the time that answers take."""

    seconds: float = 0.0

    def timed(
        self, asking: Generator[Context, Plan, Played]
    ) -> Generator[Context, Plan | None, Played]:
        """The same questions, with a stopwatch."""
        try:
            context = next(asking)
            while True:
                began = time.perf_counter()
                plan = yield context
                self.seconds += time.perf_counter() - began
                assert plan is not None, "a context is answered by a plan"
                context = asking.send(plan)
        except StopIteration as end:
            played: Played = end.value
            return played


def _from_counts(values: Mapping[str, Any]) -> Episode:
    """An episode from the JSON of version 0.1, which kept counts. What it did not keep by attempt
    is unknown: truth where no categories were commanded, and names of objects."""
    asked = values["asked"] or [""] * values["attempts"]
    lifted = values["lifted"] or [None] * values["attempts"]
    unnamed = ObjectRef("", "")
    records = tuple(
        AttemptRecord(
            AttemptKind.GRASP,
            grasped,
            goal=goal,
            true=None if families is None else bool(families),
            lifted=None if families is None else tuple(ObjectRef("", one) for one in families),
        )
        for grasped, goal, families in zip(values["outcomes"], asked, lifted, strict=True)
    )
    return Episode(
        Task(values["seed"]),
        records,
        values["seconds"],
        values["plan_seconds"],
        left=() if values["cleared"] else (unnamed,),
        replaced=tuple(AttemptRecord(AttemptKind.GRASP, held) for held in values["replaced"]),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is unknown."""
    known = list(values)
    return None if any(one is None for one in known) else sum(one or 0 for one in known)
