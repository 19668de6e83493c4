"""`shake`: what a shake does to what is held, and the protocol's figures counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers_play import episode, record, without_truth
from physics_bench import Bench, block, grasp, lay
from test_gym import CAMERA, GRIPPER, WORKSPACE, Eye, Peg

import selfgrasp as sg
from selfgrasp.core import CellSpec, Fault, Grasp, Plan
from selfgrasp.core.pose import inverse, top_down, yaw_of
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.protocols.metric import JUDGE_DISAGREES, SUCCESS, TRUE_SUCCESS
from selfgrasp.protocols.shake import PRECISION, ROBUST_SHARE, SHAKE, metrics, play
from selfgrasp.workcell.cells.config import Noise, to_json
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.drivers import Drivers, Reached
from selfgrasp.workcell.judge import feels_held
from selfgrasp.workcell.motions import MotionConfig, ShakeConfig
from selfgrasp.workcell.play import Task
from selfgrasp.workcell.sim.hand import CLEAR_HEIGHT
from selfgrasp.workcell.workcell import Workcell

SHAKEN = MotionConfig(shake=ShakeConfig())
ACROSS = np.pi / 2


def held_after(off: float, motions: MotionConfig) -> tuple[bool, Bench]:
    """Whether a heavy, slippery bar is held by fingers that close `off` m from its middle."""
    made = lay([replace(block(0.12, 0.03, 0.03, mass=0.5), friction=0.4)], [(0.1, 0.05)])
    made.cell.motions = motions
    done = made.cell.do(grasp(0.1 + off, 0.05, 0.008, ACROSS))
    return feels_held(done, made.cell.judge, made.cell.spec.gripper.closed), made


@pytest.mark.parametrize(("off", "kept"), [(0.0, True), (0.045, False)])
def test_a_shake_tells_a_grasp_at_the_middle_from_one_at_the_end(off: float, kept: bool) -> None:
    """Both hold a lift; the lever of 45 mm times 0.5 kg is more than friction bears."""
    assert held_after(off, MotionConfig())[0]
    held, made = held_after(off, SHAKEN)
    assert held == kept
    assert bool(made.scene.held()) == kept


def test_a_shake_is_stepped_and_as_hard_in_all_directions_as_the_hand_can() -> None:
    made = lay([block(0.04, 0.04, 0.04)], [(0.05, -0.05)])
    made.cell.motions = SHAKEN
    seen: list[np.ndarray] = []
    made.world.after_step = lambda: seen.append(
        np.r_[made.world.data.time, made.position(), made.world.data.qpos[:4]]
    )
    done = made.cell.do(grasp(0.05, -0.05, 0.02))
    assert done.lifted
    assert done.fault is None
    steps = np.array(seen)
    shaken = steps[steps[:, 6] < CLEAR_HEIGHT]
    shaken = shaken[np.argmax(shaken[:, 6] > 0.2) :]
    assert shaken[-1, 0] - shaken[0, 0] > 2.0
    way, velocity = shaken[:, 1:4], np.gradient(shaken[:, 1:4], shaken[:, 0], axis=0)
    assert (np.abs(velocity).max(axis=0) > 0.85).all()
    acceleration = np.abs(np.gradient(velocity, shaken[:, 0], axis=0))
    assert (np.quantile(acceleration, 0.95, axis=0) > 11.0).all()
    assert np.ptp(way, axis=0)[:2] == pytest.approx([0.10, 0.10], abs=0.01)
    assert np.ptp(shaken[:, 7]) == pytest.approx(1.0, abs=0.02)


class Logged(Peg):
    """A peg's robot that keeps where it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[np.ndarray] = []
        self.blocks_at: int | None = None

    def move(self, world_from_tool, *, speed, control):
        self.sent.append(world_from_tool)
        if control.stop.is_set():
            return Reached(self.tool, Fault.STOPPED)
        reached = super().move(world_from_tool, speed=speed, control=control)
        return Reached(self.tool, Fault.BLOCKED) if len(self.sent) == self.blocks_at else reached


def robot(motions: MotionConfig) -> tuple[Logged, Workcell]:
    peg = Logged()
    peg.reset(1)
    spec = CellSpec("peg", GRIPPER, WORKSPACE, {"main": CAMERA}, {})
    return peg, Workcell(Drivers(peg, peg, {"main": Eye(peg)}, peg), spec, motions=motions)


