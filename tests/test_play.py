"""The loop over attempts: when a scene ends, what is kept of it, what was lost, and that it needs
no simulator."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from test_gym import CAMERA, GRIPPER, WORKSPACE, Eye, Peg

from selfgrasp.core import AttemptKind, CellSpec, Context, Fault, Goal, Grasp, ObjectRef, Plan, Push
from selfgrasp.core.pose import top_down
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.protocols import clear
from selfgrasp.protocols.clear import COMPLETION, INTERACTIONS
from selfgrasp.protocols.metric import JUDGE_DISAGREES, LOST, SUCCESS, TRUE_SUCCESS
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.drivers import Drivers
from selfgrasp.workcell.play import AfterLift, Episode, Stop, Task, attempts, play, playing
from selfgrasp.workcell.workcell import Workcell

SPEC = CellSpec("peg", GRIPPER, WORKSPACE, {"main": CAMERA}, {})
IDS = Ids("t", 0, 0)
PEG = ObjectRef("peg", "pin")
FED = (0.0, 0.05)
"""m: where a feeder puts the next peg."""


class Fed(Peg):
    """A peg on hardware, where a feeder puts another one whenever it was taken away."""

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self.peg = np.array(FED)

    def open(self, width, *, control) -> None:
        super().open(width, control=control)
        if self.peg is None:
            self.peg = np.array(FED)


@dataclass
class PegTruth:
    """What a simulator would know of a peg."""

    peg: Peg

    def left(self) -> tuple[ObjectRef, ...]:
        return () if self.peg.peg is None else (PEG,)

    def held(self) -> tuple[ObjectRef, ...]:
        return (PEG,) if self.peg.held else ()

    def arranged(self) -> str:
        return ""

    def lost(self) -> tuple[ObjectRef, ...]:
        return ()


def cell(peg: Peg, *, truth: bool = False) -> Workcell:
    return Workcell(
        Drivers(peg, peg, {"main": Eye(peg)}, peg, PegTruth(peg) if truth else None), SPEC
    )


@dataclass
class Scripted:
    """Answers by a script, in order; then as the last time."""

    answers: Sequence[Plan]
    name: str = "scripted"
    privileged: tuple[str, ...] = ()
    asked: list[Context] = field(default_factory=list)

    def plan(self, context: Context) -> Plan:
        self.asked.append(context)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def at(x: float, y: float) -> Plan:
    grasp = Grasp(top_down((x, y, 0.02), 0.0), 0.06)
    return Plan((grasp,), np.array([0.7]), calibrated=True)


MISS, HIT, NOTHING = at(0.19, 0.19), at(*FED), Plan.nothing("tired")


def test_what_is_kept_of_attempts() -> None:
    peg = Fed()
    push = Plan.only(Push(np.array([0.0, -0.1, 0.02]), 0.0, 0.05), -3.0)
    with cell(peg, truth=True) as made:
        episode = play(
            made, Scripted([MISS, push, HIT]), Task(3), ids=Ids("t", 3, 0), stop=Stop(most=3)
        )
    miss, pushed, hit = episode.attempts
    assert episode.task == Task(3)
    assert [one.kind for one in episode.attempts] == ["grasp", "push", "grasp"]
    assert (miss.grasped, miss.true, miss.lifted, miss.lost) == (False, False, (), 0)
    assert (hit.grasped, hit.true, hit.lifted, hit.lost) == (True, True, (PEG,), 0)
    assert (hit.score, hit.calibrated) == (0.7, True)
    assert (pushed.score, pushed.calibrated) == (-3.0, False)
    assert (episode.placed, episode.left) == ((PEG,), (PEG,))
    assert (episode.judged, episode.true, episode.disagreements) == (1, 1, 0)
    assert episode.plan_seconds >= 0


def test_a_robot_without_truth_plays_and_reports_what_it_knows() -> None:
    with cell(Fed()) as made:
        episode = play(made, Scripted([HIT]), Task(0), ids=IDS, stop=Stop(most=3))
    assert episode.outcomes == (True,) * 3
    assert (episode.true, episode.disagreements, episode.lost) == (None, None, None)
    assert (episode.placed, episode.left, episode.cleared) == (None, None, None)
    figures = clear.metrics([episode])
    assert figures[SUCCESS].value == 1.0
    assert not {TRUE_SUCCESS, JUDGE_DISAGREES, LOST, COMPLETION, INTERACTIONS} & set(figures)


def test_where_a_policy_sees_nothing_the_scene_ends_with_that_attempt() -> None:
    policy = Scripted([MISS, NOTHING])
    with cell(Fed()) as made:
        episode = play(made, policy, Task(0), ids=IDS, stop=Stop(most=9))
    assert [one.kind for one in episode.attempts] == [AttemptKind.GRASP, AttemptKind.NONE]
    last = episode.attempts[-1]
    assert (last.fault, last.grasped, last.score) == (Fault.NOTHING, False, None)


def test_with_goals_the_next_one_is_asked_for_from_the_same_look() -> None:
    policy = Scripted([NOTHING, NOTHING, HIT])
    goals = [Goal(category=name) for name in ("pen", "cup", "pin")]
    with cell(Fed()) as made:
        found = list(attempts(made, policy, Task(0), ids=IDS, goals=lambda _: goals, stop=Stop()))
    assert [one.attempt.goal.category for one in found] == ["pen", "cup", "pin"]
    assert [one.attempt.outcome.grasped for one in found] == [False, False, True]
    first = found[0].attempt.before
    assert first is not None
    assert all(one.attempt.before is first for one in found)
    assert [one.attempt.id for one in found] == ["t-000000-000", "t-000000-001", "t-000000-002"]


def test_after_a_miss_the_look_after_is_the_look_before_and_after_a_lift_a_new_one() -> None:
    with cell(Fed()) as made:
        miss, hit, last = attempts(
            made, Scripted([MISS, HIT, MISS]), Task(0), ids=IDS, stop=Stop(most=3)
        )
    assert hit.attempt.before is miss.attempt.after
    assert last.attempt.before is not hit.attempt.after


def test_an_attempt_is_handed_over_before_what_was_lifted_is_put_away() -> None:
    for after in AfterLift:
        peg = Peg()
        with cell(peg, truth=True) as made:
            made.reset(0)
            assert peg.peg is not None
            hit = at(*peg.peg)
            playing_on = attempts(
                made, Scripted([hit]), Task(0), ids=IDS, after=after, stop=Stop(most=2)
            )
            assert next(playing_on).attempt.outcome.grasped
            assert peg.held
            with pytest.raises(StopIteration) as end:
                next(playing_on)
            assert not peg.held
            assert end.value.value.cleared


@pytest.mark.parametrize(("when_empty", "tries"), [(True, 1), (False, 4)])
def test_a_scene_ends_when_nothing_is_left_unless_it_shall_not(
    when_empty: bool, tries: int
) -> None:
    peg = Peg()
    peg.reset(0)
    assert peg.peg is not None
    with cell(peg, truth=True) as made:
        policy, stop = Scripted([at(*peg.peg)]), Stop(most=4, when_empty=when_empty)
        episode = play(made, policy, Task(0), ids=IDS, stop=stop)
    assert episode.outcomes == (True,) + (False,) * (tries - 1)
    assert (episode.left, episode.cleared) == ((), True)


def test_attempts_that_change_nothing_end_a_scene_and_a_lift_starts_the_count_again() -> None:
    with cell(Fed()) as made:
        policy = Scripted([MISS, MISS, HIT, MISS, MISS, MISS, MISS])
        episode = play(made, policy, Task(0), ids=IDS, stop=Stop(most=50, unchanged=3))
    assert episode.outcomes == (False, False, True, False, False, False)


def test_a_robot_that_a_person_stopped_ends_the_scene() -> None:
    with cell(Fed()) as made:

        class Stops(Scripted):
            def plan(self, context: Context) -> Plan:
                if len(self.asked) == 1:
                    made.control.stop.set()
                return super().plan(context)

        episode = play(made, Stops([MISS]), Task(0), ids=IDS, stop=Stop(most=9))
    assert [one.fault for one in episode.attempts] == [None, Fault.STOPPED]


def without_clock(episode: Episode) -> Episode:
    return replace(episode, plan_seconds=0.0)


def test_scenes_in_lockstep_give_the_episodes_of_one_by_one() -> None:
    """Five cells, and whoever answers sees one context of each at a time."""

    def answer(context: Context) -> Plan:
        x, y = np.random.default_rng(context.seed).choice([-0.1, 0.0, 0.05, 0.1], 2)
        return HIT if context.seed % 3 == 0 else at(x, y)

    class Alone(Scripted):
        def plan(self, context: Context) -> Plan:
            return answer(context)

    stop, tasks = Stop(most=6), [Task(seed) for seed in range(5)]
    alone = [
        play(cell(Fed(), truth=True), Alone([]), task, ids=Ids("t", task.seed, 0), stop=stop)
        for task in tasks
    ]
    Asking = Generator[Context | Played, Plan | None, Episode]
    worlds: dict[Task, Asking] = {
        task: playing(
            cell(Fed(), truth=True), task, policy="all", ids=Ids("t", task.seed, 0), stop=stop
        )
        for task in tasks
    }
    answers: dict[Task, Plan | None] = dict.fromkeys(tasks)
    together: dict[Task, Episode] = {}
    while answers:
        events = {}
        for task, plan in answers.items():
            try:
                events[task] = worlds[task].send(plan)
            except StopIteration as end:
                together[task] = end.value
        answers = {
            task: answer(event) if isinstance(event, Context) else None
            for task, event in events.items()
        }
    assert [without_clock(one) for one in alone] == [without_clock(together[t]) for t in tasks]
    assert len({one.outcomes for one in alone}) > 1


@pytest.fixture(scope="module")
def table() -> SimCell:
    return tabletop(train_objects(12), TabletopConfig(count=3, picture_px=48, noise="none"))


class Shoves:
    """Puts two objects beyond the walls while it is asked, as a clumsy hand would, and grasps where
    nothing lies; then sees nothing more to do."""

    name, privileged = "shoves", ()

    def __init__(self, made: SimCell) -> None:
        self._made = made
        self._asked = 0

    def plan(self, context: Context) -> Plan:
        self._asked += 1
        if self._asked > 1:
            return Plan.nothing("done")
        for placed in self._made.world.placed[:2]:
            self._made.world.place(placed.slot, np.array([0.6, 0.3 * placed.slot, 0.05]))
        high = context.spec.workspace.high[2]
        return Plan.only(Grasp(top_down((0.15, 0.15, high), 0.0), 0.08))


def test_what_left_the_workspace_unlifted_is_lost_and_no_success(table: SimCell) -> None:
    episode = clear.play(table.cell, Shoves(table), Task(5))
    assert [one.lost for one in episode.attempts] == [2, 0]
    assert (episode.lost, episode.true, episode.cleared) == (2, 0, False)
    assert episode.placed is not None
    assert episode.left is not None
    assert len(episode.placed) - len(episode.left) == 2
    figures = clear.metrics([episode])
    assert figures[LOST].value == pytest.approx(2 / 3)
    assert (figures[COMPLETION].value, figures[INTERACTIONS].value) == (0.0, clear.CAP)


def test_nothing_but_losses_is_an_empty_table_that_was_not_cleared(table: SimCell) -> None:
    """All three gone, none lifted."""

    class ShovesAll(Shoves):
        def plan(self, context: Context) -> Plan:
            plan = super().plan(context)
            for placed in self._made.world.placed:
                self._made.world.place(placed.slot, np.array([0.6, 0.3 * placed.slot, 0.05]))
            return plan

    episode = clear.play(table.cell, ShovesAll(table), Task(5))
    assert len(episode.attempts) == 1, "nothing is left to try"
    assert (episode.left, episode.lost, episode.cleared) == ((), 3, False)
    assert clear.metrics([episode])[COMPLETION].value == 0.0


def test_what_was_lifted_and_set_aside_is_not_lost(table: SimCell) -> None:
    episode = play(table.cell, RandomPolicy(), Task(11), ids=Ids("t", 11, 0), stop=Stop(most=60))
    assert episode.lost == 0
    assert episode.cleared
    lifted = [one.name for record in episode.attempts for one in record.lifted or ()]
    assert episode.placed is not None
    assert sorted(set(lifted)) == sorted(one.name for one in episode.placed)


def test_a_restored_scene_has_lost_what_it_had_lost(table: SimCell) -> None:
    made, scene = table.cell, table.cell.drivers.scene
    truth = made.drivers.truth
    assert truth is not None
    made.reset(5)
    state = scene.save()
    table.world.place(table.world.placed[0].slot, np.array([0.6, 0.0, 0.05]))
    scene.settle()
    assert len(truth.lost()) == 1
    scene.restore(state)
    assert truth.lost() == ()
