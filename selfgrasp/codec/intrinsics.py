"""What camera files say of a camera: its matrix, and what stands beside it and counts: size,
binning, region of interest, projection matrix, lens, depth scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfgrasp.codec.camera_description import Described
from selfgrasp.codec.camera_tree import number_of
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.lens import Lens, LensModel

WANTED = (
    'fx, fy, cx, cy (or ppx, ppy), or "K" or "camera_matrix" of nine numbers, or a 3 x 3 matrix, '
    "as JSON, YAML, OpenCV's XML, or rows of numbers"
)
_FOCAL = (
    ("fx", "fy"),
    ("fu", "fv"),
    ("focallengthx", "focallengthy"),
    ("focalx", "focaly"),
    ("alphax", "alphay"),
)
_PRINCIPAL = (
    ("cx", "cy"),
    ("ppx", "ppy"),
    ("pu", "pv"),
    ("px", "py"),
    ("u0", "v0"),
    ("principalpointx", "principalpointy"),
)
_MATRIX = (
    "k",
    "camk",
    "cameramatrix",
    "intrinsicmatrix",
    "intrinsicsmatrix",
    "cameraintrinsics",
    "matrix",
    "mtx",
    "m1",
    "intrinsics",
    "intrinsic",
    "data",
)
_PROJECTION = ("p", "projectionmatrix")
_LENS = (
    "d",
    "distcoeffs",
    "distcoeff",
    "distortioncoefficients",
    "distortioncoeffs",
    "distortionparameters",
    "distortionparams",
    "lensdistortion",
    "distortion",
    "coeffs",
    "dist",
    "d1",
)
_LENS_MODEL = ("distortionmodel", "distortiontype", "lensmodel", "model", "cameramodel", "type")
_SIZE = (("height", "width"), ("imageheight", "imagewidth"), ("sensorheight", "sensorwidth"))
_SIZE_LIST = ("resolution", "imagesize", "imgsize", "size")
_DEPTH_SCALE = (
    "depthscale",
    "depthunits",
    "depthunit",
    "depthfactor",
    "depthmapfactor",
    "pngdepthscale",
)
_NO_CAMERA = ("extrinsic", "pose", "transform", "rotation", "tcn", "tcam", "rectification", "roi")
_NO_LENS = ("none", "undistorted", "norectification", "nodistortion", "distortionnone")
_BY_NUMBER = ("none", "brown", "inversebrown", "ftheta", "brown", "kannala")
"""RealSense's enumeration of lens models."""


def cameras_in(tree: Any, where: str = "") -> list[Described]:
    """Every camera in a message.

    Raises:
        InputError: a lens model that is not known, or a number that is not finite.
    """
    return list(_found(tree, where, ()))


def _found(tree: Any, where: str, above: Sequence[Mapping[str, Any]]) -> Sequence[Described]:
    if isinstance(tree, list):
        matrix = square(tree)
        if matrix is not None:
            return [Described(where, matrix)]
        if not all(isinstance(one, Mapping) for one in tree):
            return []
        tree = {str(i): one for i, one in enumerate(tree)}
    if not isinstance(tree, Mapping):
        return []
    here, used = _matrix_at(tree)
    projection = next(
        (m for key in _PROJECTION if (m := square(_data(tree.get(key)))) is not None), None
    )
    found: list[Described] = []
    if here is None and projection is not None and projection[0, 0] > 0:
        here = np.zeros((3, 3))
    if here is not None:
        inner = tree.get(used)
        near = [tree, *([inner] if isinstance(inner, Mapping) else []), *above[:1]]
        found.append(_described(where, here, projection, near))
    for key, value in tree.items():
        if key != used and isinstance(value, Mapping | list) and not key.startswith(_NO_CAMERA):
            if isinstance(value, list) and not all(isinstance(one, Mapping) for one in value):
                continue
            found.extend(_found(value, f"{where}/{key}" if where else key, (tree, *above)))
    return found


def _matrix_at(level: Mapping[str, Any]) -> tuple[FloatArray | None, str]:
    """The matrix that a mapping writes out, and the key it stands under, if under one."""
    for focal in _FOCAL:
        for principal in _PRINCIPAL:
            values = [number_of(level.get(key)) for key in (*focal, *principal)]
            if None not in values:
                return _pinhole(values), ""
    lengths, point = numbers(level.get("focallength")), numbers(level.get("principalpoint"))
    if lengths and point and len(point) == 2:
        return _pinhole([lengths[0], lengths[-1], *point]), ""
    for key in _MATRIX:
        value = level.get(key)
        if isinstance(value, Mapping) and "data" not in value:
            matrix = _matrix_at(value)[0]
        else:
            matrix = square(_data(value))
        if matrix is not None:
            return matrix, key
    return None, ""


def _pinhole(values: Sequence[float | None]) -> FloatArray:
    fx, fy, cx, cy = (float(value) for value in values if value is not None)
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


def _data(value: Any) -> Any:
    return value["data"] if isinstance(value, Mapping) and "data" in value else value


def numbers(values: Any) -> list[float] | None:
    """Finite or not, a flat list of numbers from a number or from lists in lists; None for anything
    else."""
    if isinstance(values, list):
        parts = [numbers(one) for one in values]
        return None if None in parts else [x for part in parts for x in part or ()]
    one = number_of(values)
    return None if one is None else [one]


def square(values: Any) -> FloatArray | None:
    """A 3 x 3 matrix from fx, fy, cx, cy, from nine numbers (Open3D writes them column by column),
    or from the left of 3 x 4 or 4 x 4."""
    flat = numbers(values)
    if flat is None or not isinstance(values, list) or len(flat) not in (4, 9, 12, 16):
        return None
    if len(flat) == 4:
        return _pinhole(flat)
    matrix = np.array(flat).reshape({9: (3, 3), 12: (3, 4), 16: (4, 4)}[len(flat)])[:3, :3]
    return matrix.T if matrix[0, 2] == 0 and matrix[2, 0] > 1 else matrix


