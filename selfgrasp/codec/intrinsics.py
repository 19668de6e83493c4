"""What camera files say of a camera: its matrix, and what stands beside it and counts: size,
binning, region of interest, projection matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfgrasp.codec.camera_description import Described
from selfgrasp.codec.camera_lens import lens_of
from selfgrasp.codec.camera_tree import data_of, first_of, number_of, numbers
from selfgrasp.codec.depth_scale import depth_scales
from selfgrasp.core.arrays import FloatArray

WANTED = (
    'fx, fy, cx, cy (or ppx, ppy), or "K" or "camera_matrix" of nine numbers, or a 3 x 3 matrix, '
    "as JSON, YAML, OpenCV's XML, or rows of numbers"
)
_FOCAL = (
    ("fx", "fy"),
    ("fu", "fv"),
    ("flx", "fly"),
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
_SIZE = (
    ("height", "width"),
    ("imageheight", "imagewidth"),
    ("sensorheight", "sensorwidth"),
    ("h", "w"),
)
_SIZE_LIST = ("resolution", "imagesize", "imgsize", "size")
_NO_CAMERA = ("extrinsic", "pose", "transform", "rotation", "tcn", "tcam", "rectification", "roi")


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
        tree = {str(i): one for i, one in enumerate(_mappings(tree))}
    if not isinstance(tree, Mapping):
        return []
    here, used = _matrix_at(tree)
    projection = next(
        (m for key in _PROJECTION if (m := square(data_of(tree.get(key)))) is not None), None
    )
    found: list[Described] = []
    if here is None and projection is not None and projection[0, 0] > 0:
        here = np.zeros((3, 3))
    if here is not None:
        inner = tree.get(used)
        near = [tree, *([inner] if isinstance(inner, Mapping) else []), *above]
        found.append(_described(where, here, projection, near))
    for key, value in tree.items():
        if key != used and isinstance(value, Mapping | list) and not key.startswith(_NO_CAMERA):
            if isinstance(value, list) and not _mappings(value):
                continue
            found.extend(_found(value, f"{where}/{key}" if where else key, (tree, *above)))
    return found


def _mappings(values: list[Any]) -> list[Mapping[str, Any]]:
    """The mappings in a list, also those in pairs, as DepthAI writes a number beside each."""
    inner = [_mappings(one) if isinstance(one, list) else [one] for one in values]
    return [one for part in inner for one in part if isinstance(one, Mapping)]


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
            matrix = square(data_of(value))
        if matrix is not None:
            return matrix, key
    return None, ""


def _pinhole(values: Sequence[float | None]) -> FloatArray:
    fx, fy, cx, cy = (float(value) for value in values if value is not None)
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


def square(values: Any) -> FloatArray | None:
    """A 3 x 3 matrix from fx, fy, cx, cy, from nine numbers (Open3D writes them column by column),
    or from the left of 3 x 4 or 4 x 4."""
    flat = numbers(values)
    if flat is None or len(flat) not in (4, 9, 12, 16):
        return None
    if len(flat) == 4:
        return _pinhole(flat)
    matrix = np.array(flat).reshape({9: (3, 3), 12: (3, 4), 16: (4, 4)}[len(flat)])[:3, :3]
    return matrix.T if matrix[0, 2] == 0 and matrix[2, 0] > 1 else matrix


def _described(
    where: str,
    matrix: FloatArray,
    projection: FloatArray | None,
    near: Sequence[Mapping[str, Any]],
) -> Described:
    roi = first_of(near, ("roi",))
    values = [
        number_of(roi.get(k)) if isinstance(roi, Mapping) else 0
        for k in ("xoffset", "yoffset", "width", "height")
    ]
    x, y, width, height = (value if value and 0 < value <= 1e6 else 0.0 for value in values)
    bins = [number_of(first_of(near, (key,))) or 1.0 for key in ("binningx", "binningy")]
    turn = square(data_of(first_of(near, ("r", "rectificationmatrix"))))
    turned = turn is not None and bool(np.abs(turn - np.eye(3)).max() > 1e-6) and turn.any()
    return Described(
        where=where,
        matrix=matrix,
        projection=projection if projection is not None and projection[0, 0] > 0 else None,
        size=_size(near),
        region=(x, y, width, height),
        binning=(bins[0] if 1 <= bins[0] <= 1e3 else 1.0, bins[1] if 1 <= bins[1] <= 1e3 else 1.0),
        lens=lens_of(where, near),
        turned=bool(turned),
        depth_scales=tuple(depth_scales(near[0])),
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
