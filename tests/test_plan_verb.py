"""`selfgrasp plan`: files of many kinds in, grasps out, and the messages that wrong files get."""

from __future__ import annotations

import json
import math
import re

import cv2
import numpy as np
import pytest
import yaml
from vision_scenes import Box, Cylinder, camera, render

from selfgrasp.cli import main
from selfgrasp.core import InputError
from selfgrasp.core.pose import angle_between_grasps, apply, inverse
from selfgrasp.data import SAMPLE
from selfgrasp.methods import registry
from selfgrasp.methods.baselines import HeuristicPolicy
from selfgrasp.verbs.plan import Args, run

BOX = Box((0.04, 0.03), (0.03, 0.11, 0.05), 0.5)


def write(folder, view, **options) -> Args:
    """The view as files, intrinsics in selfgrasp's own pixel convention."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "color.png"), view.color[..., ::-1])
    depth = np.nan_to_num(view.depth * 1000, nan=0).round().astype(np.uint16)
    cv2.imwrite(str(folder / "depth.png"), depth)
    np.save(folder / "pose.npy", view.world_from_camera)
    k = view.intrinsics
    (folder / "intrinsics.json").write_text(
        json.dumps({"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]})
    )
    given = {
        "color": folder / "color.png",
        "depth": folder / "depth.png",
        "intrinsics": folder / "intrinsics.json",
        "json": folder / "out.json",
    }
    return Args(**{**given, "pixel_origin": "corner", **options})


def answer(args: Args) -> dict:
    assert run(args, HeuristicPolicy()) == 0
    return json.loads(args.json.read_text())


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, render([BOX], noise=0.001, holes=0.02))


def message(args: Args, **changes) -> str:
    with pytest.raises(InputError) as caught:
        run(Args(**{**vars(args), **changes}), HeuristicPolicy())
    return str(caught.value)


CAMERAS = {
    "coarse": {"width": 96, "height": 96},
    "overhead": {"holes": 0.05},
    "tilted": {"world_from_camera": camera(20), "noise": 0.0015, "holes": 0.05},
    "fine": {
        "width": 640,
        "height": 480,
        "world_from_camera": camera(30, around_deg=200),
        "noise": 0.0015,
    },
}


@pytest.mark.parametrize("name", CAMERAS)
def test_with_a_pose_the_best_grasp_is_across_the_box_in_the_given_world(tmp_path, name):
    view = render([BOX], **CAMERAS[name])
    got = answer(write(tmp_path, view, pose=tmp_path / "pose.npy"))
    best = got["grasps"][0]
    tool = np.array(best["world_from_tool"])
    assert np.linalg.norm(tool[:2, 3] - BOX.xy) < 0.006
    assert math.degrees(angle_between_grasps(best["yaw"], BOX.yaw)) < 8
    assert np.allclose(view.world_from_camera @ np.array(best["camera_from_tool"]), tool, atol=1e-6)
    assert "given by pose.npy" in got["world"]


@pytest.mark.parametrize("name", CAMERAS)
def test_without_a_pose_the_grasp_is_the_same_in_the_cameras_frame(tmp_path, name):
    view = render([BOX], **CAMERAS[name])
    got = answer(write(tmp_path, view))
    tool = view.world_from_camera @ np.array(got["grasps"][0]["camera_from_tool"])
    assert np.linalg.norm(tool[:2, 3] - BOX.xy) < 0.006
    assert math.degrees(angle_between_grasps(math.atan2(tool[1, 0], tool[0, 0]), BOX.yaw)) < 8
    assert tool[2, 2] == pytest.approx(-1, abs=0.001)
    assert got["world"].startswith("fitted: the largest plane")


def test_pixel_and_image_angle_are_those_of_the_picture(files):
    best = answer(files)["grasps"][0]
    view = render([BOX])
    closing = np.array([math.cos(BOX.yaw), math.sin(BOX.yaw), 0])
    camera_points = apply(
        inverse(view.world_from_camera),
        np.array([[*BOX.xy, 0.025], [*BOX.xy, 0.025] + 0.01 * closing]),
    )
    uv = camera_points @ view.intrinsics.T
    uv = uv[:, :2] / uv[:, 2:]
    assert best["pixel"] == pytest.approx(uv[0], abs=1.5)
    expected = math.atan2(*(uv[1] - uv[0])[::-1])
    assert math.degrees(angle_between_grasps(best["image_angle"], expected)) < 8


def test_the_table_may_lie_at_any_height(tmp_path):
    lifted = Box(BOX.xy, BOX.size, BOX.yaw, bottom=-0.2)
    got = answer(
        write(tmp_path, render([lifted], table=-0.2, noise=0.001), pose=tmp_path / "pose.npy")
    )
    assert got["workspace"]["surface"] == pytest.approx(-0.2, abs=0.002)
    assert got["grasps"][0]["world_from_tool"][2][3] == pytest.approx(
        -0.2 + 0.05 - 0.025, abs=0.005
    )


def test_the_overlay_shows_the_grasps(files, tmp_path):
    assert (
        run(Args(**{**vars(files), "out": tmp_path / "overlay.png", "top": 3}), HeuristicPolicy())
        == 0
    )
    picture = cv2.imread(str(tmp_path / "overlay.png"))
    assert picture.shape[0] > picture.shape[1] == 640  # words stand beneath
    assert (np.abs(picture[..., ::-1].astype(int) - (255, 225, 0)).max(axis=-1) < 12).sum() > 50
    assert len(json.loads(files.json.read_text())["grasps"]) == 3


def test_without_a_file_to_write_to_the_answer_is_printed(files, capsys):
    assert run(Args(**{**vars(files), "json": None}), HeuristicPolicy()) == 0
    assert json.loads(capsys.readouterr().out)["grasps"]


def test_depth_as_an_array_in_metres_is_the_same(files, tmp_path):
    view = render([BOX], noise=0.001, holes=0.02)
    np.save(tmp_path / "depth.npy", view.depth)
    a, b = answer(files), answer(Args(**{**vars(files), "depth": tmp_path / "depth.npy"}))
    assert np.allclose(a["grasps"][0]["pixel"], b["grasps"][0]["pixel"], atol=2)


def test_every_way_to_write_intrinsics_means_the_same(files, tmp_path):
    k = render([BOX]).intrinsics
    fx, fy, cx, cy = k[0, 0], k[1, 1], k[0, 2], k[1, 2]
    nine = [float(x) for x in k.ravel()]
    ways = {
        "k.json": json.dumps({"K": nine}),
        "rows.json": json.dumps(k.tolist()),
        "nested.json": json.dumps({"intrinsics": {"matrix": k.tolist()}}),
        "realsense.json": json.dumps(
            {
                "color": {
                    "fx": fx,
                    "fy": fy,
                    "ppx": cx,
                    "ppy": cy,
                    "width": 160,
                    "height": 160,
                    "model": "none",
                }
            }
        ),
        "open3d.json": json.dumps(
            {"width": 160, "height": 160, "intrinsic_matrix": [float(x) for x in k.T.ravel()]}
        ),
        "info.yaml": yaml.safe_dump(
            {
                "image_width": 160,
                "image_height": 160,
                "camera_matrix": {"rows": 3, "cols": 3, "data": nine},
            }
        ),
        "opencv.yml": "%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n   "
        "dt: d\n   "
        f"data: {nine}\n",
    }
    expected = answer(files)["grasps"][0]
    for name, text in ways.items():
        (tmp_path / name).write_text(text)
        got = answer(Args(**{**vars(files), "intrinsics": tmp_path / name}))["grasps"][0]
        assert got["pixel"] == pytest.approx(expected["pixel"], abs=1e-6), name


def test_intrinsics_that_count_from_pixel_centres_are_shifted_by_half_a_pixel(files, tmp_path):
    k = render([BOX]).intrinsics
    (tmp_path / "centre.json").write_text(
        json.dumps({"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2] - 0.5, "cy": k[1, 2] - 0.5})
    )
    got = answer(
        Args(**{**vars(files), "intrinsics": tmp_path / "centre.json", "pixel_origin": "centre"})
    )
    assert got["grasps"][0]["pixel"] == pytest.approx(answer(files)["grasps"][0]["pixel"], abs=1e-6)


def test_a_pose_may_be_json_with_few_digits(files, tmp_path):
    pose = tmp_path / "pose.json"
    pose.write_text(
        json.dumps(
            {
                "world_from_camera": np.round(
                    render([], world_from_camera=camera(20)).world_from_camera, 4
                ).tolist()
            }
        )
    )
    args = write(tmp_path, render([BOX], world_from_camera=camera(20)), pose=pose)
    assert (
        np.linalg.norm(np.array(answer(args)["grasps"][0]["world_from_tool"])[:2, 3] - BOX.xy)
        < 0.006
    )


def test_an_empty_table_is_an_empty_answer_with_a_reason(tmp_path, capsys):
    got = answer(write(tmp_path, render([], noise=0.001), out=tmp_path / "o.png"))
    assert got["grasps"] == []
    assert got["reason"] == "nothing rises above the table in the workspace"
    assert "no grasp: nothing rises" in capsys.readouterr().out
    assert (tmp_path / "o.png").exists()


class TestWrongInput:
    def test_a_missing_picture(self, files, tmp_path):
        text = message(files, color=tmp_path / "colour.png")
        assert "colour.png: No such file" in text
        assert "exists: color.png, depth.png" in text

    def test_a_file_that_is_no_picture(self, files, tmp_path):
        (tmp_path / "bad.png").write_text("not a picture")
        assert "does not decode as a picture; wanted: a PNG or JPEG" in message(
            files, color=tmp_path / "bad.png"
        )
        assert "does not decode as a picture; wanted: a 16-bit PNG" in message(
            files, depth=tmp_path / "bad.png"
        )

    def test_an_array_that_is_none(self, files, tmp_path):
        (tmp_path / "bad.npy").write_text("not an array")
        assert "wanted: a NumPy array of numbers (.npy)" in message(
            files, depth=tmp_path / "bad.npy"
        )

    def test_an_eight_bit_depth_picture(self, files):
        assert "dtype uint8; wanted: one channel: 16-bit integers" in message(
            files, depth=files.color
        )

    def test_colour_and_depth_of_different_sizes(self, files, tmp_path):
        np.save(tmp_path / "small.npy", np.ones((120, 160), np.float32))
        assert (
            "given: depth of 160 x 120 px beside color of 160 x 160 px; wanted: the same size"
            in message(files, depth=tmp_path / "small.npy")
        )

    def test_depth_in_millimetres_that_claims_to_be_metres(self, files, tmp_path):
        np.save(tmp_path / "mm.npy", render([BOX]).depth * 1000)
        text = message(files, depth=tmp_path / "mm.npy")
        assert "m when read as metres; wanted: depth between 0.05 and 10 m" in text
        assert "--depth-scale" in text

    def test_depth_in_a_coarser_unit(self, files, tmp_path):
        cv2.imwrite(str(tmp_path / "cm.png"), (render([BOX]).depth * 50).astype(np.uint16))
        assert "when read as millimetres" in message(files, depth=tmp_path / "cm.png")

    @pytest.mark.parametrize("value", [np.nan, 0.0, -1.0])
    def test_no_return_anywhere(self, files, tmp_path, value):
        np.save(tmp_path / "none.npy", np.full((160, 160), value, np.float32))
        assert "without a single return: every pixel is 0 or NaN" in message(
            files, depth=tmp_path / "none.npy"
        )

    def test_intrinsics_of_another_resolution(self, files, tmp_path):
        (tmp_path / "k.json").write_text('{"fx": 600, "fy": 600, "cx": 320, "cy": 240}')
        assert "principal point (320, 240) for a picture of 160 x 160 px" in message(
            files, intrinsics=tmp_path / "k.json"
        )
        (tmp_path / "k.json").write_text('{"fx": 60, "fy": 60, "cx": 40, "cy": 40}')
        assert "were they made for another resolution?" in message(
            files, intrinsics=tmp_path / "k.json"
        )
        (tmp_path / "k.json").write_text(
            '{"fx": 600, "fy": 600, "cx": 320, "cy": 240, "width": 640, "height": 480}'
        )
        assert (
            "made for 640 x 480 px; wanted: intrinsics for the picture's 160 x 160 px"
            in message(files, intrinsics=tmp_path / "k.json")
        )

    def test_intrinsics_without_a_focal_length(self, files, tmp_path):
        (tmp_path / "k.json").write_text('{"fx": 0, "fy": 60, "cx": 80, "cy": 80}')
        assert "fx and fy positive" in message(files, intrinsics=tmp_path / "k.json")

    @pytest.mark.parametrize(
        "text", ["{}", "[]", "null", '"word"', '{"fx": 1}', '{"K": [1, 2]}', '{"K": ["a"]}']
    )
    def test_intrinsics_with_other_things_in_them(self, files, tmp_path, text):
        (tmp_path / "k.json").write_text(text)
        assert "wanted: fx, fy, cx, cy (or ppx, ppy)" in message(
            files, intrinsics=tmp_path / "k.json"
        )

    def test_malformed_json_and_yaml(self, files, tmp_path):
        (tmp_path / "k.json").write_text('{"fx": ')
        assert "malformed JSON" in message(files, intrinsics=tmp_path / "k.json")
        (tmp_path / "k.yaml").write_text("camera_matrix: [1, 2")
        assert "malformed YAML" in message(files, intrinsics=tmp_path / "k.yaml")

    def test_a_pose_that_is_none(self, files, tmp_path):
        (tmp_path / "p.json").write_text("[1, 2, 3]")
        assert "wanted: world_from_camera as a 4 x 4 matrix of numbers" in message(
            files, pose=tmp_path / "p.json"
        )
        np.save(tmp_path / "p.npy", np.diag([2.0, 1, 1, 1]))
        assert "that is not rigid" in message(files, pose=tmp_path / "p.npy")

    def test_a_picture_without_a_table(self, files, tmp_path):
        np.save(
            tmp_path / "d.npy",
            np.random.default_rng(0).uniform(0.3, 2, (160, 160)).astype(np.float32),
        )
        assert "or the camera's pose" in message(files, depth=tmp_path / "d.npy")

    def test_a_policy_that_moves_and_looks_again(self, files):
        with pytest.raises(InputError, match="hand_eye, which moves and looks again"):
            run(Args(**{**vars(files), "policy": "hand_eye"}))

    def test_the_oracle(self, files):
        with pytest.raises(InputError, match="'oracle' without a simulated cell"):
            run(Args(**{**vars(files), "policy": "oracle"}))

    def test_a_table_without_a_pose(self, files):
        assert "--table 0.1 without --pose" in message(files, pose=None, table=0.1)

    def test_no_grasps_wanted(self, files):
        assert "given: --top 0; wanted: at least 1" in message(files, top=0)

    def test_an_overlay_that_is_no_picture(self, files, tmp_path):
        assert "wanted: a name that ends in .png" in message(files, out=tmp_path / "overlay.txt")


def test_several_things_are_ranked(tmp_path):
    view = render(
        [BOX, Cylinder((-0.12, 0.1), 0.02, 0.07), Box((-0.1, -0.1), (0.04, 0.05, 0.03), 1.0)],
        world_from_camera=camera(15),
        noise=0.001,
    )
    grasps = answer(write(tmp_path, view, top=12))["grasps"]
    assert [g["rank"] for g in grasps] == list(range(1, 13))
    scores = [g["score"] for g in grasps]
    assert scores == sorted(scores, reverse=True)


def test_the_sample_is_planned_on_as_typed(capsys):
    assert main(["plan", "--sample", "--top", "3"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["grasps"]) == 3
    assert all(0 < g["pixel"][0] < 224 and 0 < g["pixel"][1] < 224 for g in said["grasps"])
    sizes = [path.stat().st_size for path in vars(SAMPLE).values()]
    assert sum(sizes) < 150_000


def test_the_answer_names_the_preset_of_shipped_weights(monkeypatch, capsys):
    file = registry.weights("supersizing")
    monkeypatch.setattr(
        registry, "weights", lambda name, preset="": file if preset == "small" else None
    )
    assert main(["plan", "--sample", "--top", "1", "--policy", "supersizing:small"]) == 0
    assert json.loads(capsys.readouterr().out)["policy"] == "supersizing:small"
    monkeypatch.setattr(registry, "weights", lambda name, preset="": file)
    assert main(["plan", "--sample", "--policy", "hand_eye"]) == 2
    assert "weights of supersizing; wanted: weights of hand_eye" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "given: no picture; wanted: --color, --depth, --intrinsics; exists: .* --sample"),
        (("--color", "a.png"), "given: --color; wanted: --color, --depth, --intrinsics"),
        (("--sample", "--color", "a.png"), "given: --sample and --color; wanted: one or the other"),
    ],
)
def test_a_picture_is_three_files_or_the_sample(arguments, told, capsys):
    assert main(["plan", *arguments]) == 2
    assert re.search(told, capsys.readouterr().err)
