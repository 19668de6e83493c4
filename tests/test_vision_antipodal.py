"""What a grasp meets between and under its fingers, and the table in a picture, on shapes with
known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vision_scenes import GRIPPER, WORKSPACE, Box, Cylinder, camera, render

from selfgrasp.core import InputError
from selfgrasp.core.pose import angle_between_grasps, apply, inverse
from selfgrasp.vision import antipodal, closings, diverse, heightmap
from selfgrasp.vision.table import fit_table, surface_height, visible_workspace

BOX = Box((0.05, 0.03), (0.03, 0.09, 0.05), 0.5)


def measured(shapes, xy, yaw, **kwargs):
    return closings(
        heightmap(render(shapes, **kwargs), WORKSPACE),
        np.array([xy]),
        np.array([yaw]),
        GRIPPER,
        WORKSPACE,
    )


def test_a_grasp_across_a_box_measures_its_short_side():
    found = measured([BOX], BOX.xy, 0.5)
    assert found.width[0] == pytest.approx(0.03, abs=0.004)
    assert found.depth[0] == pytest.approx(0.025, abs=0.002)
    assert found.contact[0] == 1.0
    assert found.slant[0] < 0.15
    assert found.gap[0] == pytest.approx(0.0425 - 0.015, abs=0.005)


def test_a_grasp_along_a_box_that_is_longer_than_the_opening_does_not_fit():
    assert np.isnan(measured([BOX], BOX.xy, 0.5 + math.pi / 2).width[0])


def test_a_turned_grasp_is_slanted_by_its_angle():
    assert measured([BOX], BOX.xy, 0.5 + math.radians(20)).slant[0] == pytest.approx(
        math.tan(math.radians(20)), abs=0.12
    )


def test_a_grasp_beside_the_middle_is_moved_onto_it():
    direction = np.array([math.cos(0.5), math.sin(0.5)])
    found = measured([BOX], np.array(BOX.xy) + 0.01 * direction, 0.5)
    assert np.linalg.norm(found.xy[0] - BOX.xy) < 0.004
    assert found.offset[0] == pytest.approx(0.01, abs=0.003)


def test_a_neighbour_under_a_finger_takes_the_gap():
    wall = Box((0.05 + 0.035, 0.0), (0.02, 0.1, 0.06))
    free, blocked = (
        measured(shapes, (0.05, 0.0), 0.0)
        for shapes in (
            [Box((0.05, 0.0), (0.03, 0.06, 0.05))],
            [Box((0.05, 0.0), (0.03, 0.06, 0.05)), wall],
        )
    )
    assert free.gap[0] > 0.02
    assert blocked.gap[0] < 0.002
    assert blocked.opening(GRIPPER)[0] < free.opening(GRIPPER)[0]


def test_nothing_on_the_table_means_no_contact():
    found = measured([], (0.0, 0.0), 0.0)
    assert found.contact[0] == 0.0
    assert np.isnan(found.width[0])


def test_no_grasps_are_measured_as_no_grasps():
    top = heightmap(render([BOX]), WORKSPACE)
    assert len(closings(top, np.zeros((0, 2)), np.zeros(0), GRIPPER, WORKSPACE)) == 0
    assert len(antipodal(heightmap(render([]), WORKSPACE), GRIPPER, WORKSPACE)) == 0


def test_antipodal_pairs_of_a_box_close_across_it_and_those_of_a_cylinder_through_its_axis():
    cylinder = Cylinder((-0.1, 0.1), 0.025, 0.07)
    found = antipodal(
        heightmap(render([BOX, cylinder]), WORKSPACE), GRIPPER, WORKSPACE, friction=0.3
    )
    on_box = np.linalg.norm(found.xy - BOX.xy, axis=1) < 0.06
    assert on_box.sum() > 20
    assert (~on_box).sum() > 20
    turned = [angle_between_grasps(yaw, 0.5) for yaw in found.yaw[on_box]]
    assert np.mean(np.array(turned) < math.radians(25)) > 0.9
    direction = np.stack([np.cos(found.yaw), np.sin(found.yaw)], -1)[~on_box]
    away = found.xy[~on_box] - cylinder.xy
    beside = np.abs(away[:, 0] * direction[:, 1] - away[:, 1] * direction[:, 0])
    assert np.median(beside) < 0.008


@pytest.mark.parametrize("tilt", [0.0, 20.0, 40.0])
def test_the_table_of_a_picture_is_found_with_its_normal_and_height(tilt):
    view = render(
        [BOX, Cylinder((-0.1, 0.1), 0.03, 0.1)],
        world_from_camera=camera(tilt),
        noise=0.0015,
        holes=0.05,
        width=224,
        height=160,
    )
    table = fit_table(view.depth, view.intrinsics, np.random.default_rng(0))
    fitted_from_world = table.world_from_camera @ inverse(view.world_from_camera)
    assert math.degrees(math.acos(min(1.0, fitted_from_world[2, 2]))) < 0.5
    assert apply(fitted_from_world, np.zeros(3))[2] == pytest.approx(0.0, abs=0.002)
    assert table.world_from_camera[2, 3] == pytest.approx(
        0.65 * math.cos(math.radians(tilt)), abs=0.003
    )
    assert table.world_from_camera[1, 0] == pytest.approx(0.0, abs=1e-9)


def test_the_surface_is_where_most_of_the_picture_lies():
    view = render([BOX], table=-0.12, noise=0.001)
    assert surface_height(view.depth, view.intrinsics, view.world_from_camera) == pytest.approx(
        -0.12, abs=0.001
    )


def test_the_workspace_of_a_picture_is_the_table_it_shows():
    view = render([BOX])
    space = visible_workspace(view.depth, view.intrinsics, view.world_from_camera, 0.0)
    assert space.high[0] - space.low[0] == pytest.approx(0.62, abs=0.05)
    with pytest.raises(
        InputError,
        match=r"given: a table at 0\.300 m; "
        r"wanted: a height that the picture shows; exists: heights from",
    ):
        visible_workspace(view.depth, view.intrinsics, view.world_from_camera, 0.3)


def test_a_picture_without_a_plane_has_no_table():
    rng = np.random.default_rng(0)
    with pytest.raises(
        InputError,
        match=r"largest plane holds .* "
        r"wanted: a table that fills at least 25%, or the camera's pose",
    ):
        fit_table(
            rng.uniform(0.3, 2.0, (60, 80)).astype(np.float32),
            np.array([[70.0, 0, 40], [0, 70.0, 30], [0, 0, 1]]),
            rng,
        )


@pytest.mark.parametrize("error", [-0.2, -0.1, 0.15])
def test_skew_says_how_far_to_turn_a_grasp_to_close_squarely(error):
    assert measured([BOX], BOX.xy, BOX.yaw + error, width=320, height=320).skew[0] == pytest.approx(
        -error, abs=0.06
    )


def test_diverse_grasps_are_the_best_of_their_place_and_angle():
    xy = np.array([[0.0, 0.0], [0.01, 0.0], [0.01, 0.0], [0.05, 0.0], [0.0, 0.0]])
    # The second is near the first and turned by 170 deg, which is 10 deg for a symmetric hand.
    yaw = np.radians([0.0, 170.0, 50.0, 0.0, 0.0])
    scores = np.array([0.9, 0.8, 0.1, 0.5, -np.inf])
    assert list(diverse(xy, yaw, scores, most=9, separation=0.02)) == [0, 3, 2]
    assert list(diverse(xy, yaw, scores, most=2, separation=0.02)) == [0, 3]
    assert list(diverse(xy, yaw, scores, most=9, separation=0.005)) == [0, 1, 3, 2]
    nowhere_else = diverse(xy, yaw, scores, most=9, separation=0.02, another_yaw=math.pi)
    assert list(nowhere_else) == [0, 3]
