"""A workcell over drivers that are not the simulator's: what it keeps to, and what a stop leaves in
the hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from test_gym import CAMERA, GRIPPER, WORKSPACE, Eye, Peg

from selfgrasp.core import CellSpec, Context, Fault, InputError, Plan, Workspace
from selfgrasp.core.action import Close, Grasp, Move, Push
from selfgrasp.core.policy import Fixed
from selfgrasp.core.pose import top_down
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.drivers import Drivers
from selfgrasp.workcell.judge import JudgeConfig
from selfgrasp.workcell.workcell import Workcell


def cell(peg: Peg, spec: CellSpec) -> Workcell:
    return Workcell(
        Drivers(peg, peg, {"main": Eye(peg)}, peg), spec, judge=JudgeConfig(min_width=0.004)
    )


SPEC = CellSpec("peg", GRIPPER, WORKSPACE, {"main": CAMERA}, {})


@pytest.mark.parametrize(
    "then",
    [lambda made: made.put_back(np.random.default_rng(0)), Workcell.set_aside, Workcell.try_again],
    ids=["back", "aside", "again"],
)
def test_what_is_held_when_a_person_stops_the_robot_stays_held_though_the_gripper_knows_no_stop(
    then,
) -> None:
    peg = Peg()
    with cell(peg, SPEC) as made:
        made.reset(3)
        assert peg.peg is not None
        assert made.do(Grasp(top_down((*peg.peg, 0.02), 0.0), 0.06)).lifted
        made.control.stop.set()
        then(made)
        assert peg.held
        made.control.stop.clear()
        then(made)
        assert not peg.held


def test_the_arm_keeps_to_what_policies_are_told() -> None:
    other = Workspace(WORKSPACE.low, WORKSPACE.high + 0.1, WORKSPACE.surface)
    with pytest.raises(InputError, match=r"workspace .*0\.21.* and an arm with .*0\.11.*the same"):
        cell(Peg(), replace(SPEC, workspace=other))


@pytest.mark.parametrize(("closed", "held"), [(0.0, True), (0.017, False)])
def test_fingers_that_do_not_meet_are_judged_by_the_gripper_s_own_stop(
    closed: float, held: bool
) -> None:
    """The peg is 20 mm thick: nothing to fingers that stop at 17 mm and are told from empty by
    4."""
    peg = Peg()
    with cell(peg, replace(SPEC, gripper=replace(GRIPPER, closed=closed))) as made:
        made.reset(3)
        assert peg.peg is not None
        grasp = Grasp(top_down((*peg.peg, 0.02), 0.0), 0.06)
        assert made.attempt(Fixed(grasp, "on it"), Ids("t", 3, 0)).attempt.outcome.grasped == held
        assert made.judge == JudgeConfig(min_width=0.004)


class Corners:
    """A batched policy: one to three moves, then a grasp, all from the context's seed."""

    name, privileged = "corners", ()

    def plan(self, context: Context) -> Plan:
        return self.plan_many([context])[0]

    def plan_many(self, contexts: Sequence[Context]) -> list[Plan]:
        drawn = [np.random.default_rng(c.seed).uniform(-0.15, 0.15, 2) for c in contexts]
        return [
            Plan.only(Move(np.array([0.01, 0.0, 0.0]), 0.1), 0.5)
            if c.step < 1 + c.seed % 3
            else Plan.only(Grasp(top_down((*xy, 0.02), 0.0), 0.06), 0.25)
            for c, xy in zip(contexts, drawn, strict=True)
        ]


def told(played: Played) -> tuple[object, ...]:
    attempt = played.attempt
    return (
        attempt.id,
        attempt.policy,
        attempt.outcome,
        [repr(step.action) for step in attempt.steps],
        [repr(step.executed) for step in attempt.steps],
        [plan.score for plan in played.plans],
    )


