"""Where `selfgrasp plan` grasps: on the table's own patch, on a mask, in a workspace, in a polygon;
and with depth of another camera."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from test_plan_verb import BOX, answer, files, message, write  # noqa: F401
from vision_scenes import Box, camera, render

from selfgrasp.core import InputError
from selfgrasp.core.pose import apply, inverse, pose
from selfgrasp.rollout.picture_files import read_pictures
from selfgrasp.verbs.plan import Args, _files
from selfgrasp.vision.project import project_world, world_points
from selfgrasp.vision.region import around_points, table_patch

SECOND = Box((-0.09, -0.06), (0.03, 0.08, 0.04), 1.2)
BASE = Box((0.245, 0.0), (0.06, 0.06, 0.12))


def places(got: dict) -> np.ndarray:
    return np.array([np.array(g["world_from_tool"])[:2, 3] for g in got["grasps"]])


def on(box: Box, xy: np.ndarray) -> np.ndarray:
    return np.linalg.norm(xy - box.xy, axis=1) < 0.08


@pytest.fixture
def beside_a_robot(tmp_path):
    """A table that ends, and beyond a gap the robot's pedestal, as high as the table."""
    view = render([BOX, BASE], width=240, height=240, noise=0.0005)
    depth = np.array(view.depth)
    x = world_points(view)[..., 0]
    depth[(x > 0.12) & (x < 0.2)] = np.nan
    assert (x[np.isfinite(depth)] > 0.2).mean() > 0.05
    changed = type(view)(view.color, depth, view.intrinsics, view.world_from_camera)
    return write(tmp_path, changed, pose=tmp_path / "pose.npy", table=0.0, top=20)


def test_what_stands_beside_the_table_is_left_alone(beside_a_robot):
    got = places(answer(beside_a_robot))
    assert len(got)
    assert on(BOX, got).all()


def test_it_is_grasped_where_a_workspace_asks_for_it(beside_a_robot):
    given = {**vars(beside_a_robot), "workspace": (0.2, -0.1, 0.3, 0.1)}
    got = places(answer(Args(**given)))
    assert len(got)
    assert on(BASE, got).all()


@pytest.fixture
def two(tmp_path):
    view = render([BOX, SECOND], width=240, height=240, noise=0.0005, world_from_camera=camera(20))
    return write(tmp_path, view, pose=tmp_path / "pose.npy", top=20), view


