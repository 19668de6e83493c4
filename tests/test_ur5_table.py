"""The cell `ur5_table`: the arm stands behind the table, waits out of the camera's sight, grasps
and pushes what lies there."""

import math

import numpy as np
import pytest

from selfgrasp.core import Context, Fault, Plan, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.named import objects_named
from selfgrasp.vision.project import world_points
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.flat_table import HALF_SIZE, UR5_BASE, FlatTableConfig
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin, make_cell

CONFIG = FlatTableConfig(count=4, picture_px=96, noise="none")


@pytest.fixture(scope="module")
def cell() -> SimCell:
    return make_cell("ur5_table", objects_named("blocks"), CONFIG)


class PushesThrough:
    """Pushes from 5 cm before a place to 5 cm behind it."""

    name, privileged = "pushes through", ()

    def __init__(self, place: FloatArray, yaw: float) -> None:
        along = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        self.push = Push(np.array([*place[:2], 0.008]) - 0.05 * along, yaw, 0.10)

    def plan(self, context: Context) -> Plan:
        return Plan((self.push,), np.zeros(1))


def test_cells_say_which_built_in_arm_they_have(cell: SimCell) -> None:
    assert cell.world.kinematics is not None
    assert cell.world.kinematics.arm.name == "ur5"
    with kuka_bin(train_objects(3), KukaBinConfig(count=1, picture_px=48)) as other:
        assert other.world.kinematics is not None
        assert other.world.kinematics.arm.name == "iiwa14"


def test_of_a_waiting_arm_the_camera_sees_its_foot_alone(cell: SimCell) -> None:
    world = cell.world
    world.put(())
    world.hand_away()
    world.forward()
    seen = cell.cell.observe()
    assert seen is not None
    points = world_points(seen.view()).reshape(-1, 3)
    high = points[points[:, 2] > 0.003]
    foot = np.linalg.norm(high[:, :2] - UR5_BASE[:2], axis=1)
    assert foot.max(initial=0.0) < 0.08
    assert np.abs(points).max() < 1.5
    inside = np.abs(points[:, :2]).max(axis=1) < HALF_SIZE
    assert inside.sum() > 1000
    assert np.abs(points[inside, 2]).max() < 0.003


def test_an_attempt_reports_joints_and_ends_with_the_arm_away(cell: SimCell) -> None:
    before = cell.reset(0)
    played = cell.cell.attempt(RandomPolicy(), Ids("t", 0, 0), before=before)
    assert played.attempt.outcome.fault is not Fault.UNREACHABLE
    joints = played.attempt.steps[0].hand_after.joints
    assert joints is not None
    assert joints.shape == (6,)
    cell.cell.set_aside()
    np.testing.assert_allclose(cell.world.data.qpos[:6], cell.world.away_joints, atol=1e-3)


def test_pushes_move_what_stands_in_their_way(cell: SimCell) -> None:
    moved = 0
    for scene, yaw in enumerate(np.arange(8) * math.pi / 4):
        before = cell.reset(scene)
        (first, *_) = cell.cell.drivers.scene.objects_truth()  # type: ignore[attr-defined]
        push = PushesThrough(first.center, yaw)
        if np.abs(push.push.start[:2]).max() > HALF_SIZE:
            continue
        played = cell.cell.attempt(push, Ids("t", scene, 0), before=before)
        assert played.attempt.outcome.fault in (None, Fault.BLOCKED)
        now = {t.name: t.center for t in cell.cell.drivers.scene.objects_truth()}  # type: ignore[attr-defined]
        moved += bool(np.linalg.norm(now.get(first.name, np.ones(3)) - first.center) > 0.01)
    assert moved >= 5
