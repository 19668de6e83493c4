"""Camera files of many programs: what stands beside the matrix counts."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from selfgrasp.codec.camera import CameraReading, read_camera
from selfgrasp.codec.depth_file import read_depth, unit_note
from selfgrasp.core import InputError
from selfgrasp.core.lens import Lens, LensModel
from selfgrasp.vision.lens import undistorted_color, undistorted_depth
from selfgrasp.vision.onto_color import depth_onto_color

FX, FY, CX, CY = 600.0, 601.0, 318.5, 241.5
NINE = [FX, 0.0, CX, 0.0, FY, CY, 0.0, 0.0, 1.0]
K = np.array(NINE).reshape(3, 3)
HALF_A_PIXEL = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
TWELVE = [FX, 0.0, CX, 0.0, 0.0, FY, CY, 0.0, 0.0, 0.0, 1.0, 0.0]
D = [-0.3, 0.1, 0.001, -0.002, 0.01]
POLYNOMIAL, FISHEYE = LensModel.POLYNOMIAL, LensModel.FISHEYE


def info(**changes) -> dict:
    message = {"height": 480, "width": 640, "distortion_model": "plumb_bob", "D": [0.0] * 5}
    return {**message, "K": NINE, "R": np.eye(3).ravel().tolist(), "P": TWELVE, **changes}


def _ros2(d: list[float]) -> str:
    rows = {"d": d, "k": NINE, "r": np.eye(3).ravel(), "p": TWELVE}
    lists = "".join(f"{n}:\n" + "".join(f"- {v}\n" for v in vs) for n, vs in rows.items())
    return (
        "header:\n  frame_id: eye\nheight: 480\nwidth: 640\ndistortion_model: plumb_bob\n"
        f"{lists}binning_x: 0\nbinning_y: 0\nroi:\n  x_offset: 0\n  width: 0\n  height: 0\n---\n"
    )


ROS1 = (
    f'header: \n  seq: 1\n  frame_id: "eye"\nheight: 480\nwidth: 640\n'
    f'distortion_model: "plumb_bob"\nD: {D}\nK: {NINE}\nP: {TWELVE}\nbinning_x: 0\nroi: \n'
    "  x_offset: 0\n  do_rectify: False\n---\n"
)
KALIBR = (
    "cam0:\n  cam_overlaps: [1]\n  camera_model: pinhole\n  distortion_coeffs: [0.1, 0.2, 0.3, 0.4]"
    f"\n  distortion_model: equidistant\n  intrinsics: [{FX}, {FY}, {CX}, {CY}]\n"
    "  resolution: [640, 480]\n  rostopic: /cam0\ncam1:\n  T_cn_cnm1:\n  - [1.0, 0.0, 0.0, 0.1]\n"
    "  - [0.0, 1.0, 0.0, 0.0]\n  - [0.0, 0.0, 1.0, 0.0]\n  - [0.0, 0.0, 0.0, 1.0]\n"
    "  camera_model: pinhole\n  distortion_coeffs: [0.0, 0.0, 0.0, 0.0]\n"
    "  distortion_model: radtan\n  intrinsics: [300, 300, 160, 120]\n  resolution: [320, 240]\n"
)
XML = (
    '<?xml version="1.0"?>\n<opencv_storage>\n<image_width>640</image_width>\n'
    "<image_height>480</image_height>\n"
    '<camera_matrix type_id="opencv-matrix"><rows>3</rows><cols>3</cols><dt>d</dt><data>\n'
    f"  {' '.join(map(str, NINE))}</data></camera_matrix>\n"
    '<distortion_coefficients type_id="opencv-matrix"><rows>5</rows><cols>1</cols><dt>d</dt><data>'
    f"{' '.join(map(str, D))}</data></distortion_coefficients>\n</opencv_storage>\n"
)
OPENCV = (
    "%YAML:1.0\n---\nimage_width: 640\nimage_height: 480\ncamera_matrix: !!opencv-matrix\n"
    f"   rows: 3\n   cols: 3\n   dt: d\n   data: {NINE}\n"
    f"distortion_coefficients: !!opencv-matrix\n   rows: 1\n   cols: 5\n   dt: d\n   data: {D}\n"
)
ZIVID = (
    "__version__:\n  serializer: 1\n  data: 12\nCameraIntrinsics:\n  CameraMatrix:\n"
    f"    CX: {CX}\n    CY: {CY}\n    FX: {FX}\n    FY: {FY}\n  Distortion:\n"
    f"    K1: {D[0]}\n    K2: {D[1]}\n    K3: {D[4]}\n    P1: {D[2]}\n    P2: {D[3]}\n"
)
ORB = (
    f'%YAML:1.0\n\nCamera.type: "PinHole"\nCamera.fx: {FX}\nCamera.fy: {FY}\nCamera.cx: {CX}\n'
    f"Camera.cy: {CY}\nCamera.k1: {D[0]}\nCamera.k2: {D[1]}\nCamera.p1: {D[2]}\nCamera.p2: {D[3]}\n"
    f"Camera.k3: {D[4]}\nCamera.width: 640\nCamera.height: 480\nDepthMapFactor: 5000.0\n"
)
FLAT = {"fx": FX, "fy": FY, "cx": CX, "cy": CY}
PPX = {"fx": FX, "fy": FY, "ppx": CX, "ppy": CY, "width": 640, "height": 480}
SPELLINGS = {
    "info.json": (json.dumps(info()), None),
    "ros1.yaml": (ROS1, Lens(POLYNOMIAL, tuple(D))),
    "ros2.yaml": (_ros2([0.0] * 5), None),
    "two_messages.yaml": (_ros2(D) * 2, Lens(POLYNOMIAL, tuple(D))),
    "mark.json": ("\ufeff" + json.dumps(info(D=D)), Lens(POLYNOMIAL, tuple(D))),
    "mark.yaml": ("\ufeff" + ROS1, Lens(POLYNOMIAL, tuple(D))),
    "rational.json": (
        json.dumps(info(D=[*D, 0.1, 0.2, 0.3], distortion_model="rational_polynomial")),
        Lens(POLYNOMIAL, (*D, 0.1, 0.2, 0.3)),
    ),
    "fisheye.json": (
        json.dumps(info(D=[0.1, 0.2, 0.3, 0.4], distortion_model="equidistant")),
        Lens(FISHEYE, (0.1, 0.2, 0.3, 0.4)),
    ),
    "kalibr.yaml": (KALIBR, Lens(FISHEYE, (0.1, 0.2, 0.3, 0.4))),
    "opencv.xml": (XML, Lens(POLYNOMIAL, tuple(D))),
    "opencv.yml": (OPENCV, Lens(POLYNOMIAL, tuple(D))),
    "zivid.yml": (ZIVID, Lens(POLYNOMIAL, tuple(D))),
    "orb.yaml": (ORB, Lens(POLYNOMIAL, tuple(D))),
    "realsense.json": (
        json.dumps(
            {"color": {**PPX, "model": "distortion.inverse_brown_conrady", "coeffs": D}},
        ),
        Lens(LensModel.INVERSE, tuple(D)),
    ),
    "realsense_number.json": (
        json.dumps({**PPX, "model": 2, "coeffs": D}),
        Lens(LensModel.INVERSE, tuple(D)),
    ),
    "realsense_two.json": (
        json.dumps({"depth": {**PPX, "fx": 1.0}, "color": {**PPX, "model": 2, "coeffs": [0] * 5}}),
        None,
    ),
    "azure.json": (
        json.dumps(
            {**FLAT, "k1": 0.5, "k2": -2.6, "k3": 1.5, "k4": 0.4, "k5": -2.4, "k6": 1.4}
            | {"codx": 0, "cody": 0, "p1": 1e-4, "p2": -2e-4, "metric_radius": 1.7}
        ),
        Lens(POLYNOMIAL, (0.5, -2.6, 1e-4, -2e-4, 1.5, 0.4, -2.4, 1.4)),
    ),
    "open3d.json": (
        json.dumps({"width": 640, "height": 480, "intrinsic_matrix": K.T.ravel().tolist()}),
        None,
    ),
    "open3d_trajectory.json": (
        json.dumps(
            {
                "class_name": "PinholeCameraParameters",
                "extrinsic": np.eye(4).ravel().tolist(),
                "intrinsic": {
                    "width": 640,
                    "height": 480,
                    "intrinsic_matrix": K.T.ravel().tolist(),
                },
            }
        ),
        None,
    ),
    "bop.json": (json.dumps({str(i): {"cam_K": NINE, "depth_scale": 0.1} for i in range(3)}), None),
    "rows.txt": ("\n".join(" ".join(map(str, row)) for row in K) + "\n", None),
    "rows4.txt": (
        f"{FX} 0.0 {CX} 0.0\n0.0 {FY} {CY} 0.0\n0 0 1 0\n0 0 0 1\n",
        None,
    ),
    "words.json": (json.dumps({key: str(value) for key, value in FLAT.items()}), None),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_camera_is_read_with_its_lens_whatever_program_wrote_it(tmp_path, name):
    text, lens = SPELLINGS[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    camera = read_camera(tmp_path / name, 480, 640)
    assert camera.intrinsics == pytest.approx(K + HALF_A_PIXEL)
    assert camera.lens == lens
    assert ("undistorted" in " ".join(camera.notes)) == (lens is not None)


def read(tmp_path, message: object, height=480, width=640, **reading):
    (tmp_path / "k.json").write_text(json.dumps(message))
    return read_camera(tmp_path / "k.json", height, width, CameraReading(**reading))


def test_azure_kinects_own_file_holds_shares_of_the_sensor(tmp_path):
    parameters = [0.5, 0.52, 0.46, 0.61, 0.5, -2.6, 1.5, 0.4, -2.4, 1.4, 0, 0, 1e-4, -2e-4]
    camera = {
        "Intrinsics": {
            "ModelParameterCount": 14,
            "ModelParameters": parameters,
            "ModelType": "CALIBRATION_LensDistortionModelBrownConrady",
        },
        "Location": "CALIBRATION_CameraLocationPV0",
        "SensorHeight": 3072,
        "SensorWidth": 4096,
    }
    got = read(tmp_path, {"CalibrationInformation": {"Cameras": [camera]}}, 720, 1280)
    assert np.diag(got.intrinsics)[:2] == pytest.approx([0.46 * 1280, 0.61 * 960])
    assert got.intrinsics[:2, 2] == pytest.approx([0.5 * 1280, 0.52 * 960 - 120])
    assert got.lens == Lens(POLYNOMIAL, (0.5, -2.6, -2e-4, 1e-4, 1.5, 0.4, -2.4, 1.4))


def test_binning_and_region_move_and_scale_the_matrix(tmp_path):
    half = read(tmp_path, info(binning_x=2, binning_y=2), 240, 320).intrinsics
    assert half[:2].ravel() == pytest.approx([300, 0, 159.5, 0, 300.5, 121])
    roi = {"x_offset": 100, "y_offset": 40, "width": 400, "height": 360, "do_rectify": False}
    part = read(tmp_path, info(roi=roi), 360, 400).intrinsics
    assert part[:2, 2] == pytest.approx([219, 202])
    both = read(tmp_path, info(roi=roi, binning_x=2, binning_y=2), 180, 200).intrinsics
    assert both[:2].ravel() == pytest.approx([300, 0, 109.5, 0, 300.5, 101])
    whole = read(tmp_path, info(roi=roi))
    assert whole.intrinsics[0, 2] == CX + 0.5
    assert "not applied" in whole.notes[0]
    with pytest.raises(InputError, match=r"made for 200 x 180 px .of a sensor of 640 x 480"):
        read(tmp_path, info(roi=roi, binning_x=2, binning_y=2), 120, 160)


def test_a_projection_matrix_is_that_of_rectified_pictures(tmp_path):
    narrow = [500.0, 0, 320, 0, 0, 500, 240, 0, 0, 0, 1, 0]
    rectified = read(tmp_path, info(P=narrow, D=D), pictures="rectified")
    assert rectified.intrinsics[0].tolist() == [500, 0, 320.5]
    assert rectified.lens is None
    raw = read(tmp_path, info(P=narrow, D=D))
    assert (raw.intrinsics[0, 0], raw.target[0, 0]) == (FX, 500)
    assert "K was taken" in read(tmp_path, info(P=narrow)).notes[0]
    alone = read(tmp_path, info(K=[0.0] * 9, P=narrow))
    assert alone.intrinsics[0, 0] == 500
    with pytest.raises(InputError, match="never calibrated"):
        read(tmp_path, info(K=[0.0] * 9, P=[0.0] * 12))


def test_of_several_cameras_the_one_that_fits_or_is_named(tmp_path):
    two = {"left": {**FLAT, "width": 640, "height": 480}, "right": {**FLAT, "fx": 500}}
    assert read(tmp_path, two).intrinsics[0, 0] == FX
    two["right"] |= {"width": 640, "height": 480}
    with pytest.raises(InputError, match=r"2 cameras .* chosen by --camera; exists: left, right"):
        read(tmp_path, two)
    assert read(tmp_path, two, camera="right").intrinsics[0, 0] == 500
    with pytest.raises(InputError, match=r"--camera up .* exists: left, right"):
        read(tmp_path, two, camera="up")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"distortion_model": "ftheta", "D": [0.1]}, "lens model 'ftheta' with 1 coefficients"),
        ({"distortion_model": "equidistant", "D": [0.1] * 5}, "'equidistant' with 5"),
        ({"D": [0.1] * 20}, "'plumbbob' with 20 coefficients"),
        ({"D": [float("nan")] * 5}, "finite"),
        ({"K": [float("inf")] * 9}, "infinity"),
    ],
)
def test_a_lens_or_a_matrix_that_cannot_be_used_is_refused(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, info(**changes))


@pytest.mark.parametrize("text", ["<a>" * 500, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a"])
def test_xml_that_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "k.xml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_camera(tmp_path / "k.xml", 480, 640)
    assert "\n" not in str(caught.value)


LENSES = {
    "plumb_bob": Lens(POLYNOMIAL, (-0.3, 0.09, 0.002, -0.001, 0.0)),
    "rational": Lens(POLYNOMIAL, (0.5, -0.3, 1e-4, -2e-4, 0.1, 0.8, -0.2, 0.05)),
    "fisheye": Lens(FISHEYE, (0.05, -0.02, 0.01, -0.002)),
    "inverse": Lens(LensModel.INVERSE, (0.1, -0.05, 0.001, 0.001, 0.01)),
}
SMALL = np.array([[90.0, 0, 80], [0, 90, 60], [0, 0, 1]])


def _ray_of(u: float, v: float, lens: Lens) -> np.ndarray:
    """The ray through a pixel of the bent picture, by OpenCV or by RealSense's formula."""
    x, y = (u - SMALL[0, 2]) / SMALL[0, 0], (v - SMALL[1, 2]) / SMALL[1, 1]
    d = np.array(lens.coefficients)
    if lens.model is POLYNOMIAL:
        return cv2.undistortPoints(np.array([[[x, y]]]), np.eye(3), d)[0, 0]
    if lens.model is FISHEYE:
        return cv2.fisheye.undistortPoints(np.array([[[x, y]]]), np.eye(3), d)[0, 0]
    r2 = x * x + y * y
    f = 1 + d[0] * r2 + d[1] * r2**2 + d[4] * r2**3
    return np.array(
        [
            x * f + 2 * d[2] * x * y + d[3] * (r2 + 2 * x * x),
            y * f + 2 * d[3] * x * y + d[2] * (r2 + 2 * y * y),
        ]
    )


