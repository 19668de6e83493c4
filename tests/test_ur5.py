"""The UR5: kinematics against its published Denavit-Hartenberg parameters, the whole square table
within reach with nothing touched, straight pushes in 16 directions and grasps at 16 turns."""

import math
from collections.abc import Iterator
from itertools import product

import mujoco
import numpy as np
import pytest

from selfgrasp.core import Grasp, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import angle_between_grasps, pose, top_down, yaw_of
from selfgrasp.core.spec import GripperSpec, Workspace
from selfgrasp.workcell import motions
from selfgrasp.workcell.drivers import Control, Drivers
from selfgrasp.workcell.motions import MotionConfig
from selfgrasp.workcell.sim.arms import PALM
from selfgrasp.workcell.sim.build import PhysicsConfig, TableConfig, build_model
from selfgrasp.workcell.sim.hand import SimGripper
from selfgrasp.workcell.sim.jointarm import JointArm
from selfgrasp.workcell.sim.kinematics import Kinematics
from selfgrasp.workcell.sim.ur5 import ur5
from selfgrasp.workcell.sim.world import World

HALF = 0.224
"""m, half the side of the workspace."""
HEIGHTS = (0.004, 0.1, 0.2, 0.3)
TURNS = np.arange(16) * math.pi / 8
BASE = pose(translation=(0.5, 0.0, 0.0))
"""Half a metre from the middle, which lies on its -x side, as in Zeng et al. 2018."""
OPEN_TABLE = TableConfig(wall_height=0.0)
GRIPPER = GripperSpec(
    opening=0.065, finger_thickness=0.020, finger_breadth=0.020, finger_length=0.055, max_force=20.0
)
SPACE = Workspace(
    low=np.array([-HALF, -HALF, 0.004]), high=np.array([HALF, HALF, 0.30]), surface=0.0
)
DH = (
    (0.0, 0.089159, math.pi / 2),
    (-0.425, 0.0, 0.0),
    (-0.39225, 0.0, 0.0),
    (0.0, 0.10915, math.pi / 2),
    (0.0, 0.09465, -math.pi / 2),
    (0.0, 0.0823, 0.0),
)
"""a and d in m, alpha in rad of each joint."""


