"""`fetch`: the goals of `instance`, each tried until the policy accepts what it holds (Jang et al.
2018, section 5.3).

What was lifted falls back into the bin, whether it was accepted or not. A goal ends with what is
accepted, where the policy finds nothing to try, or after `STEPS` motions.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import (
    Attempt,
    AttemptRecord,
    Close,
    Context,
    Goal,
    Label,
    Move,
    Plan,
    Policy,
    Verdict,
    Verifies,
    View,
)
from selfgrasp.core.watcher import VERDICT
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.instance import (
    ABSENT_NOT_FOUND,
    CONFIG,
    MISSED,
    SETS,
    Asked,
    asked_in,
    each,
    lifts,
    right,
    there_and_absent,
    tried,
)
from selfgrasp.protocols.metric import PLAN_SECONDS, Metric, Unit, about_truth, attempts
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.play import AfterLift, Episode, Stop, Task
from selfgrasp.workcell.play import attempts as attempts_at
from selfgrasp.workcell.workcell import Workcell

STEPS = 40
"""Motions for a goal at most, as in the paper."""
WHOLE = 3
"""Motions that an action counts for which is a whole attempt, as `Grasp`: to the place, down, and
closing. A servoed attempt has as many at least."""
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Of the similarity, in a report's table."""

FETCHED = Metric(
    "fetched",
    "Fetched",
    "share of the objects in the bin that are held and accepted when they are asked for",
)
ACCEPTED_WRONG = Metric(
    "accepted_wrong",
    "Wrong, and accepted",
    "share of what was accepted that was not asked for",
    higher_is_better=False,
)
DROPPED_RIGHT = Metric(
    "dropped_right",
    "Right, and dropped",
    "share of the lifts of an object that was asked for after which it was not accepted",
    higher_is_better=False,
)
ATTEMPTS_PER_GOAL = Metric(
    "attempts_per_goal",
    "Attempts per goal",
    "attempts for an object in the bin",
    higher_is_better=False,
    unit=Unit.ATTEMPTS,
)
ABSENT_NOT_ACCEPTED = Metric(
    "absent_not_accepted",
    "Nothing accepted, and not there",
    "share of the objects that are not in the bin for which nothing was accepted",
)

ForOneGoal = tuple[AttemptRecord, ...]
"""The attempts for one goal, in order."""


class Fetching:
    """Asks for one goal after the other, and between the loop and a policy remembers what was
    rejected, for as long as its goal is asked for.

    Args:
        policy: whose attempts; what it lifts is accepted unless it `Verifies`.
        cell: where it is played.
        asked: the goals.
    """

    def __init__(self, policy: Policy, cell: Workcell, asked: Sequence[Asked]) -> None:
        self._policy, self._cell, self._asked = policy, cell, asked
        self.name, self.privileged = policy.name, policy.privileged
        self._steps, self._over = 0, False
        self._rejected: tuple[View, ...] = ()
        self._now = Asked("", Goal())

    def play(self, task: Task, ids: Ids) -> Episode:
        """One scene, in which all goals are asked for.

        Args:
            task: which scene.
            ids: of the first attempt.
        """
        said: list[tuple[str, Verdict | None]] = []
        playing = self.attempts(task, ids)
        while True:
            try:
                asked, _, verdict = next(playing)
            except StopIteration as end:
                episode: Episode = end.value
                break
            said.append((asked.words, verdict))
        records = [
            replace(record, goal=words, verdict=verdict)
            for record, (words, verdict) in zip(episode.attempts, said, strict=True)
        ]
        return replace(episode, attempts=tuple(records))

    def attempts(
        self, task: Task, ids: Ids
    ) -> Generator[tuple[Asked, Played, Verdict | None], None, Episode]:
        """Each attempt with what it was for, and what the policy said of what it held, if anything;
        returns all of them.

        Args:
            task, ids: see `play`.
        """
        playing = attempts_at(
            self._cell,
            self,
            task,
            ids=ids,
            goals=lambda _: self._goals(),
            after=AfterLift.PUT_BACK,
            stop=Stop(when_empty=False),
        )
        while True:
            try:
                played = next(playing)
            except StopIteration as end:
                episode: Episode = end.value
                return episode
            yield self._now, played, self._ended(played.attempt)

    def plan(self, context: Context) -> Plan:
        """The policy's plan; none once the goal's motions are spent."""
        if self._steps + context.step >= STEPS:
            return Plan.nothing(f"{STEPS} motions were made for this goal")
        return self._policy.plan(replace(context, rejected=self._rejected))

    def _goals(self) -> Iterator[Goal]:
        for asked in self._asked:
            self._now, self._rejected = asked, ()
            self._steps, self._over = 0, False
            while not self._over:
                yield asked.goal

    def _ended(self, attempt: Attempt) -> Verdict | None:
        self._steps += motions(attempt)
        verdict = self._verdict(attempt) if attempt.outcome.grasped else None
        accepted = verdict is not None and verdict.accepted
        self._over = accepted or not attempt.steps or self._steps >= STEPS
        if verdict is None:
            return None
        if not accepted and attempt.present is not None:
            self._rejected = (*self._rejected, attempt.present)
        label = Label(attempt.id, VERDICT, _in_words(verdict), by=self.name)
        for watcher in self._cell.watchers:
            watcher.on_label(label)
        return verdict

    def _verdict(self, attempt: Attempt) -> Verdict:
        """The policy's; what was not presented, so that nobody could look at it, is dropped."""
        if not isinstance(self._policy, Verifies):
            return Verdict(True)
        if attempt.present is None:
            return Verdict(False)
        return self._policy.verdict(attempt.present, self._now.goal, self._cell.spec)