@pytest.mark.parametrize("name", LENSES)
def test_an_undistorted_picture_shows_a_point_where_a_pinhole_camera_would(name):
    for u, v in ((40.5, 30.5), (120.5, 90.5), (80.5, 25.5)):
        color = np.zeros((120, 160, 3), np.uint8)
        depth = np.ones((120, 160), np.float32)
        color[int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2] = 255
        depth[int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2] = 0.5
        flat = undistorted_color(color, SMALL, LENSES[name], SMALL)
        flat_depth = undistorted_depth(depth, SMALL, LENSES[name], SMALL)
        expected = _ray_of(u, v, LENSES[name]) * np.diag(SMALL)[:2] + SMALL[:2, 2]
        for found in (flat[..., 0] > 128, flat_depth == 0.5):
            assert np.argwhere(found)[:, ::-1].mean(axis=0) + 0.5 == pytest.approx(
                expected, abs=0.6
            )
        assert set(np.unique(flat_depth[np.isfinite(flat_depth)])) == {0.5, 1.0}


def test_what_a_strong_polynomial_folds_back_is_not_shown_twice():
    lens = Lens(POLYNOMIAL, (-0.6, 0.0, 0.0, 0.0))
    flat = undistorted_depth(np.ones((120, 160), np.float32), SMALL, lens, SMALL)
    assert np.isnan(flat[0, 0])
    assert np.isfinite(flat[60, 80])


