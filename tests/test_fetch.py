"""`fetch`: goals are tried until something is accepted; counted by hand, and played with a peg, and
in a bin with a policy that knows the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from helpers_play import episode, record
from test_gym import CAMERA, GRIPPER, WORKSPACE, Eye
from test_play import Fed

from selfgrasp.core import (
    Action,
    AttemptKind,
    AttemptRecord,
    CellSpec,
    Close,
    Context,
    Goal,
    Grasp,
    Move,
    Plan,
    Verdict,
    Verifies,
    View,
)
from selfgrasp.core.pose import top_down
from selfgrasp.core.watcher import VERDICT
from selfgrasp.evaluation.watch import Recorder, Seen
from selfgrasp.objects.named import objects_named
from selfgrasp.protocols import fetch, instance
from selfgrasp.protocols.fetch import (
    ABSENT_NOT_ACCEPTED,
    ACCEPTED_WRONG,
    ATTEMPTS_PER_GOAL,
    DROPPED_RIGHT,
    FETCH,
    FETCHED,
    STEPS,
    WHOLE,
    Fetching,
    metrics,
    similarity_table,
)
from selfgrasp.protocols.instance import (
    ABSENT,
    ABSENT_NOT_FOUND,
    INSTANCE_PER_OBJECT,
    MISSED,
    OBJECTS_PER_ATTEMPT,
    Asked,
)
from selfgrasp.report.card import CardText, card
from selfgrasp.report.markup import Markup
from selfgrasp.viz.kinds import label_values
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin
from selfgrasp.workcell.drivers import Drivers
from selfgrasp.workcell.play import Episode, Task
from selfgrasp.workcell.sim.oracle import OraclePolicy
from selfgrasp.workcell.workcell import Workcell

ASKED = [Asked(name, Goal(image=View.uncalibrated(np.zeros((9, 9, 3), np.uint8)))) for name in "ab"]


@dataclass
class Scripted:
    """Grasps the peg, or does another action at every step; says of what it holds what it was
    told, and keeps what it was given."""

    verdicts: list[bool] = field(default_factory=list)
    action: Action | None = None
    name: str = "scripted"
    privileged: tuple[str, ...] = ()
    seen: list[Context] = field(default_factory=list)

    def plan(self, context: Context) -> Plan:
        self.seen.append(context)
        color = context.observation.view().color[0, 0, :2]
        at = (color.astype(float) + 0.5 - 128) / 400
        return Plan.only(self.action or Grasp(top_down([*at, 0.05], 0.0), 0.08))

    def verdict(self, present: View, goal: Goal, spec: CellSpec) -> Verdict:
        return Verdict(self.verdicts.pop(0), 0.25)


@dataclass
class AcceptsAll:
    """The same without an eye for what it holds."""

    scripted: Scripted
    name: str = "accepts all"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        return self.scripted.plan(context)


def pegs(*, presents: bool = True) -> Workcell:
    peg = Fed()
    held_at = top_down((0.0, 0.0, 0.3), 0.0) if presents else None
    spec = CellSpec("peg", GRIPPER, WORKSPACE, {"main": CAMERA}, {}, presented=held_at)
    return Workcell(Drivers(peg, peg, {"main": Eye(peg)}, peg), spec)


def fetching(policy: Scripted | AcceptsAll, cell: Workcell | None = None) -> Episode:
    return Fetching(policy, cell or pegs(), ASKED).play(Task(0), Ids("t", 0, 0))


def said(record: AttemptRecord, accepted: bool) -> AttemptRecord:
    return replace(record, verdict=Verdict(accepted, 0.5))


def test_rates_are_counted_by_hand() -> None:
    nothing = record(False, goal="a cup", kind=AttemptKind.NONE, lifted=())
    right, wrong = record(True, lifted=["mug"], goal="a mug"), record(True, lifted=["cup"])
    absent = f"{ABSENT}a bottle"
    bins = [
        episode(
            [
                # Dropped though right, then missed, then fetched.
                said(right, False),
                record(False, lifted=[], goal="a mug"),
                said(right, True),
                nothing,
                # Rejected, and then nothing was found any more.
                said(replace(wrong, goal=absent), False),
                replace(nothing, goal=absent),
            ],
            left=3,
        ),
        episode(
            [
                said(replace(wrong, goal="a bowl"), True),
                replace(nothing, goal=absent),
            ],
            left=3,
        ),
    ]
    found = {metric: estimate.value for metric, estimate in metrics(bins).items()}
    assert found[FETCHED] == pytest.approx(1 / 3)
    assert found[ACCEPTED_WRONG] == pytest.approx(1 / 2)
    assert found[DROPPED_RIGHT] == pytest.approx(1 / 2)
    assert found[ATTEMPTS_PER_GOAL] == pytest.approx(5 / 3)
    assert found[MISSED] == pytest.approx(1 / 3)
    assert found[ABSENT_NOT_FOUND] == pytest.approx(1 / 2)
    assert found[ABSENT_NOT_ACCEPTED] == 1.0
    assert found[OBJECTS_PER_ATTEMPT] == pytest.approx(3 / 5)
    assert found[INSTANCE_PER_OBJECT] == pytest.approx(2 / 3)
    assert [FETCH.per_scene(one) for one in bins] == [0.5, 0.0]
    assert Episode.from_json(bins[0].to_json()) == bins[0]
    # Two right lifts and two wrong ones, all alike by 0.5.
    rows = {row[0]: row[1:] for row in similarity_table("x", bins).rows}
    assert (rows["0.5"], rows["0.6"]) == ((1.0, 1.0), (0.0, 0.0))


def test_what_is_rejected_is_told_until_its_goal_ends_and_no_longer() -> None:
    policy, cell, recorder = Scripted([False, False, True, False, True]), pegs(), Recorder(Seen.ALL)
    cell.watchers = (recorder,)
    played = fetching(policy, cell)
    assert [one.goal for one in played.attempts] == [*"aaabb"]
    assert [one.verdict and one.verdict.accepted for one in played.attempts] == [
        *(False, False, True),
        *(False, True),
    ]
    assert [len(one.rejected) for one in policy.seen] == [0, 1, 2, 0, 1]
    presents = [one.attempt.present for one in recorder.played]
    assert policy.seen[2].rejected == (presents[0], presents[1])
    assert policy.seen[4].rejected == (presents[3],)
    texts = [CardText.of(one.attempt, label_values(one.labels)) for one in recorder.played]
    assert [one.labels[VERDICT] for one in texts[1:3]] == [
        "rejected, similarity 0.25",
        "accepted, similarity 0.25",
    ]
    assert "accepted, similarity 0.25" in card(Markup(), texts[2])


def test_who_does_not_look_accepts_and_what_nobody_can_look_at_is_dropped() -> None:
    policy = AcceptsAll(Scripted())
    assert not isinstance(policy, Verifies)
    accepts = fetching(policy)
    assert [one.verdict for one in accepts.attempts] == [Verdict(True)] * 2
    drops = fetching(Scripted(), pegs(presents=False))
    assert {one.verdict for one in drops.attempts} == {Verdict(False)}
    assert len(drops.attempts) == 2 * -(-STEPS // WHOLE)


@pytest.mark.parametrize("action", [Close(), Move(np.array([0.0, 0.0, -0.01]), 0.0)])
def test_a_goal_ends_with_its_motions(action: Action) -> None:
    policy = Scripted(action=action)
    played = fetching(policy)
    assert len(policy.seen) == 2 * STEPS
    assert [one.goal for one in played.attempts].count("a") == len(played.attempts) / 2
    assert not any(one.grasped for one in played.attempts)


class Knows(OraclePolicy):
    """Grasps anything, knows by the simulation's truth whether it is what was asked for, and gives
    up where it was not."""

    asked: Sequence[Asked] = ()

    def plan(self, context: Context) -> Plan:
        return Plan.nothing("not there") if context.rejected else super().plan(context)

    def verdict(self, present: View, goal: Goal, spec: CellSpec) -> Verdict:
        (wanted,) = (one.words for one in self.asked if one.goal is goal)
        truth = self._cell.drivers.truth
        assert truth is not None
        return Verdict(wanted in {one.name for one in truth.held()})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_in_a_bin_what_is_there_is_fetched_and_what_is_not_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects = objects_named("vessels-validation")[:2]
    made: SimCell = kuka_bin(objects, KukaBinConfig(count=1, picture_px=64))
    knows = Knows(made.cell)

    def asked_in(*args: Any) -> list[Asked]:
        knows.asked = instance.asked_in(*args)
        return [*knows.asked]

    monkeypatch.setattr(fetch, "asked_in", asked_in)
    played = FETCH.play(made.cell, knows, Task(3))
    there, absent = (one.words for one in knows.asked)
    assert absent.startswith(ABSENT)
    assert [one.goal for one in played.attempts] == [there, absent, absent]
    figures = {metric: estimate.value for metric, estimate in metrics([played]).items()}
    assert figures[FETCHED] == figures[ABSENT_NOT_ACCEPTED] == figures[ATTEMPTS_PER_GOAL] == 1.0
    assert figures[ACCEPTED_WRONG] == figures[DROPPED_RIGHT] == figures[ABSENT_NOT_FOUND] == 0.0
    assert played.left == played.placed
