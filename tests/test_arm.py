"""The arm of `kuka_bin`: kinematics against published lengths and against themselves, motions that
end where they say, faults that are data."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from selfgrasp.core import Close, Context, Fault, InputError, Move, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import (
    angle_between_grasps,
    inverse,
    pose,
    rotation_about_z,
    tilt_of,
    top_down,
    yaw_of,
)
from selfgrasp.methods.baselines import RandomServoPolicy
from selfgrasp.methods.hand_eye.config import small
from selfgrasp.methods.hand_eye.method import HandEye
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.servo.config import SearchConfig
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.config import GRIPPER, WORKSPACE
from selfgrasp.workcell.cells.kuka_bin import ARM_BASE, PRESENT, KukaBinConfig, presenting
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin
from selfgrasp.workcell.drivers import Control
from selfgrasp.workcell.sim.arm_files import arm_from_file
from selfgrasp.workcell.sim.arms import iiwa14
from selfgrasp.workcell.sim.kinematics import Kinematics

BASE = pose(rotation=rotation_about_z(math.pi / 2), translation=ARM_BASE)
SMALL = KukaBinConfig(count=4, picture_px=48)
MJCF = """<mujoco><compiler angle="radian"/>
<worldbody><body name="foot"><geom type="cylinder" size=".06 .1" pos="0 0 .1"/>
<body name="a" pos="0 0 .25"><joint name="j1" axis="0 0 1" range="-3 3"/>
<geom type="sphere" size=".05" mass="2"/>
<body name="b"><joint name="j2" axis="0 1 0" range="-2.5 2.5"/>
<geom type="capsule" fromto="0 0 0 0 0 .45" size=".04" mass="2"/>
<body name="c" pos="0 0 .45"><joint name="j3" axis="0 1 0" range="-2.8 2.8"/>
<geom type="capsule" fromto="0 0 0 0 0 .4" size=".04" mass="1"/>
<body name="d" pos="0 0 .4"><joint name="j4" axis="0 1 0" range="-2.8 2.8"/>
<geom type="sphere" size=".04" mass=".5"/>
<body name="e" pos="0 0 .1"><joint name="j5" axis="0 0 1" range="-3.1 3.1"/>
<geom type="sphere" size=".03" mass=".3"/>
<site name="attachment_site" pos="0 0 .04"/></body></body></body></body></body></body>
</worldbody></mujoco>"""


@pytest.fixture(scope="module")
def kinematics() -> Kinematics:
    return Kinematics(iiwa14(BASE), GRIPPER)


@pytest.fixture(scope="module")
def made() -> SimCell:
    return kuka_bin(train_objects(12), SMALL)


def test_an_upright_arm_is_as_tall_as_its_published_links(kinematics: Kinematics) -> None:
    tool = kinematics.tool(np.zeros(7))
    expected = 0.36 + 0.42 + 0.40 + 0.126 + GRIPPER.finger_length + 0.06
    np.testing.assert_allclose(tool[:3, 3], [ARM_BASE[0], ARM_BASE[1], expected], atol=1e-9)
    np.testing.assert_allclose(tool[:3, 2], [0, 0, 1], atol=1e-9)


def test_the_jacobian_is_the_derivative_of_the_tool(kinematics: Kinematics) -> None:
    joints = kinematics.home + 0.1
    step = 1e-6
    for joint in range(7):
        ahead = joints.copy()
        ahead[joint] += step
        numeric = (kinematics.tool(ahead)[:3, 3] - kinematics.tool(joints)[:3, 3]) / step
        np.testing.assert_allclose(kinematics.jacobian(joints)[:3, joint], numeric, atol=1e-5)


def test_inverse_kinematics_reaches_the_whole_workspace(kinematics: Kinematics) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        target = top_down(rng.uniform(WORKSPACE.low, WORKSPACE.high), rng.uniform(-1.5, 1.5))
        solved = kinematics.posture(target, kinematics.home)
        assert solved.reached
        assert (np.abs(solved.joints) <= kinematics.arm.limits[:, 1] + 1e-9).all()
        tool = kinematics.tool(solved.joints)
        assert np.linalg.norm(tool[:3, 3] - target[:3, 3]) < 1e-3
        assert angle_between_grasps(yaw_of(tool), yaw_of(target)) < 5e-3
        assert tilt_of(tool) < 5e-3


def test_what_is_out_of_reach_leaves_a_residual(kinematics: Kinematics) -> None:
    solved = kinematics.solve(top_down((0.9, 0.9, 0.1), 0.0), kinematics.home)
    assert not solved.reached
    assert solved.position_error > 0.1


def test_moves_end_where_they_say_and_keep_the_joints_within_their_limits(made: SimCell) -> None:
    workcell, control = made.cell, Control()
    workcell.reset(0)
    arm = workcell.drivers.arm
    rng = np.random.default_rng(1)
    for _ in range(12):
        for height in (0.28, 0.12):
            target = top_down((*rng.uniform(-0.12, 0.12, 2), height), rng.uniform(-1.5, 1.5))
            reached = arm.move(target, speed=0.5, control=control)
            np.testing.assert_allclose(arm.pose(), reached.world_from_tool, atol=1e-6)
            if reached.fault is None:
                assert np.linalg.norm(reached.world_from_tool[:3, 3] - target[:3, 3]) < 0.004
                assert angle_between_grasps(yaw_of(reached.world_from_tool), yaw_of(target)) < 0.02
            joints = arm.joints()
            assert joints is not None
            assert made.world.kinematics is not None
            limits = made.world.kinematics.arm.limits
            assert ((joints > limits[:, 0] - 0.01) & (joints < limits[:, 1] + 0.01)).all()
        up = arm.pose().copy()
        up[2, 3] = 0.28
        arm.move(up, speed=0.5, control=control)


def test_joints_turn_no_faster_than_published(made: SimCell) -> None:
    workcell = made.cell
    workcell.reset(0)
    arm, world = workcell.drivers.arm, made.world
    assert world.kinematics is not None
    arm.move(top_down((-0.1, -0.1, 0.2), 0.0), speed=1.0, control=Control())
    fastest = np.zeros(7)

    def watch() -> None:
        np.maximum(fastest, np.abs(world.data.qvel[:7]), out=fastest)

    world.after_step = watch
    try:
        arm.move(top_down((0.15, 0.15, 0.2), 1.5), speed=10.0, control=Control())
    finally:
        world.after_step = None
    assert (fastest < 1.15 * world.kinematics.arm.speeds).all()
    assert (fastest / world.kinematics.arm.speeds).max() > 0.5


class Fixed:
    """Plays a list of actions."""

    name, privileged = "fixed", ()

    def __init__(self, *actions: Move | Close) -> None:
        self.actions = actions

    def plan(self, context: Context) -> Plan:
        return Plan((self.actions[min(context.step, len(self.actions) - 1)],), np.zeros(1))


def towards(made: SimCell, where: FloatArray) -> Move:
    return Move(where - made.cell.drivers.arm.pose()[:3, 3], 0.0)


def test_a_grasp_from_above_lifts_presents_and_is_seen(made: SimCell) -> None:
    workcell = made.cell
    held = 0
    for scene in range(6):
        before = workcell.reset(scene)
        assert before is not None
        middle = workcell.drivers.scene.objects_truth()[0].center  # type: ignore[attr-defined]
        over, down = np.array([*middle[:2], 0.3]), np.array([0.0, 0.0, WORKSPACE.low[2] - 0.3])
        played = workcell.attempt(
            Fixed(towards(made, over), Move(down, 0.0), Close()), Ids("t", scene, 0), before=before
        )
        assert len(played.attempt.steps) == 3
        if played.attempt.outcome.grasped:
            held += 1
            assert played.attempt.present is not None
            np.testing.assert_array_equal(played.attempt.present.color.shape, (48, 48, 3))
            assert {label.name: label.value for label in played.labels}["truth.grasped"]
            workcell.set_aside()
        else:
            assert played.attempt.present is None
    assert held >= 2


def test_what_is_presented_hangs_in_the_middle_of_the_picture(made: SimCell) -> None:
    workcell, spec = made.cell, made.cell.spec.cameras["shoulder"]
    workcell.reset(0)
    wanted = presenting(spec)
    assert workcell.drivers.arm.move(wanted, speed=1.0, control=Control()).fault is None
    hand = inverse(spec.world_from_camera) @ made.world.world_from_hand
    np.testing.assert_allclose(hand[:3, 3], (0.0, 0.0, PRESENT), atol=0.01)
    # The hand's +z points from the fingers to the palm, which is behind them; its x from finger to
    # finger, none of them before the other.
    assert hand[2, 2] > 0.8
    assert abs(hand[2, 0]) < 0.05
    assert workcell.drivers.arm.away(control=Control()).fault is None


def test_a_blocked_move_is_data_and_the_attempt_goes_on(made: SimCell) -> None:
    workcell = made.cell
    before = workcell.reset(0)
    assert before is not None
    over = towards(made, np.array([0.17, 0.0, 0.3]))
    # Onto the wall: the palm cannot go down there.
    onto_the_wall = Move(np.array([0.0, 0.0, -0.296]), math.pi / 2)
    played = workcell.attempt(Fixed(over, onto_the_wall, Close()), Ids("t", 0, 0), before=before)
    steps = played.attempt.steps
    assert [type(s.action) for s in steps] == [Move, Move, Close]
    assert isinstance(steps[1].executed, Move)
    if not played.attempt.outcome.grasped and steps[1].hand_after.world_from_tool[2, 3] > 0.01:
        assert played.attempt.outcome.fault in (Fault.BLOCKED, Fault.SLIPPED)
    again = workcell.attempt(RandomServoPolicy(), Ids("t", 0, 1), before=played.attempt.after)
    assert again.attempt.steps


def test_a_servo_config_of_twenty_steps_is_obeyed(
    made: SimCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that never closes of its own accord, and never rises: its last step is its first that
    may close."""
    monkeypatch.setattr("selfgrasp.servo.method.CLOSE_RATIO", 2.0)
    monkeypatch.setattr("selfgrasp.servo.method.RAISE_RATIO", 0.0)
    config = replace(small(), steps=20, search=SearchConfig(samples=8, iterations=1))
    workcell = made.cell
    before = workcell.reset(0)
    played = workcell.attempt(HandEye(config).eval(), Ids("t", 0, 0), before=before)
    actions = [type(step.action) for step in played.attempt.steps]
    assert actions == [Move] * 19 + [Close]