def _first(near: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Any:
    return next((level[key] for level in near for key in keys if level.get(key) is not None), None)


def _described(
    where: str,
    matrix: FloatArray,
    projection: FloatArray | None,
    near: Sequence[Mapping[str, Any]],
) -> Described:
    roi = _first(near, ("roi",))
    values = [
        number_of(roi.get(k)) if isinstance(roi, Mapping) else 0
        for k in ("xoffset", "yoffset", "width", "height")
    ]
    x, y, width, height = (value if value and 0 < value <= 1e6 else 0.0 for value in values)
    bins = [number_of(_first(near, (key,))) or 1.0 for key in ("binningx", "binningy")]
    turn = square(_data(_first(near, ("r", "rectificationmatrix"))))
    turned = turn is not None and bool(np.abs(turn - np.eye(3)).max() > 1e-6) and turn.any()
    return Described(
        where=where,
        matrix=matrix,
        projection=projection if projection is not None and projection[0, 0] > 0 else None,
        size=_size(near),
        region=(x, y, width, height),
        binning=(bins[0] if 1 <= bins[0] <= 1e3 else 1.0, bins[1] if 1 <= bins[1] <= 1e3 else 1.0),
        lens=_lens(where, near),
        turned=bool(turned),
    )


def _size(near: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    for level in near:
        for pair in _SIZE:
            found = _pixels([number_of(level.get(key)) for key in pair])
            if found is not None:
                return found
        for key in _SIZE_LIST:
            value = level.get(key)
            if isinstance(value, Mapping):
                found = _size([value])
                if found is not None:
                    return found
            flat = numbers(value)
            found = _pixels(flat[::-1]) if flat and len(flat) == 2 else None
            if found is not None:
                return found
    return None


def _pixels(values: Sequence[float | None]) -> tuple[int, int] | None:
    """(height, width) where both are numbers of pixels."""
    height, width = values
    if height is None or width is None or not (1 <= height <= 1e6 and 1 <= width <= 1e6):
        return None
    return int(height), int(width)


def _lens(where: str, near: Sequence[Mapping[str, Any]]) -> Lens | None:
    name = _model_name(near)
    fisheye = any(word in name for word in ("fisheye", "equidistant", "kannala", "kb4"))
    fisheye = fisheye or number_of(_first(near, ("fisheyemodel", "fisheye"))) == 1
    d = _coefficients(near, fisheye)
    while len(d) > (4 if fisheye else 5) and d[-1] == 0:
        d.pop()
    if not d or not any(d) or name in _NO_LENS:
        return None
    if not np.isfinite(d).all():
        raise InputError(given=f"lens coefficients {d}", wanted="finite numbers")
    if fisheye and len(d) == 4:
        return Lens(LensModel.FISHEYE, tuple(d))
    known = ("", "plumb", "radtan", "brown", "rational", "poly", "radial", "thinprism", "pinhole")
    sizes = [size for size in (4, 5, 8, 12, 14) if size >= len(d)]
    if fisheye or not sizes or not any((word and word in name) or name == word for word in known):
        raise InputError(
            given=f"lens model {name or 'without a name'!r} with {len(d)} coefficients"
            + (f" of {where}" if where else ""),
            wanted="plumb_bob, radtan, rational_polynomial, thin prism, brown_conrady, fisheye, "
            "equidistant or kannala_brandt4; or pictures that are rectified, said by "
            "--pictures rectified",
        )
    full = tuple(d) + (0.0,) * (sizes[0] - len(d))
    model = LensModel.INVERSE if "inverse" in name else LensModel.POLYNOMIAL
    return Lens(model, full)


def _model_name(near: Sequence[Mapping[str, Any]]) -> str:
    """Letters of the lens model; where there are several words for it, the one for the lens."""
    for level in near:
        for key in _LENS_MODEL:
            value = level.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and key == "model":
                return _BY_NUMBER[value] if 0 <= value < len(_BY_NUMBER) else str(value)
            if isinstance(value, str):
                name = "".join(letter for letter in value.lower() if letter.isalnum())
                if name and not (name == "pinhole" and key == "cameramodel"):
                    return name
    return ""


def _coefficients(near: Sequence[Mapping[str, Any]], fisheye: bool) -> list[float]:
    found = _data(_first(near, _LENS))
    levels = [found, *near] if isinstance(found, Mapping) else near
    flat = numbers(found)
    if flat is not None and isinstance(found, list):
        return flat
    order = "k1 k2 k3 k4" if fisheye else "k1 k2 p1 p2 k3 k4 k5 k6"
    values = [number_of(_first(levels, (key,))) for key in order.split()]
    return [] if values[0] is None else [value or 0.0 for value in values]


def depth_scales(tree: Any) -> list[float | str]:
    """What a message says of the depth picture's unit, wherever it says so."""
    found: list[float | str] = []
    for message in tree if isinstance(tree, list) else [tree]:
        if not isinstance(message, Mapping):
            continue
        for key, value in message.items():
            scale = number_of(value)
            if key in _DEPTH_SCALE and (scale is not None or isinstance(value, str)):
                found.append(scale if scale is not None else str(value))
            elif key.startswith("depth") and isinstance(value, Mapping):
                inner = value.get("scale", value.get("units", value.get("unit")))
                if (scale := number_of(inner)) is not None or isinstance(inner, str):
                    found.append(scale if scale is not None else str(inner))
                found.extend(depth_scales(value))
            elif isinstance(value, Mapping | list):
                found.extend(depth_scales(value))
    return found
