"""Projection, heightmap and crops on pictures whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vision_scenes import GRIPPER, WORKSPACE, Box, Cylinder, camera, render, without_depth

from selfgrasp.core import InputError, View
from selfgrasp.core.pose import pose, rotation_about_z, yaw_of
from selfgrasp.vision import (
    Heightmap,
    crop,
    deproject,
    fingertip_height,
    foreground,
    grasp_at,
    heightmap,
    jitter_color,
    on_plane,
    project,
    project_world,
    regions,
    view_from_map,
    world_points,
)
from selfgrasp.vision.heat import spots

SCENE = [
    Box((0.05, 0.03), (0.03, 0.09, 0.05), 0.5),
    Box((-0.1, -0.08), (0.04, 0.04, 0.1), 0.2),
    Cylinder((-0.1, 0.1), 0.02, 0.07),
]
CAMERAS = {
    "overhead": {},
    "coarse": {"width": 80, "height": 80, "world_from_camera": camera(15)},
    "tilted, noisy": {"world_from_camera": camera(20), "noise": 0.0015, "holes": 0.05},
    "fine, from the side": {
        "width": 640,
        "height": 480,
        "world_from_camera": camera(30, around_deg=200),
        "noise": 0.0015,
        "holes": 0.05,
    },
    "wide": {"width": 224, "height": 224, "fov": 0.7},
}


def test_the_centre_of_the_top_left_pixel_is_at_one_half():
    k = np.array([[100.0, 0, 2.0], [0, 100.0, 1.5], [0, 0, 1]])
    points = deproject(np.full((3, 4), 2.0, np.float32), k)
    assert points[0, 0] == pytest.approx([2 * (0.5 - 2.0) / 100, 2 * (0.5 - 1.5) / 100, 2.0])
    assert project(points, k)[2, 3] == pytest.approx([3.5, 2.5])


def test_what_is_behind_the_camera_has_no_pixel():
    assert np.isnan(project(np.array([0.0, 0.0, -1.0]), np.eye(3))).all()


@settings(max_examples=20, deadline=None)
@given(tilt=st.floats(0, 40), around=st.floats(-180, 180))
def test_projecting_a_views_points_gives_their_pixels_back(tilt, around):
    view = render(SCENE, width=24, height=18, world_from_camera=camera(tilt, around_deg=around))
    u, v = np.meshgrid(np.arange(24) + 0.5, np.arange(18) + 0.5)
    measured = np.isfinite(view.depth)
    assert np.allclose(
        project_world(world_points(view), view)[measured], np.stack([u, v], -1)[measured], atol=1e-3
    )


def test_a_sight_line_meets_the_table_where_the_picture_shows_it():
    view = render([], world_from_camera=camera(25))
    points = world_points(view)
    assert on_plane(view, np.array([[40.5, 30.5]]), 0.0)[0] == pytest.approx(
        points[30, 40], abs=1e-4
    )


def test_world_points_of_a_monocular_view_are_refused():
    with pytest.raises(InputError, match="given: a view without depth; wanted: a view with depth"):
        world_points(without_depth(render(SCENE)))


@pytest.mark.parametrize("name", CAMERAS)
def test_the_map_is_metric_for_every_camera(name):
    top = heightmap(render(SCENE, **CAMERAS[name]), WORKSPACE)
    assert top.height.shape == (216, 216)
    at = np.array([[0.05, 0.03], [-0.1, -0.08], [-0.1, 0.1], [0.0, 0.0], [0.1, -0.15]])
    assert top.height_at(at) == pytest.approx([0.05, 0.1, 0.07, 0.0, 0.0], abs=0.003)


@pytest.mark.parametrize("name", CAMERAS)
def test_things_on_the_map_have_their_size_and_place(name):
    top = heightmap(render(SCENE, **CAMERAS[name]), WORKSPACE)
    found = regions(foreground(top, surface=0.0, minimum=0.02))
    assert len(found) == 3
    places = top.world_xy(found.centroid)
    areas = found.area_px * top.pixel**2
    for xy, area in [
        ((0.05, 0.03), 0.0027),
        ((-0.1, -0.08), 0.0016),
        ((-0.1, 0.1), math.pi * 0.0004),
    ]:
        i = np.linalg.norm(places - xy, axis=1).argmin()
        assert np.linalg.norm(places[i] - xy) < 0.004
        assert areas[i] == pytest.approx(area, rel=0.3)


def test_what_an_object_hides_is_table_and_was_not_measured():
    top = heightmap(
        render([Box((0, 0), (0.05, 0.05, 0.12))], world_from_camera=camera(30, around_deg=180)),
        WORKSPACE,
    )
    col, row = np.floor(top.cells(np.array([0.05, 0.0]))).astype(int)
    assert not top.valid[row, col]
    assert top.height[row, col] == pytest.approx(0.0, abs=0.002)


def test_a_cells_centre_and_its_world_point_are_each_others_inverse():
    top = heightmap(render([]), WORKSPACE)
    assert top.world_xy(np.array([0.5, 0.5])) == pytest.approx([-0.27 + 0.00125, -0.27 + 0.00125])
    cells = np.random.default_rng(0).uniform(0, 216, (50, 2))
    assert np.allclose(top.cells(top.world_xy(cells)), cells)


def test_view_and_map_agree_on_where_a_thing_is():
    view = render(SCENE, world_from_camera=camera(20))
    top = heightmap(view, WORKSPACE)
    xy = np.array([[0.05, 0.03], [-0.1, -0.08], [0.15, -0.15]])
    columns, rows = view_from_map(top, view, top.cells(xy)).astype(int).T
    assert np.allclose(world_points(view)[rows, columns, :2], xy, atol=2e-3)


def test_flying_pixels_leave_no_trace():
    clean = render([Box((0, 0), (0.06, 0.06, 0.08))])
    depth = clean.depth.copy()
    jump = np.abs(np.diff(depth, axis=1)) > 0.03
    rows, cols = np.nonzero(jump)
    depth[rows, cols] = (depth[rows, cols] + depth[rows, cols + 1]) / 2
    depth[20, 20] -= 0.2
    dirty = heightmap(
        View(clean.color, depth, clean.intrinsics, clean.world_from_camera), WORKSPACE
    )
    # The clean map has cells between the box's top and the table too: those of its walls that the
    # camera sees.
    between = [
        int(((top.height > 0.01) & (top.height < 0.07)).sum())
        for top in (dirty, heightmap(clean, WORKSPACE))
    ]
    assert between[0] <= between[1]
    assert dirty.height.max() < 0.085


def test_no_return_anywhere_gives_a_flat_map_that_was_not_measured():
    view = render([])
    top = heightmap(
        View(
            view.color,
            np.full(view.size, np.nan, np.float32),
            view.intrinsics,
            view.world_from_camera,
        ),
        WORKSPACE,
    )
    assert not top.valid.any()
    assert (top.height == 0).all()


def test_a_monocular_view_is_laid_on_the_table():
    view = render([], world_from_camera=camera(20))
    flat, deep = heightmap(without_depth(view), WORKSPACE), heightmap(view, WORKSPACE)
    assert not flat.valid.any()
    assert np.abs(flat.color.astype(int) - deep.color).max() <= 2


def test_heights_above_the_scene_are_left_out():
    view = render(
        [Box((0, 0), (0.05, 0.05, 0.04), bottom=0.52)], world_from_camera=camera(0, distance=1.0)
    )
    assert heightmap(view, WORKSPACE).height.max() < 0.01


def _patterned() -> Heightmap:
    """A map that is high towards world +x and coloured towards world +y of the point (0.05,
    -0.02)."""
    low, n = -0.2, 160
    x = (low + (np.arange(n) + 0.5) * 0.0025)[None, :] - 0.05
    y = (low + (np.arange(n) + 0.5) * 0.0025)[:, None] + 0.02
    color = np.zeros((n, n, 3), np.uint8)
    color[np.broadcast_to(y > 0, (n, n))] = 255
    return Heightmap(
        color,
        np.broadcast_to(x, (n, n)).astype(np.float32),
        np.ones((n, n), bool),
        pose(translation=(low, low, 0)),
        0.0025,
    )


@pytest.mark.parametrize("yaw", [0.0, 0.3, math.pi / 2, 2.0, -1.1])
def test_a_crops_columns_run_along_the_closing_direction_and_rows_90_degrees_further(yaw):
    top = _patterned()
    got = crop(top, np.array([[0.05, -0.02]]), np.array([yaw]), 0.1, 40)
    along = (np.arange(40) - 19.5) * 0.0025
    expected = along[None, :] * math.cos(yaw) - along[:, None] * math.sin(yaw)
    assert np.allclose(got.height[0], expected, atol=2e-4)
    up = along[None, :] * math.sin(yaw) + along[:, None] * math.cos(yaw)
    clear = np.abs(up) > 0.004
    assert ((got.color[0, ..., 0] > 127) == (up > 0))[clear].all()


def test_a_crop_at_the_rim_repeats_the_border_and_keeps_its_shape():
    got = crop(_patterned(), np.array([[5.0, 5.0], [0.0, 0.0]]), np.array([0.0, 1.0]), 0.2, 32)
    assert got.color.shape == (2, 32, 32, 3)
    assert np.isfinite(got.height).all()


def test_a_coarse_crop_averages_cells():
    top = heightmap(render([]), WORKSPACE)
    rng = np.random.default_rng(0)
    noisy = Heightmap(
        top.color,
        rng.normal(0, 0.01, top.height.shape).astype(np.float32),
        top.valid,
        top.world_from_map,
        top.pixel,
    )
    got = crop(noisy, np.zeros((1, 2)), np.zeros(1), 0.3, 24)
    assert got.height.std() < 0.004


def test_crop_says_when_centres_and_yaws_differ():
    with pytest.raises(InputError, match="given: 2 centers and 1 yaws"):
        crop(_patterned(), np.zeros((2, 2)), np.zeros(1), 0.1, 8)


def test_fingertips_go_below_the_top_and_never_below_the_workspace():
    shapes = [Box((0.1, 0.1), (0.04, 0.04, 0.08)), Box((-0.1, -0.1), (0.04, 0.04, 0.015))]
    top = heightmap(render(shapes), WORKSPACE)
    z = fingertip_height(
        top, np.array([[0.1, 0.1], [-0.1, -0.1], [0.1, -0.1]]), np.zeros(3), GRIPPER, WORKSPACE
    )
    assert z == pytest.approx([0.08 - 0.025, 0.004, 0.004], abs=0.002)


def test_the_palm_stays_above_what_lies_between_the_fingers():
    shapes = [Box((0.0, 0.0), (0.02, 0.06, 0.02)), Box((0.03, 0.0), (0.02, 0.06, 0.09))]
    z = fingertip_height(
        heightmap(render(shapes), WORKSPACE), np.zeros((1, 2)), np.zeros(1), GRIPPER, WORKSPACE
    )
    assert z[0] >= 0.09 + 0.005 - GRIPPER.finger_length - 0.002


def test_grasp_at_is_top_down_with_the_asked_yaw():
    grasp = grasp_at(
        heightmap(render(SCENE), WORKSPACE), np.array([0.05, 0.03]), 0.7, GRIPPER, WORKSPACE
    )
    assert yaw_of(grasp.world_from_tool) == pytest.approx(0.7)
    assert grasp.width == GRIPPER.opening
    assert WORKSPACE.contains(grasp.world_from_tool[:3, 3])


def test_specks_are_no_regions():
    mask = np.zeros((40, 40), bool)
    mask[5:15, 5:15] = True
    mask[30, 30] = True
    found = regions(mask)
    assert len(found) == 1
    assert found.area_px[0] == 100
    assert found.centroid[0] == pytest.approx([10.0, 10.0])


def test_jitter_keeps_shape_type_and_input_and_repeats_with_its_seed():
    color = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    before = color.copy()
    a, b = (jitter_color(color, np.random.default_rng(3)) for _ in range(2))
    assert a.dtype == np.uint8
    assert (a == b).all()
    assert (color == before).all()
    assert (a != color).any()
    nothing = jitter_color(color, np.random.default_rng(3), brightness=0, contrast=0, tint=0)
    assert np.abs(nothing.astype(int) - color).max() <= 1


def test_the_map_does_not_depend_on_the_cameras_roll():
    base = camera(20)
    rolled = base @ pose(rotation=rotation_about_z(0.6))
    a, b = (
        heightmap(render(SCENE, world_from_camera=p, fov=0.8), WORKSPACE) for p in (base, rolled)
    )
    assert np.median(np.abs(a.height - b.height)) < 0.001
    assert (np.abs(a.height - b.height) > 0.02).mean() < 0.02


def test_spots_leave_open_what_was_not_scored():
    top = heightmap(render([]), WORKSPACE)
    xy, yaw = np.array([[0.02, -0.03], [0.02, -0.03]]), np.array([0.0, math.pi / 2])
    heat = spots(top, xy, yaw, np.array([-40.0, 0.5]))
    cells = np.floor(top.cells(xy[0])).astype(int)
    assert heat.values[0, cells[1], cells[0]] == -40.0
    assert heat.values[6, cells[1], cells[0]] == 0.5
    assert np.isfinite(heat.values).sum() == 2 * 9
    assert np.isnan(heat.values).sum() == heat.values.size - 18