def test_policies_are_told_where_the_hand_closed_on_nothing_until_the_next_scene(
    made: SimCell,
) -> None:
    told: list[tuple[FloatArray, ...]] = []

    class Listens(Fixed):
        def plan(self, context: Context) -> Plan:
            told.append(context.misses)
            return super().plan(context)

    workcell = made.cell
    before = workcell.reset(0)
    # High above everything there is nothing to hold.
    high = np.array([0.05, 0.02, 0.28])
    for index in range(2):
        workcell.attempt(Listens(towards(made, high), Close()), Ids("t", 0, index), before=before)
        before = None
    assert [len(misses) for misses in told] == [0, 0, 1, 1]
    np.testing.assert_allclose(told[-1][0][:3, 3], high, atol=2e-3)
    before = workcell.reset(1)
    workcell.attempt(Listens(towards(made, high), Close()), Ids("t", 1, 0), before=before)
    assert told[-1] == ()


def test_a_stop_in_mid_motion_is_a_fault_and_the_next_attempt_starts_clean(made: SimCell) -> None:
    workcell = made.cell
    before = workcell.reset(0)
    stop = workcell.control.stop

    class Stops(Fixed):
        def plan(self, context: Context) -> Plan:
            if context.step == 1:
                stop.set()
            return super().plan(context)

    over = towards(made, np.array([0.0, 0.0, 0.3]))
    played = workcell.attempt(
        Stops(over, Move(np.array([0.0, 0.0, -0.25]), 0.0), Close()), Ids("t", 0, 0), before=before
    )
    assert played.attempt.outcome.fault is Fault.STOPPED
    stop.clear()
    workcell.try_again()
    after = workcell.attempt(RandomServoPolicy(), Ids("t", 0, 1))
    assert after.attempt.outcome.fault is not Fault.STOPPED


