"""Heightmaps turned about the vertical, and where in them a hand may grasp or push: known scenes,
hand-made maps, and what random actions really do in the simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vision_scenes import Box, camera, render

from selfgrasp.core import CellSpec, InputError, View
from selfgrasp.core.pose import pose
from selfgrasp.vision import Heightmap, heightmap
from selfgrasp.vision.change import changed_area
from selfgrasp.vision.project import world_points
from selfgrasp.vision.random_actions import random_grasp, random_push
from selfgrasp.vision.turned import (
    PUSH_LENGTH,
    Turned,
    graspable,
    outline,
    pushable,
    standing,
    turned,
)
from selfgrasp.workcell.cells.flat_table import (
    HALF_SIZE,
    FlatTableConfig,
    GripperName,
    flat_table_spec,
    static_camera,
)

PIXEL = 0.004
SPECS: dict[GripperName, CellSpec] = {
    "packed": flat_table_spec(FlatTableConfig(gripper="packed")),
    "tabletop": flat_table_spec(FlatTableConfig(gripper="tabletop")),
}
PACKED = SPECS["packed"]
YAWS = [2 * math.pi * index / 16 for index in range(16)]
CAMERAS = {
    "the cell's": static_camera(480).world_from_camera,
    "overhead": camera(0.0, distance=0.75),
    "from the side": camera(30.0, distance=0.75, around_deg=40.0),
}


def map_of(view: View) -> Heightmap:
    return heightmap(view, PACKED.workspace, pixel=PIXEL, margin=0.0)


def hand_made(*blocks: Box) -> Heightmap:
    """The map of upright boxes along the axes on the cell's table, cells of 4 mm."""
    low = PACKED.workspace.low[:2]
    side = round(2 * HALF_SIZE / PIXEL)
    middle = low[0] + (np.arange(side) + 0.5) * PIXEL
    height = np.zeros((side, side), np.float32)
    for block in blocks:
        inside = [np.abs(middle - block.xy[axis]) < block.size[axis] / 2 for axis in (0, 1)]
        height[np.ix_(inside[1], inside[0])] = block.size[2]
    return Heightmap(
        np.zeros((side, side, 3), np.uint8),
        height,
        np.ones((side, side), bool),
        pose(translation=(*low, 0.0)),
        PIXEL,
    )


def whole(top: Heightmap, yaw: float, *, pixel: float = PIXEL, border: int = 0) -> Turned:
    """The map around what stands there, 8 cm and a bit more on each side."""
    corners = outline(standing(top, PACKED), margin=0.14)
    return turned(top, corners, yaw, surface=0.0, pixel=pixel, border=border)


def risen(row: np.ndarray) -> float:
    """Where heights along a row first cross 25 mm, in cells from the first one's centre."""
    after = int((row > 0.025).argmax())
    low, high = row[after - 1 : after + 1]
    return after - 1 + float((0.025 - low) / (high - low))


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("yaw", [0.0, 0.3])
def test_a_cube_stands_in_the_turned_map_as_it_does_on_the_table(name: str, yaw: float) -> None:
    cube = Box((0.062, -0.041), (0.05, 0.05, 0.05), yaw)
    view = render([cube], width=640, height=480, world_from_camera=CAMERAS[name])
    seen = turned(map_of(view), np.array([cube.xy]), yaw, surface=0.0, pixel=PIXEL, border=12)
    # Cell (12, 12) has its centre in the cube's: its sides are 25 mm from there.
    np.testing.assert_allclose(seen.world_xy(np.array([12, 12])), cube.xy, atol=1e-9)
    window = seen.height[:25, :25]
    for across in (window, window[:, ::-1], window.T, window.T[:, ::-1]):
        border = np.median([risen(row) for row in across[8:17]])
        assert (12 - border) * PIXEL == pytest.approx(0.025, abs=PIXEL)
    off = np.abs(np.mgrid[0:25, 0:25] - 12).max(axis=0) * PIXEL
    np.testing.assert_allclose(window[off < 0.025 - 2 * PIXEL], 0.05, atol=0.003)
    np.testing.assert_allclose(window[off > 0.025 + 3 * PIXEL], 0.0, atol=0.003)


def test_half_a_cube_without_depth_is_half_a_cube() -> None:
    cube = Box((0.0, 0.0), (0.05, 0.05, 0.05))
    view = render([cube], width=640, height=480, world_from_camera=CAMERAS["the cell's"])
    points = world_points(view)
    depth = np.where((points[..., 2] > 0.003) & (points[..., 1] > 0), np.nan, view.depth)
    top = map_of(
        View(view.color, depth.astype(np.float32), view.intrinsics, view.world_from_camera)
    )
    seen_half = top.height_at(np.array([[0.0, -0.015], [0.015, -0.01]]))
    np.testing.assert_allclose(seen_half, 0.05, atol=0.003)
    hole = np.array([[0.0, 0.015], [0.01, 0.012]])
    assert not top.valid[tuple(np.floor(top.cells(hole)).astype(int).T[::-1])].any()
    assert top.height_at(hole).max() < 0.053
    xy = standing(top, PACKED)
    assert len(xy) * PIXEL**2 == pytest.approx(0.05 * 0.025, rel=0.25)
    assert np.abs(xy).max() < 0.025 + PIXEL