def motions(attempt: Attempt) -> int:
    """How many motions an attempt counts for: moves and the close of one that servoes, `WHOLE` for
    any other action."""
    return sum(1 if isinstance(one.action, Move | Close) else WHOLE for one in attempt.steps)


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One bin: each goal until something is accepted, and last one that is not there.

    Raises:
        InputError: a cell that is not simulated, or presents nothing.
    """
    asked = asked_in("fetch", each, cell, task)
    return Fetching(policy, cell, asked).play(task, Ids("fetch", task.seed, 0))


def goals_of(episode: Episode) -> list[ForOneGoal]:
    """An episode's attempts, goal by goal."""
    return [tuple(mine) for _, mine in groupby(episode.attempts, key=lambda one: one.goal)]


def accepted(record: AttemptRecord) -> bool:
    """Whether something was held and accepted."""
    return record.verdict is not None and record.verdict.accepted


def fetched(mine: ForOneGoal) -> bool:
    """Whether what was accepted was asked for."""
    return accepted(mine[-1]) and right(mine[-1])


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Rates over goals and over attempts, by the simulator's count, bootstrapped by bin. Those of
    goals that lie there, and with `absent` those of the others."""
    there, absent = there_and_absent(episodes)
    goals, others = ([goals_of(e) for e in some] for some in (there, absent))
    kept, lifted = (
        [[one for one in e.attempts if counts(one)] for e in there]
        for counts in (accepted, lambda one: one.verdict is not None and right(one))
    )
    return {
        FETCHED: ratio([(sum(map(fetched, mine)), len(mine)) for mine in goals]),
        ACCEPTED_WRONG: ratio([(len(k) - sum(map(right, k)), len(k)) for k in kept]),
        DROPPED_RIGHT: ratio([(len(k) - sum(map(accepted, k)), len(k)) for k in lifted]),
        ATTEMPTS_PER_GOAL: ratio(
            [(attempts(e), len(mine)) for e, mine in zip(there, goals, strict=True)]
        ),
        MISSED: ratio([(sum(map(_untried, mine)), len(mine)) for mine in goals]),
        ABSENT_NOT_FOUND: ratio([(sum(map(_untried, mine)), len(mine)) for mine in others]),
        ABSENT_NOT_ACCEPTED: ratio(
            [(sum(not accepted(one[-1]) for one in mine), len(mine)) for mine in others]
        ),
        **lifts(there),
        **about_truth(there),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def similarity_table(title: str, episodes: Sequence[Episode]) -> Table:
    """What other thresholds would have accepted of what was lifted, right and wrong: to choose one
    on validation objects."""
    said = [
        (one.verdict.similarity, right(one))
        for episode in episodes
        for one in episode.attempts
        if one.verdict is not None and one.verdict.similarity is not None
    ]
    rows: list[list[Cell]] = []
    for threshold in THRESHOLDS:
        shares = [
            [similarity >= threshold for similarity, was_right in said if was_right is kind]
            for kind in (True, False)
        ]
        rows.append([f"{threshold:g}", *(sum(s) / len(s) if s else None for s in shares)])
    return Table(
        title=f"Lifts that a threshold would accept: {title}",
        note=f"Of {len(said)} lifts that were compared with a picture.",
        columns=["least similarity", "right ones", "wrong ones"],
        rows=rows,
    )


def per_bin(episode: Episode) -> float:
    """Share of a bin's objects that were fetched."""
    (there,), _ = there_and_absent([episode])
    goals = goals_of(there)
    return sum(map(fetched, goals)) / max(1, len(goals))


def _untried(mine: ForOneGoal) -> bool:
    return not any(map(tried, mine))


def _in_words(verdict: Verdict) -> str:
    alike = "" if verdict.similarity is None else f", similarity {verdict.similarity:.2f}"
    return f"{'accepted' if verdict.accepted else 'rejected'}{alike}"


FETCH = PlayedProtocol(
    name="fetch",
    config=CONFIG,
    trials=50,
    play=play,
    metrics=metrics,
    paired_metric=FETCHED,
    per_scene=per_bin,
    cell="kuka_bin",
    objects="seen",
    sets=SETS,
    table=similarity_table,
)