@pytest.mark.parametrize("wanted", [BOX, SECOND])
@pytest.mark.parametrize(
    "how", ["mask", "colored mask", "transparent mask", "polygon", "workspace", "workspace in 3D"]
)
def test_one_of_two_is_grasped(two, tmp_path, wanted, how):
    args, view = two
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.07 + wanted.xy
    corners = project_world(np.column_stack([square, np.zeros(4)]), view)
    mask = np.zeros((240, 240), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
    low, high = square[0].tolist(), square[2].tolist()
    if how == "colored mask":
        mask = np.dstack([mask * 0, mask * 0, mask * 255])
    if how == "transparent mask":
        mask = np.dstack([*[np.full_like(mask, 255)] * 3, mask * 255])
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    changes = {
        "mask": {"mask": tmp_path / "mask.png"},
        "colored mask": {"mask": tmp_path / "mask.png"},
        "transparent mask": {"mask": tmp_path / "mask.png"},
        "polygon": {"polygon": tuple(corners.ravel())},
        "workspace": {"workspace": (*low, *high)},
        "workspace in 3D": {"workspace": (*high, 0.2, *low, 0.0)},
    }[how]
    got = places(answer(Args(**{**vars(args), **changes})))
    assert len(got)
    assert (np.abs(got - wanted.xy) < 0.075).all()
    assert on(wanted, got)[0]


def test_a_polygon_says_which_plane_is_the_table(tmp_path):
    """A floor that fills more of the picture than the table."""
    low = Box((0.1, 0.0), (0.24, 0.24, 0.3), bottom=-0.3)
    view = render([low, Box((0.1, 0.0), (0.03, 0.08, 0.04))], table=-0.3, width=200, height=200)
    args = write(tmp_path, view)
    corners = project_world(
        np.array([[0.0, -0.1, 0], [0.2, -0.1, 0], [0.2, 0.1, 0], [0.0, 0.1, 0]]), view
    )
    got = answer(Args(**{**vars(args), "polygon": tuple(corners.ravel())}))
    tool = view.world_from_camera @ np.array(got["grasps"][0]["camera_from_tool"])
    assert tool[:2, 3] == pytest.approx([0.1, 0.0], abs=0.03)
    assert 0 < tool[2, 3] < 0.04
    assert "of the polygon" in got["world"]


def test_a_jpegs_ringing_edges_are_no_mask(two, tmp_path):
    mask = np.zeros((240, 240), np.uint8)
    mask[101:140, 101:140] = 255
    areas = []
    for name in ("mask.png", "mask.jpg"):
        cv2.imwrite(str(tmp_path / name), mask, [cv2.IMWRITE_JPEG_QUALITY, 60])
        asked = _files(Args(**{**vars(two[0]), "mask": tmp_path / name}))
        wanted = read_pictures(asked, opening=0.085).wanted
        areas.append(int(wanted.sum()))
    assert areas[1] == pytest.approx(areas[0], rel=0.02)


def test_places_that_are_none(two, tmp_path):
    args, _ = two
    assert "--workspace of 3 numbers" in message(args, workspace=(1.0, 2.0, 3.0))
    assert "--workspace from" in message(args, workspace=(0.0, 0.0, 0.0, 1.0))
    assert "exists: x from" in message(args, workspace=(5.0, 5.0, 6.0, 6.0))
    assert "--workspace nan" in message(args, workspace=(0.0, 0.0, 1.0, float("nan")))
    assert len(places(answer(Args(**{**vars(args), "workspace": (-100.0, -100.0, 100.0, 100.0)}))))
    assert "--polygon inf" in message(args, polygon=(float("inf"),) * 6)
    assert "--polygon of 5 numbers" in message(args, polygon=(1.0,) * 5)
    assert "outside of the picture" in message(args, polygon=(900.0, 0, 950, 0, 950, 50))
    cv2.imwrite(str(tmp_path / "mask.png"), np.zeros((240, 240), np.uint8))
    assert "which is black or transparent" in message(args, mask=tmp_path / "mask.png")
    cv2.imwrite(str(tmp_path / "mask.png"), np.ones((24, 24), np.uint8))
    assert "mask of 24 x 24" in message(args, mask=tmp_path / "mask.png").replace(
        str(tmp_path / "mask.png") + " ", ""
    )


def test_depth_of_another_camera_and_size(two, tmp_path):
    args, view = two
    color_from_depth = pose(translation=(0.03, 0.01, 0.0))
    other = render(
        [BOX, SECOND],
        width=160,
        height=120,
        noise=0.0005,
        world_from_camera=view.world_from_camera @ color_from_depth,
    )
    np.save(tmp_path / "other.npy", other.depth)
    (tmp_path / "other.json").write_text(json.dumps(other.intrinsics.tolist()))
    (tmp_path / "between.json").write_text(
        json.dumps({"color_from_depth": color_from_depth.tolist()})
    )
    changes = {"depth": tmp_path / "other.npy", "depth_intrinsics": tmp_path / "other.json"}
    got = answer(Args(**{**vars(args), **changes, "color_from_depth": tmp_path / "between.json"}))
    assert (on(BOX, places(got)) | on(SECOND, places(got))).all()
    best = np.array(got["grasps"][0]["world_from_tool"])
    assert got["grasps"][0]["pixel"] == pytest.approx(project_world(best[:3, 3], view))
    assert "--color-from-depth" in message(args, **changes)
    assert "registered" in message(args, depth=tmp_path / "other.npy")


def test_each_cameras_file_has_its_own_choice(two, tmp_path):
    """`--camera color` of a file of both is no choice for the depth picture."""
    args, view = two
    k = view.intrinsics
    depth = render([BOX, SECOND], width=120, height=120, world_from_camera=view.world_from_camera)
    np.save(tmp_path / "half.npy", depth.depth)
    np.save(tmp_path / "still.npy", np.eye(4))
    both = {"color": k.tolist(), "depth": depth.intrinsics.tolist()}
    both = {name: {"matrix": matrix} for name, matrix in both.items()}
    (tmp_path / "both.json").write_text(json.dumps(both))
    changes = {
        "depth": tmp_path / "half.npy",
        "intrinsics": tmp_path / "both.json",
        "depth_intrinsics": tmp_path / "both.json",
        "color_from_depth": tmp_path / "still.npy",
        "camera": "color",
        "pose": None,
    }
    given = {**vars(args), **changes}
    fitting = read_pictures(_files(Args(**given)), opening=0.085).depth
    assert np.nanmedian(np.abs(fitting - view.depth)) < 0.002
    assert np.isfinite(fitting).mean() > 0.9
    with pytest.raises(InputError, match="principal point"):
        read_pictures(_files(Args(**{**given, "depth_camera": "color"})), opening=0.085)


def test_both_frames_are_in_the_answer_and_beneath_the_picture(two, tmp_path):
    args, _ = two
    got = answer(Args(**{**vars(args), "out": tmp_path / "o.png"}))
    best = got["grasps"][0]
    assert np.allclose(
        np.array(got["world_from_camera"]) @ best["camera_from_tool"], best["world_from_tool"]
    )
    assert set(got["frames"]) >= {"world", "camera", "tool", "camera_from_tool"}
    picture = cv2.imread(str(tmp_path / "o.png"))
    assert picture.shape[0] > picture.shape[1]
    assert (picture[-60:] == 255).mean() > 0.7


def test_a_patch_is_the_largest_with_what_stands_on_it_and_a_seam_is_no_gap():
    grid = np.stack(np.meshgrid(np.arange(0, 0.6, 0.004), np.arange(0, 0.4, 0.004)), -1)
    xy = grid.reshape(-1, 2)
    hidden = (np.abs(xy - [0.3, 0.2]) < 0.08).all(axis=1)
    seam = np.abs(xy[:, 0] - 0.15) < 0.01
    other = np.column_stack([xy[:, 0] + 0.75, xy[:, 1] * 0.5])
    patch = table_patch(np.vstack([xy[~hidden & ~seam], other, [[np.nan, 0]]]))
    assert patch is not None
    inside = np.array([[0.3, 0.2], [0.15, 0.1], [0.02, 0.02], [0.58, 0.38]])
    assert patch.contains(inside).all()
    assert not patch.contains(np.array([[0.8, 0.1], [0.68, 0.1], [-0.05, 0], [np.nan, 0]])).any()
    assert patch.grown(0.1).contains(np.array([-0.05, 0.1]))
    assert table_patch(np.zeros((0, 2))) is None
    assert around_points(np.full((3, 2), np.nan)) is None


def test_the_camera_frame_is_that_of_the_colour_camera(two):
    args, view = two
    best = answer(args)["grasps"][0]
    point = apply(inverse(view.world_from_camera), np.array(best["world_from_tool"])[:3, 3])
    assert np.array(best["camera_from_tool"])[:3, 3] == pytest.approx(point)


@pytest.mark.parametrize(("tilt", "distance"), [(10, 0.7), (60, 0.7), (10, 1.6), (0, 0.35)])
def test_the_view_is_said_and_one_far_from_the_trained_is_warned_of(tmp_path, tilt, distance):
    where = camera(tilt, distance=distance)
    view = render([BOX], width=200, height=200, world_from_camera=where)
    got = answer(write(tmp_path, view, pose=tmp_path / "pose.npy"))
    assert got["grasps"]
    assert got["view"]["tilt_degrees"] == pytest.approx(tilt, abs=1)
    assert got["view"]["distance"] == pytest.approx(distance, abs=0.15)
    warned = any("trained at 0.75 m and 15 degrees" in note for note in got["notes"])
    assert warned == ((tilt, distance) != (10, 0.7))