def test_a_camera_that_returns_nothing_is_a_fault(
    made: SimCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    workcell = made.cell
    before = workcell.reset(0)
    camera = workcell.drivers.cameras["shoulder"]
    monkeypatch.setattr(camera, "capture", lambda: None)
    played = workcell.attempt(RandomServoPolicy(), Ids("t", 0, 0), before=before)
    assert played.attempt.outcome.fault is Fault.NO_IMAGE
    monkeypatch.undo()
    assert workcell.attempt(RandomServoPolicy(), Ids("t", 0, 1)).attempt.before is not None


def test_the_drop_test_sees_what_the_fingers_do_not_feel(monkeypatch: pytest.MonkeyPatch) -> None:
    made = kuka_bin(
        train_objects(12), KukaBinConfig(count=3, picture_px=96, noise="none", drop_test=True)
    )
    workcell = made.cell
    fell = []
    for scene in range(6):
        before = workcell.reset(scene)
        middle = workcell.drivers.scene.objects_truth()[0].center  # type: ignore[attr-defined]
        over, down = np.array([*middle[:2], 0.3]), np.array([0.0, 0.0, WORKSPACE.low[2] - 0.3])
        with monkeypatch.context() as numb:
            # Fingers that never feel anything.
            numb.setattr("selfgrasp.workcell.workcell.feels_held", lambda *_: False)
            numb.setattr("selfgrasp.workcell.judge.feels_held", lambda *_: False)
            played = workcell.attempt(
                Fixed(towards(made, over), Move(down, 0.0), Close()),
                Ids("t", scene, 0),
                before=before,
            )
        truly = {label.name: label.value for label in played.labels}["truth.grasped"]
        fell.append((bool(truly), played.attempt.outcome.grasped))
    assert sum(truly for truly, _ in fell) >= 2
    assert sum(truly == judged for truly, judged in fell) >= 5


def test_every_scene_is_another_robots(made: SimCell) -> None:
    cameras, colors = [], []
    for scene in range(3):
        seen = made.cell.reset(scene)
        assert seen is not None
        cameras.append(seen.view().world_from_camera)
        colors.append(seen.view().color[0, 0].astype(int))
    nominal = made.cell.spec.cameras["shoulder"].world_from_camera
    away = [np.linalg.norm(c[:3, 3] - nominal[:3, 3]) for c in cameras]
    assert 0.001 < min(away) < max(away) < 0.06
    assert np.abs(colors[0] - colors[1]).max() > 3


def test_a_moved_camera_is_not_where_its_view_says() -> None:
    calm, moved = (
        kuka_bin(train_objects(6), KukaBinConfig(count=2, picture_px=48, noise=noise))
        for noise in ("realistic", "moved")
    )
    ones, others = calm.cell.reset(3), moved.cell.reset(3)
    assert ones is not None
    assert others is not None
    np.testing.assert_allclose(ones.view().world_from_camera, others.view().world_from_camera)
    assert np.abs(ones.view().color.astype(int) - others.view().color).mean() > 4


def test_the_wrist_camera_goes_with_the_hand() -> None:
    made = kuka_bin(
        train_objects(6), KukaBinConfig(count=2, picture_px=48, cameras=("shoulder", "wrist"))
    )
    made.cell.reset(0)
    seen = []
    for x in (-0.1, 0.1):
        made.cell.drivers.arm.move(top_down((x, 0.0, 0.26), 0.0), speed=1.0, control=Control())
        looked = made.cell.observe()
        assert looked is not None
        seen.append(looked.view("wrist").world_from_camera)
    np.testing.assert_allclose(seen[1][:3, 3] - seen[0][:3, 3], [0.2, 0.0, 0.0], atol=2e-3)


def test_a_kick_moves_objects_once_an_attempt_when_the_hand_comes_down() -> None:
    made = kuka_bin(train_objects(12), KukaBinConfig(count=4, picture_px=48, kick=0.8))
    made.cell.reset(0)
    arm, control = made.cell.drivers.arm, Control()

    def centers() -> FloatArray:
        return np.array([t.center for t in made.cell.drivers.scene.objects_truth()])  # type: ignore[attr-defined]

    start = centers()
    arm.move(top_down((0.0, 0.0, 0.28), 0.0), speed=1.0, control=control)
    np.testing.assert_allclose(centers(), start, atol=1e-4)
    arm.move(top_down((0.0, 0.0, 0.2), 0.0), speed=1.0, control=control)
    kicked = centers()
    assert 0.01 < np.linalg.norm((kicked - start)[:, :2], axis=1).max() < 0.3
    arm.move(top_down((0.0, 0.0, 0.26), 0.0), speed=1.0, control=control)
    arm.move(top_down((0.0, 0.0, 0.2), 0.0), speed=1.0, control=control)
    assert np.linalg.norm((centers() - kicked)[:, :2], axis=1).max() < 0.01


def test_an_arm_from_a_file_takes_the_kukas_place(tmp_path: Path) -> None:
    path = tmp_path / "five.xml"
    path.write_text(MJCF)
    arm = arm_from_file(path, BASE)
    assert arm.joints == tuple(f"arm_j{i}" for i in range(1, 6))
    made = kuka_bin(train_objects(6), KukaBinConfig(count=2, picture_px=48, arm=str(path)))
    made.cell.reset(0)
    reached = made.cell.drivers.arm.move(
        top_down((0.0, 0.0, 0.26), 0.3), speed=1.0, control=Control()
    )
    assert reached.fault is None
    assert made.cell.attempt(RandomServoPolicy(), Ids("t", 0, 0)).attempt.steps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "an MJCF or URDF file of an arm"),
        ("<mujoco><worldbody/></mujoco>", "without a body"),
        ("<html/>", "begins with <html>"),
        ("nonsense", "compile"),
    ],
)
def test_a_wrong_arm_says_what_was_wanted(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "arm.xml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        arm_from_file(path, BASE)


def test_an_unknown_camera_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="shoulder, wrist"):
        kuka_bin(train_objects(3), KukaBinConfig(cameras=("elbow",)))