def _png(tmp_path, metres: np.ndarray, unit: float):
    cv2.imwrite(str(tmp_path / "d.png"), np.rint(metres / unit).astype(np.uint16))
    return tmp_path / "d.png"


TABLE = np.full((60, 80), 0.6)
TABLE[20:30, 20:40] = np.linspace(0.5, 0.6, 20)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        (1e-4, 0.1),
        (1e-3, 1.0),
        (1e-4, 1e-4),
        (1e-3, 0.0010000000474974513),
        (2.5e-4, 0.00025),
        (1e-3, 1000.0),
        (2e-4, 5000.0),
        (1e-4, "100um"),
        (1e-3, "mm"),
        (1e-3, "millimetres"),
    ],
)
def test_a_depth_scale_beside_the_intrinsics_is_read_as_what_it_can_only_be(tmp_path, unit, scale):
    got = read_depth(_png(tmp_path, TABLE, unit), scales=[scale])
    assert got.depth == pytest.approx(TABLE, abs=1e-3)
    assert "scale beside the intrinsics" in got.notes[0]


def test_scales_that_disagree_or_fit_nothing_are_asked_about(tmp_path):
    path = _png(tmp_path, TABLE, 1e-3)
    for scales in ([17.0], ["inches"], [1.0, 5000.0, 0.0002]):
        if scales == [1.0, 5000.0, 0.0002]:
            path = _png(tmp_path, TABLE + 0.2, 1e-3)
        with pytest.raises(InputError, match="wanted: --depth-scale"):
            read_depth(path, scales=scales)
    np.save(tmp_path / "d.npy", TABLE)
    assert read_depth(tmp_path / "d.npy", scales=[0.001]).unit == 1.0
    assert read_depth(path, scale=0.002, scales=[1.0]).depth[0, 0] == pytest.approx(1.6)