def random_map(side: int = 24) -> Heightmap:
    rng = np.random.default_rng(3)
    return Heightmap(
        rng.integers(0, 256, (side, side, 3), np.uint8),
        rng.uniform(0.0, 0.1, (side, side)).astype(np.float32),
        np.ones((side, side), bool),
        pose(translation=(-side / 2 * PIXEL, -side / 2 * PIXEL, 0.0)),
        PIXEL,
    )


@pytest.mark.parametrize("quarters", range(4))
def test_a_turn_by_90_degrees_is_exact(quarters: int) -> None:
    top = random_map()
    corners = top.world_xy(np.array([[0.5, 0.5], [0.5, 23.5], [23.5, 0.5], [23.5, 23.5]]))
    seen = turned(top, corners, quarters * math.pi / 2, surface=0.0, pixel=PIXEL, border=0)
    np.testing.assert_array_equal(seen.height, np.rot90(top.height, quarters))
    np.testing.assert_array_equal(seen.color, np.rot90(top.color, quarters))


@pytest.mark.parametrize("yaw", [*YAWS[:5], 4.0])
def test_a_cell_shows_what_lies_at_its_place_in_the_world(yaw: float) -> None:
    top = random_map()
    slope = np.array([0.3, -0.2])
    row, column = np.mgrid[0:24, 0:24]
    ramp = top.world_xy(np.stack([column + 0.5, row + 0.5], axis=-1)) @ slope
    top = Heightmap(top.color, ramp.astype(np.float32), top.valid, top.world_from_map, top.pixel)
    seen = turned(top, np.zeros((1, 2)), yaw, surface=-0.05, pixel=0.003, border=6)
    cells = np.argwhere(np.ones(seen.height.shape, bool))
    xy = seen.world_xy(cells)
    near = np.abs(xy).max(axis=1) < 11 * PIXEL
    assert near.sum() > 100
    heights = seen.height[cells[:, 0], cells[:, 1]]
    np.testing.assert_allclose(heights[near], xy[near] @ slope + 0.05, atol=4e-5)
    np.testing.assert_allclose(seen.world_xy(np.array([6, 6])), 0.0, atol=1e-12)


@pytest.mark.parametrize("yaw", YAWS)
def test_a_place_picked_in_any_turned_map_is_the_same_place(yaw: float) -> None:
    post = Box((0.078, -0.11), (0.012, 0.012, 0.04))
    seen = whole(hand_made(post), yaw, border=15)
    assert seen.height.shape[0] % 8 == seen.height.shape[1] % 8 == 30 % 8
    picked = np.argwhere(seen.height > 0.02)
    np.testing.assert_allclose(seen.world_xy(picked).mean(axis=0), post.xy, atol=0.3 * PIXEL)


def along_row(mask: np.ndarray, seen: Turned, y: float) -> np.ndarray:
    """World x of the mask's cells in the row at world y, of a map that is not turned."""
    row = round((y - seen.first[1]) / seen.pixel)
    columns = np.flatnonzero(mask[row])
    return seen.world_xy(np.stack([np.full_like(columns, row), columns], axis=1))[:, 0]


@pytest.mark.parametrize("gripper", SPECS)
def test_a_push_begins_beside_a_block_and_not_on_it(gripper: GripperName) -> None:
    block = Box((0.0, 0.0), (0.048, 0.048, 0.05))
    seen = whole(hand_made(block), 0.0)
    xs = along_row(pushable(seen, SPECS[gripper]), seen, 0.002)
    breadth = SPECS[gripper].gripper.finger_breadth
    assert xs.max() == pytest.approx(-0.024 - breadth / 2, abs=PIXEL)
    assert xs.max() + breadth / 2 <= -0.024 + PIXEL / 2 + 1e-9
    assert xs.min() == pytest.approx(-0.024 - breadth / 2 - 0.06, abs=1.01 * PIXEL)
    assert np.diff(xs).max() == pytest.approx(PIXEL)


@pytest.mark.parametrize(("gripper", "across"), [("packed", 0.040), ("tabletop", 0.020)])
def test_a_push_meets_what_the_closed_fingers_sweep(gripper: GripperName, across: float) -> None:
    block = Box((0.0, 0.0), (0.048, 0.048, 0.05))
    seen = whole(hand_made(block), 0.0)
    starts = seen.world_xy(np.argwhere(pushable(seen, SPECS[gripper])))
    grazed = (0.048 + across) / 2
    assert grazed - 0.004 - PIXEL <= np.abs(starts[:, 1]).max() <= grazed - 0.004 + 1e-9