def test_cells_in_lockstep_with_one_batched_policy_give_the_attempts_of_one_by_one() -> None:
    policy, ids = Corners(), [Ids("t", scene, 0) for scene in range(8)]
    cells = [cell(Peg(), SPEC) for _ in range(2 * len(ids))]
    alone = []
    for made, one in zip(cells[: len(ids)], ids, strict=True):
        made.reset(one.scene)
        alone.append(made.attempt(policy, one))
    asking = {}
    for made, one in zip(cells[len(ids) :], ids, strict=True):
        made.reset(one.scene)
        asking[one.scene] = made.attempting(one, policy=policy.name)
    together: dict[int, Played] = {}
    contexts = {scene: next(one) for scene, one in asking.items()}
    while contexts:
        plans = policy.plan_many(list(contexts.values()))
        answers, contexts = dict(zip(contexts, plans, strict=True)), {}
        for scene, plan in answers.items():
            try:
                contexts[scene] = asking[scene].send(plan)
            except StopIteration as end:
                together[scene] = end.value
    assert {len(played.attempt.steps) for played in alone} == {2, 3, 4}
    assert [told(played) for played in alone] == [told(together[one.scene]) for one in ids]


@dataclass
class Moves:
    """Moves so many times, then closes."""

    count: int
    name: str = "moves"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        action = Move(np.array([0.001, 0.0, 0.0]), 0.0) if context.step < self.count else Close()
        return Plan.only(action)


def test_a_policy_that_wants_more_than_ten_moves_has_them() -> None:
    with cell(Peg(), SPEC) as made:
        made.reset(0)
        attempt = made.attempt(Moves(20), Ids("t", 0, 0)).attempt
        assert [type(step.action) for step in attempt.steps] == [Move] * 20 + [Close]
        assert attempt.outcome.fault is None


def test_a_policy_that_never_closes_is_stopped() -> None:
    with cell(Peg(), SPEC) as made:
        made.reset(0)
        most = made.motions.most_moves
        allowed = made.attempt(Moves(most), Ids("t", 0, 0)).attempt
        assert (len(allowed.steps), allowed.outcome.fault) == (most + 1, None)
        runaway = made.attempt(Moves(10**6), Ids("t", 0, 1)).attempt
        assert (len(runaway.steps), runaway.outcome.fault) == (most, Fault.RUNAWAY)
        assert not runaway.outcome.grasped
        assert runaway.after is not None


def grasp_at(x: float, y: float) -> Fixed:
    return Fixed(Grasp(top_down((x, y, 0.02), 0.0), 0.06), "there")


@pytest.mark.parametrize(
    ("change", "kept"),
    [("nothing", True), ("push", False), ("aside", True), ("back", True), ("reset", False)],
)
def test_misses_are_forgotten_at_a_reset_and_after_a_push(change: str, kept: bool) -> None:
    peg = Peg()
    asked: list[Context] = []

    class Listens:
        name, privileged = "listens", ()

        def plan(self, context: Context) -> Plan:
            asked.append(context)
            return Plan.nothing("only listens")

    with cell(peg, SPEC) as made:
        made.reset(3)
        assert peg.peg is not None
        x, y = peg.peg
        # The peg is held within 2 cm.
        places = {"near": (x, y + 0.03), "far": (x, y + 0.08)}
        for index, place in enumerate(places.values()):
            assert not made.attempt(grasp_at(*place), Ids("t", 3, index)).attempt.outcome.grasped
        match change:
            case "push":
                sweep = Push(np.array([0.0, 0.0, 0.02]), 0.0, 0.05)
                made.attempt(Fixed(sweep, "push"), Ids("t", 3, 2))
            case "aside" | "back":
                assert made.attempt(grasp_at(x, y), Ids("t", 3, 2)).attempt.outcome.grasped
                if change == "aside":
                    made.set_aside()
                else:
                    made.put_back(np.random.default_rng(0))
            case "reset":
                made.reset(3)
        made.attempt(Listens(), Ids("t", 3, 3))
    expected = list(places.values()) if kept else []
    np.testing.assert_allclose(
        np.reshape([miss[:2, 3] for miss in asked[0].misses], (-1, 2)),
        np.reshape(expected, (-1, 2)),
    )
