"""`selfgrasp find`: two pictures in, where the object of the one is in the other; and what wrong
pictures are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from test_grasp2vec import SPEC, TINY, built

from selfgrasp.cli import main
from selfgrasp.codec.camera_files import read_color
from selfgrasp.core import Heat2D, InputError, View
from selfgrasp.learn import save
from selfgrasp.methods.grasp2vec.pictures import middle, scene_crop
from selfgrasp.rollout.find import contrast, find_in_picture, picture_spec, read_embedding
from selfgrasp.vision.workspace import floor_pixels, presented_pixels
from selfgrasp.viz.found import found_picture

RED, GREY = (220, 20, 20), (120, 120, 120)


def pictured(size: tuple[int, int], spots: dict[tuple[int, int], tuple[int, int, int]], side: int):
    """Squares of `side` px around (row, column), on grey."""
    color = np.full((*size, 3), GREY, np.uint8)
    for (row, column), paint in spots.items():
        color[row - side // 2 : row + side // 2, column - side // 2 : column + side // 2] = paint
    return color


def written(path: Path, color: NDArray[np.uint8]) -> str:
    cv2.imwrite(str(path), np.ascontiguousarray(color[..., ::-1]))
    return str(path)


SCENE = pictured((300, 500), {(60, 400): RED, (200, 100): (20, 200, 20)}, 40)
OBJECT = np.full((90, 50, 3), RED, np.uint8)
OBJECT[:10] = 100


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    scene, shown = (
        written(tmp_path / f"{name}.png", color)
        for name, color in (("scene", SCENE), ("object", OBJECT))
    )
    return ["find", "--scene", scene, "--object", shown]


def test_colors_find_the_red_square_and_the_picture_shows_it(pictures, tmp_path, capsys):
    out = tmp_path / "found"
    assert main([*pictures, "--policy", "color_histogram", "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    x, y = (float(one) for one in said[0].partition("at (")[2].partition(")")[0].split(", "))
    assert abs(x - 400) < 20
    assert abs(y - 60) < 20
    assert "there" not in " ".join(said)
    assert said[-1] == f"picture: {out / 'found.png'}"
    drawn = read_color(out / "found.png")
    assert len(drawn) == 320
    assert drawn.shape[1] == pytest.approx(320 * (50 / 90 + 2 * 500 / 300) + 12, abs=2)


@pytest.mark.parametrize(("threshold", "said"), [(-1.0, "there: at least"), (1.0, "not there: b")])
def test_a_run_says_whether_it_is_there(threshold, said, pictures, tmp_path, capsys):
    path = tmp_path / "run.safetensors"
    save(path, built(replace(TINY, not_found_threshold=threshold)))
    assert main([*pictures, "--policy", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(said)


@pytest.mark.parametrize("size", [(40, 400), (300, 90), (64, 64)])
def test_of_a_picture_without_a_calibration_the_tower_sees_all(size):
    color = np.zeros((*size, 3), np.uint8)
    color[:3], color[-3:], color[:, :3], color[:, -3:] = 255, 255, 255, 255
    crop = middle(scene_crop(View.uncalibrated(color), SPEC, TINY.scene), TINY.scene.px)
    corners = np.array([[0, 0, 1], [48, 48, 1]]) @ crop.picture_from_crop.T
    assert np.ptp(corners, axis=0) == pytest.approx(max(size))
    assert corners.mean(axis=0) == pytest.approx([size[1] / 2, size[0] / 2])
    heat = built().heat(View.uncalibrated(color), np.ones(32), SPEC)
    px = heat.px(*np.nonzero(np.isfinite(heat.values)))
    cell = abs(heat.picture_from_cell[0, 0])
    assert (px > -cell / 2).all()
    assert (px < np.array(size[::-1]) + cell / 2).all()
    # The middle of the picture, and all of its longer side, are scored.
    longer = int(np.argmax(size[::-1]))
    assert len(np.unique(px[:, longer])) == len(heat.values)


def test_the_peak_of_a_wide_picture_is_where_the_object_is(monkeypatch):
    method = built()
    spot = pictured((60, 600), {(20, 450): (250, 250, 250)}, 24)
    heats = method.heat(View.uncalibrated(spot), np.ones(32), SPEC)
    plain = method.heat(View.uncalibrated(pictured((60, 600), {}, 24)), np.ones(32), SPEC)
    differs = np.nan_to_num(np.abs(heats.values - plain.values))
    at = Heat2D(differs, heats.picture_from_cell).peak_px
    assert np.abs(at - (450, 20)).max() < 1.5 * 600 / 48 * TINY.tower.stride / 2


def test_a_heat_is_moved_with_its_picture_and_ends_with_it():
    heat = Heat2D(np.arange(12, dtype=np.float32).reshape(3, 4), np.eye(2, 3) * 10)
    assert heat.resized(0.5).peak_px.tolist() == (heat.peak_px / 2).tolist() == [17.5, 12.5]
    inside = heat.inside((22, 19))
    assert np.isnan(inside.values).tolist() == [[False] * 2 + [True] * 2] * 3
    assert inside.peak_px.tolist() == [15, 25]
    assert heat.similarity(np.array([3.0, 4.0])) == pytest.approx(11 / 5)


def test_pixels_of_a_view_without_a_calibration_are_all_its_own():
    view = View.uncalibrated(SCENE)
    assert floor_pixels(view, SPEC).all()
    assert presented_pixels(view, SPEC, 0.01).all()


@pytest.mark.parametrize("size", [(900, 40), (9, 700), (3000, 4000)])
def test_pictures_of_any_shape_are_drawn(size):
    heat = Heat2D(np.eye(3, dtype=np.float32), np.eye(2, 3) * max(size) / 3)
    scene = View.uncalibrated(np.full((*size, 3), 90, np.uint8))
    drawn = found_picture(scene, View.uncalibrated(np.zeros((10, 800, 3), np.uint8)), heat)
    assert len(drawn) <= 640
    assert drawn.shape[1] <= 3 * 1300


def test_noise_of_single_pixels_is_no_contrast():
    color = np.full((640, 640, 3), 128, np.uint8)
    color[300, 300] = 255
    assert contrast(color) < 8
    color[300:320, 300:320] = 160
    assert contrast(color) > 25
    assert contrast(np.zeros((8, 900, 3), np.uint8)) == 0


@pytest.mark.parametrize(
    ("which", "file", "message"),
    [
        ("--scene", "none.png", "none.png: No such file"),
        ("--scene", "text.png", "text.png, which does not decode as a picture"),
        ("--scene", "blank.png", "blank.png, a blank picture, whose colors differ by 0 of 255"),
        ("--object", "blank.png", "wanted: a picture of the object"),
        ("--object", "small.png", "small.png, a picture of 40 x 5 px; wanted: 8 px a side or more"),
        ("--object", ".", ": Is a directory; wanted: a file"),
        ("--policy", "random", "which gives no vectors of scenes and objects; wanted: an embedd"),
        ("--policy", "hand_eye", "which gives no vectors of scenes and objects; wanted: an embed"),
        ("--policy", "file.npz", "features of stored attempts; wanted: an embedding that looks"),
        ("--policy", "nothing", "policy 'nothing'; wanted: a known policy"),
    ],
)
def test_wrong_inputs_get_one_line(which, file, message, pictures, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "file.npz").write_bytes(b"")
    written(tmp_path / "blank.png", np.full((40, 40, 3), 77, np.uint8))
    written(tmp_path / "small.png", np.full((5, 40, 3), 77, np.uint8))
    value = file if which == "--policy" and "." not in file else str(tmp_path / file)
    assert main([*pictures, "--policy", "color_histogram", which, value]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("selfgrasp find: given: ")
    assert message in said.err


def test_the_peak_is_told_within_the_picture():
    class Corner:
        name, privileged = "corner", ()

        def objects(self, views, spec):
            return np.ones((1, 2))

        def heat(self, view, vector, spec):
            return Heat2D(np.ones((1, 1), np.float32), np.array([[9.0, 0, -8], [0, 9.0, 60]]))

    scene = View.uncalibrated(np.zeros((50, 40, 3), np.uint8))
    found = find_in_picture(Corner(), scene, scene)
    assert found.px.tolist() == [0.0, 50.0]
    assert found.there is None
    assert picture_spec().name == "kuka_bin"
    with pytest.raises(InputError, match="an embedding"):
        read_embedding("heuristic")
