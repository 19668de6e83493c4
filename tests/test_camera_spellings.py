"""Camera files in spellings that no list holds: lens, depth scale and pose under other keys."""

from __future__ import annotations

import json

import numpy as np
import pytest

from selfgrasp.codec.camera import CameraReading, read_camera
from selfgrasp.codec.camera_files import read_pose
from selfgrasp.codec.depth_scale import depth_scales
from selfgrasp.core import InputError
from selfgrasp.core.lens import Lens, LensModel
from selfgrasp.core.pose import inverse, pose

FLAT = {"fx": 600.0, "fy": 601.0, "cx": 318.5, "cy": 241.5}
K = [[600.0, 0.0, 318.5], [0.0, 601.0, 241.5], [0.0, 0.0, 1.0]]
D = [-0.3, 0.1, 0.001, -0.002, 0.01]
NAMED = dict(zip(("k1", "k2", "p1", "p2", "k3"), D, strict=True))


def read(tmp_path, message: object, height=480, width=640, **reading):
    (tmp_path / "k.json").write_text(json.dumps(message))
    return read_camera(tmp_path / "k.json", height, width, CameraReading(**reading))


@pytest.mark.parametrize(
    "message",
    [
        *(
            {**FLAT, key: D}
            for key in (
                "distortion_coeff",
                "distCoef",
                "kc",
                "distortion_vector",
                "lens_distortion_coefficients",
                "opencv_distortion",
                "camera_distortion",
            )
        ),
        {**FLAT, "distortion": " ".join(map(str, D))},
        {"K": K, "distortion": {"model": "plumb_bob", "coefficients": D}},
        {"intrinsics": {"K": K}, "distortion": {"type": "radtan", "parameters": D}},
        {"intrinsics": {"K": K}, "distortion": {"D": D}},
        {"intrinsics": FLAT, "distortion": NAMED},
        {
            "IntrinsicMatrix": np.transpose(K).tolist(),
            "RadialDistortion": [D[0], D[1], D[4]],
            "TangentialDistortion": D[2:4],
        },
        {"fl_x": 600.0, "fl_y": 601.0, "cx": 318.5, "cy": 241.5, "w": 640, "h": 480}
        | {**NAMED, "camera_model": "OPENCV"},
        {"cameras": [{"intrinsic": {"matrix": K}, "lens": NAMED}]},
        {**FLAT, "lens": {"model": "radtan", "params": D}},
        {**FLAT, "radial": [D[0], D[1], D[4]], "tangential": D[2:4]},
        {"camera": {"intrinsics": {"color": {"K": K}}, "distortion": D}},
        {"intrinsics": {"color": {"K": K}}, "distortion": {"color": D}},
        {"cameraData": [[0, {"intrinsicMatrix": K, "distortionCoeff": D, "width": 640}]]},
    ],
    ids=lambda message: ", ".join(message),
)
def test_a_lens_under_another_key_is_not_dropped(tmp_path, message):
    camera = read(tmp_path, message)
    assert camera.lens == Lens(LensModel.POLYNOMIAL, tuple(D))
    assert camera.intrinsics[:2, 2] == pytest.approx([319.0, 242.0])


def test_a_distortion_that_is_not_understood_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a distortion that says a, b; wanted: k1"):
        read(tmp_path, {**FLAT, "distortion": {"a": 0.1, "b": 0.2}})
    with pytest.raises(InputError, match=r"a distortion of intrinsics/color that says depth"):
        read(tmp_path, {"intrinsics": {"color": {"K": K}}, "distortion": {"depth": D}})
    with pytest.raises(InputError, match="'thinprismfisheye' with 4 coefficients"):
        read(tmp_path, {**FLAT, "D": D[:4], "model": "THIN_PRISM_FISHEYE"})
    assert read(tmp_path, {**FLAT, "distortion": {"enabled": False}}).lens is None
    assert read(tmp_path, {**FLAT, "lens": {"focal_length": 1.9}}).lens is None
    assert read(tmp_path, {**FLAT, "distortion": {"model": "none"}}).lens is None
    assert read(tmp_path, {**FLAT, "distortion_center": [320, 240]}).lens is None


def test_a_region_that_leaves_the_sensor_was_applied_already(tmp_path):
    roi = {"x_offset": 40, "y_offset": 20, "width": 640, "height": 480}
    camera = read(tmp_path, {**FLAT, "width": 640, "height": 480, "roi": roi})
    assert camera.intrinsics[:2, 2] == pytest.approx([319.0, 242.0])
    assert "not applied" in camera.notes[0]


@pytest.mark.parametrize("coefficients", [[], [0.0] * 4])
def test_an_equidistant_lens_bends_without_coefficients_too(tmp_path, coefficients):
    camera = read(tmp_path, {**FLAT, "distortion_model": "equidistant", "D": coefficients})
    assert camera.lens == Lens(LensModel.FISHEYE, (0.0,) * 4)


def test_a_matrix_of_a_picture_three_quarters_as_large_is_refused(tmp_path):
    with pytest.raises(InputError, match="near the picture's middle"):
        read(tmp_path, {key: 0.75 * value for key, value in FLAT.items()})


@pytest.mark.parametrize(
    "key",
    [
        "factor_depth",
        "depthShift",
        "depth_to_meters",
        "depth_scaling_factor",
        "camera_depth_scale",
        "depth_unit_in_meters",
        "depth_scale_mm",
        "depth_multiplier",
    ],
)
def test_a_depth_scale_is_found_whatever_it_is_called(tmp_path, key):
    assert read(tmp_path, {**FLAT, key: 0.25}).depth_scales == (0.25,)


def test_a_bare_scale_may_be_the_colour_pictures():
    assert depth_scales({"fx": 1.0, "scale": 6553.5}) == [6553.5]
    assert depth_scales({"fx": 1.0, "scale": 0.5, "depthmax": 3.0}) == []


def test_the_scale_beside_the_chosen_camera_counts(tmp_path):
    two = {"a": {**FLAT, "depth_scale": 0.001}, "b": {**FLAT, "fx": 500.0, "depth_scale": 0.00025}}
    assert read(tmp_path, two, camera="b").depth_scales == (0.00025,)
    apart = {"color": FLAT, "sensor": {"depth_scale": 0.001}}
    assert read(tmp_path, apart).depth_scales == (0.001,)


def test_a_camera_is_chosen_by_its_whole_name_first(tmp_path):
    many = {str(i): {**FLAT, "fx": 600.0 + i} for i in range(12)}
    assert read(tmp_path, many, camera="1").intrinsics[0, 0] == 601
    assert read(tmp_path, {"left_color": FLAT}, camera="left_color").intrinsics[0, 0] == 600


def test_a_pose_under_the_name_of_its_inverse_is_turned_round(tmp_path):
    turn = np.diag([1.0, -1.0, -1.0])
    wanted = pose(rotation=turn, translation=np.array([0.1, 0.2, 0.6]))
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"camera_from_world": inverse(wanted).tolist()}))
    assert read_pose(path) == pytest.approx(wanted)
    path.write_text(json.dumps({"T": wanted.tolist(), "date": "today"}))
    with pytest.raises(InputError, match="exists: t, date"):
        read_pose(path)


def test_a_pose_in_millimetres_is_refused(tmp_path):
    np.save(tmp_path / "p.npy", pose(translation=np.array([100.0, 200.0, 600.0])))
    with pytest.raises(InputError, match=r"translation of 600 m .is it in millimetres"):
        read_pose(tmp_path / "p.npy")
