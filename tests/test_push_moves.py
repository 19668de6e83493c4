"""Pushes and grasps in the simulator go where their yaw says, and so do their pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from selfgrasp.core import Grasp, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose, rotation_about_z, top_down
from selfgrasp.objects.arrangements import Arrangement, Standing
from selfgrasp.objects.named import objects_named
from selfgrasp.vision import heightmap
from selfgrasp.vision.project import project_world
from selfgrasp.vision.random_actions import random_push
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.cells.simulated import SimCell, make_cell

BLOCKS = objects_named("blocks")
FAMILIES = {one.family: one for one in BLOCKS}


@pytest.fixture(scope="module")
def cell() -> SimCell:
    config = FlatTableConfig(layout="packed", picture_px=160, noise="none")
    return make_cell("flat_table", BLOCKS, config)


def stand(cell: SimCell, family: str, xy: tuple[float, float], yaw: float) -> None:
    """One block alone on the table."""
    cell.reset(0)
    model = FAMILIES[family]
    height = -float(model.surface_points(500, np.random.default_rng(0))[:, 2].min())
    where = pose(rotation=rotation_about_z(yaw), translation=(*xy, height))
    cell.cell.drivers.scene.arrange(Arrangement("one", (Standing(model, where),)))  # type: ignore[attr-defined]


def middle_seen(cell: SimCell) -> tuple[FloatArray, FloatArray]:
    """Of what stands there: (2,) m in the world and (2,) px in the picture, both by the camera."""
    cell.world.hand_away()
    seen = cell.cell.observe()
    assert seen is not None
    top = heightmap(seen.view(), cell.cell.spec.workspace, pixel=0.004, margin=0.0)
    xy = top.world_xy(np.argwhere(top.height > 0.02)[:, ::-1] + 0.5).mean(axis=0)
    return xy, project_world(np.array([*xy, 0.0]), seen.view())


@pytest.mark.parametrize("yaw", [0.0, 1.5 * math.pi, 0.375 * math.pi, 1.125 * math.pi])
def test_a_cube_goes_where_the_arrow_points(cell: SimCell, yaw: float) -> None:
    stand(cell, "toy_cube", (0.01, 0.02), yaw)
    before, pixel_before = middle_seen(cell)
    along = np.array([math.cos(yaw), math.sin(yaw)])
    push = Push(np.array([*(before - 0.06 * along), 0.008]), yaw, 0.10)
    cell.cell.do(push)
    cell.cell.drivers.scene.settle()  # type: ignore[attr-defined]
    after, pixel_after = middle_seen(cell)
    moved = after - before
    assert 0.04 < np.linalg.norm(moved) < 0.09
    assert moved @ along / np.linalg.norm(moved) > math.cos(math.radians(10))
    observed = cell.cell.observe()
    assert observed is not None
    start, end = project_world(np.stack([push.start, push.end]), observed.view())
    shift, arrow = pixel_after - pixel_before, end - start
    cosine = shift @ arrow / (np.linalg.norm(shift) * np.linalg.norm(arrow))
    assert cosine > math.cos(math.radians(10))


@pytest.mark.parametrize("turn", [0.0, math.pi / 8, 5 * math.pi / 8])
@pytest.mark.parametrize("across", [True, False])
def test_a_plank_is_held_across_and_not_along(cell: SimCell, turn: float, across: bool) -> None:
    stand(cell, "toy_plank", (0.0, 0.03), turn)
    closing = turn + math.pi / 2 if across else turn
    done = cell.cell.do(Grasp(top_down((0.0, 0.03, 0.006), closing), 0.065))
    held = len(cell.cell.drivers.scene.held())  # type: ignore[attr-defined]
    assert held == (1 if across else 0)
    assert (done.hand.width > 0.04) is across
    cell.world.hand_away()


def test_what_the_mask_allows_moves_something(cell: SimCell) -> None:
    rng, scene, moved = np.random.default_rng(5), cell.cell.drivers.scene, 0
    spec = cell.cell.spec
    for seed in range(12):
        seen = cell.reset(seed)
        assert seen is not None
        top = heightmap(seen.view(), spec.workspace, pixel=0.004, margin=0.0, colored=False)
        drawn = random_push(top, spec, rng)
        assert drawn is not None
        push = drawn.action
        assert isinstance(push, Push)
        before = [one.points for one in scene.objects_truth()]  # type: ignore[attr-defined]
        axes = rotation_about_z(-push.yaw)[:2, :2]
        points = np.concatenate(before)
        off = np.abs((points[:, :2] - push.start[:2]) @ axes.T)
        under = (off < (spec.gripper.finger_breadth / 2, spec.gripper.finger_thickness)).all(axis=1)
        assert not under.any()
        cell.cell.do(push)
        scene.settle()
        after = [one.points for one in scene.objects_truth()]  # type: ignore[attr-defined]
        gone = len(after) < len(before)
        moved += gone or any(
            np.linalg.norm(a - b, axis=1).max() > 0.005 for a, b in zip(after, before, strict=True)
        )
    assert moved >= 11
