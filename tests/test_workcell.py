"""A workcell over drivers that are not the simulator's: what it keeps to, and what a stop leaves in
the hand."""

from dataclasses import replace

import numpy as np
import pytest
from test_gym import CAMERA, GRIPPER, WORKSPACE, Eye, Peg

from selfgrasp.core import CellSpec, InputError, Workspace
from selfgrasp.core.action import Grasp
from selfgrasp.core.pose import top_down
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


def test_fingers_that_do_not_meet_are_judged_by_the_gripper_s_own_stop() -> None:
    made = cell(Peg(), replace(SPEC, gripper=replace(GRIPPER, closed=0.037)))
    assert made.judge == JudgeConfig(min_width=0.004, closed=0.037)