def chained(joints: FloatArray) -> FloatArray:
    """(4, 4) base_from_flange by the textbook's matrix of each joint."""
    total = np.eye(4)
    for (a, d, alpha), theta in zip(DH, joints, strict=True):
        c, s, ca, sa = math.cos(theta), math.sin(theta), math.cos(alpha), math.sin(alpha)
        total = total @ np.array(
            [
                [c, -s * ca, s * sa, a * c],
                [s, c * ca, -c * sa, a * s],
                [0.0, sa, ca, d],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
    return total


@pytest.fixture(scope="module")
def kinematics() -> Kinematics:
    return Kinematics(ur5(BASE), GRIPPER)


@pytest.fixture(scope="module")
def world() -> World:
    away = np.array([0.5, -0.45, 0.4])
    return World((), slots=0, gripper=GRIPPER, table=OPEN_TABLE, arm=ur5(BASE), away=away)


@pytest.fixture
def drivers(world: World) -> Drivers:
    world.hand_away()
    world.forward()
    return Drivers(JointArm(world, SPACE), SimGripper(world), {}, None, None)  # type: ignore[arg-type]


def grid() -> Iterator[tuple[float, float, float]]:
    places = np.linspace(-HALF, HALF, 5).tolist()
    return product(places, places, HEIGHTS)


def test_the_model_is_the_published_chain(kinematics: Kinematics) -> None:
    rng = np.random.default_rng(0)
    flange_from_tool = pose(translation=(0.0, 0.0, GRIPPER.finger_length + PALM))
    for _ in range(20):
        joints = rng.uniform(-2 * math.pi, 2 * math.pi, 6)
        expected = BASE @ chained(joints) @ flange_from_tool
        np.testing.assert_allclose(kinematics.tool(joints), expected, atol=1e-9)


def test_masses_limits_speeds_and_torques_are_the_published_ones() -> None:
    arm = ur5(BASE)
    model = arm.make().compile()
    masses = [float(model.body(f"link{number}").mass[0]) for number in range(1, 7)]
    np.testing.assert_allclose(masses, [3.7, 8.393, 2.33, 1.219, 1.219, 0.1879])
    np.testing.assert_allclose(model.jnt_range, [[-2 * math.pi, 2 * math.pi]] * 6)
    np.testing.assert_array_equal(arm.limits, model.jnt_range)
    np.testing.assert_array_equal(arm.speeds, [math.pi] * 6)
    np.testing.assert_array_equal(arm.torques, [150, 150, 150, 28, 28, 28])


def test_the_home_posture_is_over_the_middle_of_the_table(kinematics: Kinematics) -> None:
    np.testing.assert_allclose(
        kinematics.tool(kinematics.home), top_down((0.0, 0.0, 0.25), math.pi / 2), atol=0.005
    )


def test_the_whole_workspace_is_reached_with_the_elbow_up_and_nothing_touched(
    kinematics: Kinematics,
) -> None:
    model = colliding()
    data = mujoco.MjData(model)
    for place in grid():
        for yaw in TURNS:
            solved = kinematics.solve(top_down(place, yaw), kinematics.home)
            assert solved.reached
            assert touching(model, data, solved.joints) == 0
            _, shoulder, elbow, _, _, _ = data.xanchor[:6]
            assert elbow[2] > shoulder[2] + 0.2
            # Far from where the wrist or the elbow is stretched, beyond which postures flip.
            assert abs(abs(solved.joints[4]) - math.pi / 2) < 0.01
            assert math.radians(30) < solved.joints[2] < math.radians(160)


def test_a_touch_of_the_arm_would_be_seen() -> None:
    model = colliding()
    data = mujoco.MjData(model)
    upright, folded, hand_on_forearm, elbow_in_table = (
        np.radians(degrees)
        for degrees in (
            (0.0, -90.0, 0.0, -90.0, -90.0, 0.0),
            (0.0, -90.0, 170.0, 0.0, -90.0, 0.0),
            (0.0, -90.0, 150.0, 60.0, -90.0, 0.0),
            (0.0, 15.0, 0.0, 0.0, -90.0, 0.0),
        )
    )
    assert touching(model, data, upright) == 0
    for posture in (folded, hand_on_forearm, elbow_in_table):
        assert touching(model, data, posture) > 0


def colliding() -> mujoco.MjModel:
    """The table and the arm, all of whose shapes collide."""
    model = build_model((), 0, OPEN_TABLE, GRIPPER, PhysicsConfig(), ur5(BASE))
    model.geom_contype[:] = model.geom_conaffinity[:] = 1
    model.body_contype[:] = model.body_conaffinity[:] = 1
    return model


def touching(model: mujoco.MjModel, data: mujoco.MjData, joints: FloatArray) -> int:
    """How many contacts there are with open fingers."""
    data.qpos[:6], data.qpos[6:8] = joints, GRIPPER.opening / 2
    mujoco.mj_fwdPosition(model, data)
    return int(data.ncon)


def test_ways_across_the_table_turn_all_joints_evenly(kinematics: Kinematics) -> None:
    """3 cm or 15 degrees between two points turn no joint by 20 degrees: no wrist flips."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        start, end = (
            top_down(rng.uniform(SPACE.low, (HALF, HALF, 0.2)), rng.uniform(-math.pi, math.pi))
            for _ in range(2)
        )
        solved = kinematics.posture(start, kinematics.home)
        way = kinematics.way(end, solved.joints)
        assert way.whole
        assert np.abs(np.diff(way.joints, axis=0)).max() < math.radians(20)


def test_a_yaw_goes_on_over_half_a_turn(kinematics: Kinematics) -> None:
    joints = kinematics.home
    for yaw in np.arange(0.0, 1.5 * math.pi, 0.2):
        way = kinematics.way(top_down((0.1, 0.1, 0.05), math.pi / 2 + yaw), joints)
        assert way.whole
        if yaw > 0.0:
            np.testing.assert_allclose(way.joints[-1] - joints, [0, 0, 0, 0, 0, -0.2], atol=0.01)
        joints = way.joints[-1]


def test_a_turned_out_last_joint_goes_the_other_way_round(kinematics: Kinematics) -> None:
    """Yaws that follow each other in one sense never end at the limit of the last joint."""
    joints = kinematics.home
    for turn in range(80):
        solved = kinematics.posture(top_down((0.1, -0.1, 0.3), 0.4 * turn), joints)
        assert solved.reached
        joints = solved.joints


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.124, -0.124), (-0.124, 0.124)])
def test_pushes_in_16_directions_are_straight_and_whole(
    drivers: Drivers, world: World, place: tuple[float, float]
) -> None:
    start, control = np.array([*place, 0.008]), Control()
    for yaw in TURNS:
        drivers.arm.away(control=control)
        swept: list[FloatArray] = []
        world.after_step = lambda: swept.append(world.world_from_hand)  # noqa: B023
        done = motions.push(drivers, Push(start, yaw, 0.1), MotionConfig(), control)
        world.after_step = None
        assert done.fault is None
        assert isinstance(done.executed, Push)
        assert done.executed.length == pytest.approx(0.1, abs=0.002)
        tools = np.array([tool for tool in swept if tool[2, 3] < 0.012])
        across = np.array([-math.sin(yaw), math.cos(yaw)])
        assert np.abs((tools[:, :2, 3] - start[:2]) @ across).max() < 0.002
        assert np.abs(tools[:, 2, 3] - 0.008).max() < 0.005
        # Fingers across the push, hand upright.
        assert np.abs(tools[:, :2, 0] @ np.array([math.cos(yaw), math.sin(yaw)])).max() < 0.01
        assert tools[:, 2, 2].min() > 0.9999


@pytest.mark.parametrize("place", [(0.0, 0.0), (HALF, HALF), (-HALF, -HALF)])
def test_grasps_at_16_turns_close_where_they_were_told_to(
    drivers: Drivers, place: tuple[float, float]
) -> None:
    control = Control()
    for yaw in TURNS:
        drivers.arm.away(control=control)
        target = top_down((*place, 0.01), yaw)
        done = motions.grasp(drivers, Grasp(target, GRIPPER.opening), MotionConfig(), control)
        assert done.fault is None
        assert isinstance(done.executed, Grasp)
        reached = done.executed.world_from_tool
        np.testing.assert_allclose(reached[:3, 3], target[:3, 3], atol=0.002)
        assert angle_between_grasps(yaw_of(reached), yaw) < 0.01


def test_half_a_turn_of_the_symmetric_gripper_needs_no_motion(kinematics: Kinematics) -> None:
    start = kinematics.posture(top_down((0.1, 0.1, 0.1), 0.3), kinematics.home).joints
    turned = kinematics.solve(top_down((0.1, 0.1, 0.1), 0.3 + math.pi), start)
    assert turned.reached
    np.testing.assert_array_equal(turned.joints, start)