@pytest.mark.parametrize(("gripper", "across"), [("packed", 0.040), ("tabletop", 0.020)])
def test_fingers_need_room_on_both_sides(gripper: GripperName, across: float) -> None:
    ahead = Box((0.06, 0.0), (0.048, 0.048, 0.05))
    for gap, free in ((across + 3 * PIXEL, True), (across - 2 * PIXEL, False)):
        walls = (Box((0.0, side * (gap / 2 + 0.02)), (0.10, 0.04, 0.05)) for side in (-1, 1))
        seen = whole(hand_made(ahead, *walls), 0.0)
        xs = along_row(pushable(seen, SPECS[gripper]), seen, 0.002)
        assert bool((np.abs(xs) < 0.02).any()) is free


@pytest.mark.parametrize("gripper", SPECS)
def test_the_palm_needs_room_above_the_fingers(gripper: GripperName) -> None:
    for height, gap in ((0.05, 0.0), (0.10, 0.03)):
        seen = whole(hand_made(Box((0.0, 0.0), (0.048, 0.048, height))), 0.0)
        xs = along_row(pushable(seen, SPECS[gripper]), seen, 0.002)
        assert xs.max() == pytest.approx(-0.024 - max(gap, 0.01), abs=1.5 * PIXEL)
        assert xs.max() <= -0.024 - gap
    ahead, beside = Box((0.06, 0.0), (0.048, 0.048, 0.05)), Box((0.0, 0.064), (0.04, 0.04, 0.1))
    seen = whole(hand_made(ahead, beside), 0.0)
    assert not (np.abs(along_row(pushable(seen, SPECS[gripper]), seen, 0.002)) < 0.02).any()


def test_low_things_are_neither_met_nor_in_the_way() -> None:
    sheet = Box((0.0, 0.0), (0.1, 0.1, 0.009))
    seen = turned(hand_made(sheet), np.zeros((1, 2)), 0.0, surface=0.0, pixel=PIXEL, border=40)
    assert not pushable(seen, PACKED).any()
    assert not graspable(seen, PACKED).any()
    assert len(standing(hand_made(sheet), PACKED)) == 0


@pytest.mark.parametrize("yaw", YAWS)
def test_a_push_begins_and_ends_inside(yaw: float) -> None:
    blocks = [Box((x, y), (0.04, 0.04, 0.05)) for x in (-0.16, 0.0, 0.16) for y in (-0.16, 0.16)]
    seen = whole(hand_made(*blocks), yaw)
    starts = seen.world_xy(np.argwhere(pushable(seen, PACKED)))
    assert len(starts)
    ends = starts + PUSH_LENGTH * np.array([math.cos(yaw), math.sin(yaw)])
    for places in (starts, ends):
        assert np.abs(places).max() <= HALF_SIZE - 0.015 + 1e-9


def test_a_block_at_the_border_is_pushed_no_further_outwards() -> None:
    seen = whole(hand_made(Box((0.204, 0.0), (0.03, 0.04, 0.05))), 0.0)
    assert along_row(pushable(seen, PACKED), seen, 0.002).size == 0
    back = whole(hand_made(Box((0.14, 0.0), (0.04, 0.04, 0.05))), 0.0)
    xs = along_row(pushable(back, PACKED), back, 0.002)
    assert xs.max() == pytest.approx(HALF_SIZE - 0.06 - PUSH_LENGTH, abs=PIXEL)


def test_what_stands_outside_is_not_acted_on() -> None:
    wider = heightmap(
        render(
            [Box((0.27, 0.0), (0.05, 0.05, 0.05))],
            width=640,
            height=480,
            world_from_camera=camera(0.0, distance=0.9),
        ),
        PACKED.workspace,
        pixel=PIXEL,
    )
    assert wider.height.max() > 0.04
    assert len(standing(wider, PACKED)) == 0
    rng = np.random.default_rng(0)
    assert random_push(wider, PACKED, rng) is None
    assert random_grasp(wider, PACKED, rng) is None


def test_only_what_moved_has_changed() -> None:
    block, area = (0.048, 0.048, 0.05), 0.048**2
    before, after = hand_made(Box((0.0, 0.0), block)), hand_made(Box((0.1, 0.0), block))
    assert changed_area(before, before) == 0.0
    assert changed_area(before, after) == pytest.approx(2 * area, rel=0.01)
    assert changed_area(before, hand_made()) == pytest.approx(area, rel=0.01)
    lower = hand_made(Box((0.0, 0.0), (0.048, 0.048, 0.041)))
    assert changed_area(before, lower) == 0.0
    pole = hand_made(Box((0.0, 0.0), (0.048, 0.048, 0.36)))
    assert changed_area(hand_made(), pole) == 0.0


def test_maps_of_different_cells_are_not_compared() -> None:
    view = render([Box((0.0, 0.0), (0.05, 0.05, 0.05))], world_from_camera=camera(0.0))
    top = map_of(view)
    for other in (
        heightmap(view, PACKED.workspace, pixel=0.002, margin=0.0),
        heightmap(view, PACKED.workspace, pixel=PIXEL, margin=0.02),
    ):
        with pytest.raises(InputError, match="two of the same cells") as caught:
            changed_area(top, other)
        assert "112 x 112 cells of 4 mm" in str(caught.value)