def test_any_robot_carries_to_the_middle_and_shakes_about_the_hand_s_own_axes() -> None:
    peg, cell = robot(SHAKEN)
    assert peg.peg is not None
    lifts = MotionConfig()
    _, plain = robot(lifts)
    plain.do(Grasp(top_down((*peg.peg, 0.02), 0.7), 0.08))
    before = len(plain.drivers.arm.sent)  # type: ignore[attr-defined]
    cell.do(Grasp(top_down((*peg.peg, 0.02), 0.7), 0.08))
    middle, *strokes, up = peg.sent[before:]
    assert up == pytest.approx(top_down((0.0, 0.0, 0.25), 0.7))
    assert middle == pytest.approx(top_down((0.0, 0.0, 0.21), 0.7))
    seen = np.array([inverse(middle) @ stroke for stroke in strokes])
    assert np.abs(seen[:, :3, 3]).max(axis=0) == pytest.approx([0.05, 0.05, 0.04])
    assert sorted({round(yaw_of(one), 6) for one in seen}) == [-0.5, 0.0, 0.5]
    assert len(seen) == 4 * (2 * 2 + 1)
    assert strokes[-1] == pytest.approx(middle)


def test_an_empty_hand_is_not_shaken() -> None:
    nowhere = Grasp(top_down((0.19, 0.19, 0.02), 0.0), 0.08)
    ways = []
    for motions in (MotionConfig(), SHAKEN):
        peg, cell = robot(motions)
        cell.do(nowhere)
        ways.append(np.array(peg.sent))
    assert np.array_equal(*ways)


def test_a_blocked_stroke_does_not_end_a_shake_but_a_stop_does() -> None:
    peg, cell = robot(SHAKEN)
    assert peg.peg is not None
    action = Grasp(top_down((*peg.peg, 0.02), 0.0), 0.08)
    cell.do(action)
    whole = len(peg.sent)
    peg, cell = robot(SHAKEN)
    peg.blocks_at = whole - 5
    assert cell.do(action).fault is None
    assert len(peg.sent) == whole
    peg, cell = robot(SHAKEN)

    def stops(world_from_tool, *, speed, control):
        if len(peg.sent) == whole - 5:
            control.stop.set()
        return Logged.move(peg, world_from_tool, speed=speed, control=control)

    peg.move = stops  # type: ignore[method-assign]
    done = cell.do(action)
    assert done.fault is Fault.STOPPED
    assert peg.held
    assert len(peg.sent) == whole - 4


def test_figures_by_hand() -> None:
    sure = replace(record(True), score=0.9, calibrated=True)
    wrong = replace(record(False, fault=Fault.SLIPPED), score=0.6, calibrated=True)
    unsure = replace(record(True), score=0.5, calibrated=True)
    refused = record(False, fault=Fault.NOTHING)
    found = metrics([episode([one], left=0) for one in (sure, sure, wrong, unsure, refused)])
    assert found[SUCCESS].value == pytest.approx(3 / 5)
    assert (found[PRECISION].value, found[PRECISION].n) == (pytest.approx(2 / 3), 3)
    assert (found[ROBUST_SHARE].value, found[ROBUST_SHARE].n) == (pytest.approx(3 / 5), 5)
    assert found[JUDGE_DISAGREES].value == 0.0
    doubted = metrics([episode([unsure], left=0), episode([refused], left=1)])
    assert doubted[ROBUST_SHARE].value == 0.0
    assert PRECISION not in doubted


def test_only_probabilities_are_called_robust_and_only_a_simulator_knows_the_truth() -> None:
    plain = metrics([episode([replace(record(True), score=0.9)], left=0)])
    assert not {PRECISION, ROBUST_SHARE} & set(plain)
    assert plain[TRUE_SUCCESS].value == 1.0
    assert not {TRUE_SUCCESS, JUDGE_DISAGREES} & set(metrics([without_truth([True])]))


@pytest.mark.parametrize(("noise", "metres"), [("imprecise", 0.003), ("very_imprecise", 0.005)])
def test_an_arm_misses_by_what_its_noise_says(noise: Noise, metres: float) -> None:
    config = TabletopConfig(count=1, noise=noise, picture_px=32, renderer="rays")
    with sg.tabletop(train_objects(3), config) as cell:
        arm, missed = cell.cell.drivers.arm, []
        for _ in range(400):
            arm.away(control=cell.cell.control)
            missed.append(cell.world.data.qpos[:2] - arm.pose()[:2, 3])
    assert np.std(missed) == pytest.approx(metres, rel=0.1)


class Refuses:
    """Sees nothing that is robust."""

    name, privileged = "refuses", ()

    def plan(self, context):
        return Plan.nothing("nothing here is robust")


def test_a_refusal_is_a_failure() -> None:
    assert isinstance(SHAKE.config, TabletopConfig)
    config = replace(SHAKE.config, picture_px=32, renderer="rays")
    with sg.tabletop(train_objects(5), config) as cell:
        played = play(cell.cell, Refuses(), Task(3))
    assert [one.fault for one in played.attempts] == [Fault.NOTHING]
    assert metrics([played])[SUCCESS].value == 0.0


def test_a_cell_that_does_not_shake_is_stored_as_before() -> None:
    assert "shake" not in to_json(TabletopConfig())
    assert to_json(TabletopConfig(shake=True))["shake"] is True