@pytest.mark.parametrize("far", [1e10, np.inf, np.nan, 1e30, 100.0, 20.0, 5.0])
def test_a_far_plane_is_no_return(tmp_path, far):
    depth = np.where(np.arange(80) < 20, far, TABLE)
    np.save(tmp_path / "d.npy", depth)
    got = read_depth(tmp_path / "d.npy").depth
    assert np.isnan(got[:, :20]).all()
    assert got[:, 20:] == pytest.approx(TABLE[:, 20:])


def test_a_table_in_a_wrong_unit_is_no_far_plane(tmp_path):
    np.save(tmp_path / "d.npy", TABLE * 1000)
    with pytest.raises(InputError, match="wanted: depth between"):
        read_depth(tmp_path / "d.npy")


def test_a_unit_is_judged_by_what_the_grippers_opening_covers(tmp_path):
    k = np.array([[60.0, 0, 40], [0, 60, 30], [0, 0, 1]])
    path = _png(tmp_path, TABLE, 1e-3)
    assert unit_note(read_depth(path), k, 0.085, path) == ""
    for unit in (1e-4, 1e-2):
        path = _png(tmp_path, TABLE, unit)
        with pytest.raises(InputError, match=r"opening of 85 mm covers .* --depth-scale"):
            unit_note(read_depth(path), k, 0.085, path)
    said = unit_note(read_depth(path, scale=5e-3), k, 0.5, path)
    assert "covers" in said


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_depth_of_another_camera_lands_where_the_colour_camera_sees_it(scale):
    depth = np.full((120, 160), 0.8, np.float32)
    depth[50:70, 70:90] = 0.6
    color_k = SMALL * [[scale], [scale], [1]]
    moved = np.eye(4)
    moved[0, 3] = 0.05
    got = depth_onto_color(depth, SMALL, color_k, moved, (int(120 * scale), int(160 * scale)))
    near = np.argwhere(np.abs(got - 0.6) < 0.01)[:, ::-1] + 0.5
    expected = (SMALL[:2, 2] + [0.05 * 90 / 0.6, 0]) * scale
    assert near.mean(axis=0) == pytest.approx(expected, abs=0.7)
    assert len(near) == pytest.approx(400 * scale**2, rel=0.12)
    middle = got[int(10 * scale) : int(110 * scale), int(30 * scale) : int(60 * scale)]
    assert np.isfinite(middle).all()


def test_sizes_that_are_none_are_left_out_and_messages_are_one_line(tmp_path):
    for size in (float("nan"), float("inf"), -3, 0, "word"):
        assert read(tmp_path, info(height=size)).intrinsics[0, 0] == FX
        roi = {"x_offset": size, "width": size, "height": 100}
        assert read(tmp_path, info(roi=roi, binning_x=size)).intrinsics[0, 0] == FX
    with pytest.raises(InputError, match="fx and fy positive") as caught:
        read(tmp_path, info(K=[-1.0, *NINE[1:]]))
    assert "\n" not in str(caught.value)
