"""The world that `selfgrasp plan` finds: a table over a floor, and poses that the picture
contradicts."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from test_plan_verb import BOX, answer, message, write
from vision_scenes import Box, camera, render

from selfgrasp.core.pose import inverse, pose
from selfgrasp.vision.tabletop import raised_table


def rotation_about_x(angle: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def over_a_floor(things, tilt=15.0, distance=0.9, table=(0.5, 0.4)):
    """A table of 75 cm on a floor that fills more of the picture."""
    top = Box((0.05, 0.0), (*table, 0.03), 0.2, bottom=-0.03)
    legs = [
        Box((0.05 + x * 0.22, y * 0.17), (0.04, 0.04, 0.72), bottom=-0.75)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    seen = camera(tilt, distance=distance)
    return render([top, *legs, *things], table=-0.75, world_from_camera=seen, fov=1.1, noise=0.001)


@pytest.mark.parametrize("tilt", [0.0, 30.0, 50.0])
@pytest.mark.parametrize("given", ["nothing", "pose"])
def test_a_table_is_found_over_a_floor(tmp_path, tilt, given):
    view = over_a_floor([BOX], tilt)
    args = write(tmp_path, view, pose=tmp_path / "pose.npy" if given == "pose" else None)
    got = answer(args)
    tool = view.world_from_camera @ np.array(got["grasps"][0]["camera_from_tool"])
    assert np.linalg.norm(tool[:2, 3] - BOX.xy) < 0.08
    assert 0 < tool[2, 3] < BOX.size[2]
    assert got["workspace"]["surface"] == pytest.approx(0.0, abs=0.005)
    assert ("0.75 m above the largest" in got["world"]) == (given == "nothing")


def test_an_empty_table_over_a_floor_is_found_in_the_pictures_middle(tmp_path):
    got = answer(write(tmp_path, over_a_floor([])))
    assert got["grasps"] == []
    assert any("was taken for the table" in note for note in got["notes"])


def test_things_on_a_table_are_no_table(tmp_path):
    """A flat box in the picture's middle with another on top."""
    flat = Box((0.0, 0.0), (0.3, 0.25, 0.2))
    view = render([flat, Box((0.0, 0.0), (0.05, 0.05, 0.05), bottom=0.2)], fov=1.2)
    got = answer(write(tmp_path, view))
    assert "the largest plane" in got["world"]


def test_a_pose_that_the_picture_contradicts_is_refused(tmp_path):
    view = render([BOX], world_from_camera=camera(30))
    args = write(tmp_path, view, pose=tmp_path / "p.npy")
    np.save(tmp_path / "p.npy", inverse(view.world_from_camera))
    assert re.search("leans by 60 degrees; .*camera_from_world is its inverse", message(args))
    np.save(tmp_path / "p.npy", view.world_from_camera @ np.diag([1.0, -1, -1, 1]))
    assert "looks upwards, 150 degrees" in message(args)
    np.save(tmp_path / "p.npy", view.world_from_camera @ pose(rotation=rotation_about_x(0.09)))
    assert "leans by 5 degrees: is it exact?" in answer(args)["notes"][0]


def test_a_lid_without_noise_is_a_level_surface():
    """All of its pixels lie at one height."""
    points = np.zeros((40, 40, 3))
    points[..., :2] = np.stack(np.meshgrid(np.arange(40), np.arange(40)), axis=-1) * 0.02
    points[14:26, 14:26, 2] = 0.4
    assert raised_table(points, 0.0) == pytest.approx(0.4)
    points[..., 2] = 0.0
    assert raised_table(points, 0.0) is None
