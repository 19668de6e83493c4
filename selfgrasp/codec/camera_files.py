"""Reads what the `plan` verb is given: a colour picture, a depth picture, intrinsics and a camera
pose from common file formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.untrusted import (
    MOST_YAML_BYTES,
    parse_json,
    parse_yaml,
    read_array,
    read_text,
)
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import MAX_DEPTH
from selfgrasp.core.pose import checked_pose

PixelOrigin = Literal["centre", "corner"]
"""Where (0, 0) of the intrinsics lies: at the centre of the top-left pixel (OpenCV, ROS, RealSense)
or at its corner (selfgrasp)."""

_NO_RETURN_16_BIT = 65535
_CLOSEST = 0.05
_DEPTH_WANTED = (
    "a 16-bit PNG or TIFF in millimetres, a floating-point TIFF in metres, or a NumPy array (.npy)"
)
_INTRINSICS_WANTED = (
    'fx, fy, cx, cy (or ppx, ppy), or "K" or "camera_matrix" of nine numbers, or a 3 x 3 matrix, '
    "as JSON or YAML"
)


def read_color(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB.

    Raises:
        InputError: no such file, or not a picture.
    """
    return np.asarray(open_picture(path, flags=cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def read_depth(path: Path, *, scale: float | None = None) -> NDArray[np.float32]:
    """(H, W) float32 m, NaN where the file has 0, a negative number, NaN, or the largest 16-bit
    number.

    Args:
        path: a NumPy array or a one-channel picture.
        scale: m per unit of the file; None means 0.001 for integers and 1 for floating point.

    Raises:
        InputError: no such file, not a depth picture, no return at all, or values that cannot be
            metres.
    """
    raw = (
        read_array(path)
        if path.suffix.lower() == ".npy"
        else open_picture(path, flags=cv2.IMREAD_UNCHANGED, wanted=_DEPTH_WANTED)
    )
    raw = raw[..., 0] if raw.ndim == 3 and raw.shape[2] == 1 else raw
    if raw.ndim != 2 or raw.dtype == np.uint8 or raw.dtype.kind not in "iuf":
        wanted = "one channel: 16-bit integers in millimetres or floating point in metres"
        raise InputError(given=f"{path} of shape {raw.shape} and dtype {raw.dtype}", wanted=wanted)
    integers = raw.dtype.kind in "iu"
    depth = raw.astype(np.float32) * np.float32(
        (0.001 if integers else 1.0) if scale is None else scale
    )
    invalid = ~np.isfinite(depth) | (depth <= 0)
    if integers:
        invalid |= raw == _NO_RETURN_16_BIT
    depth[invalid] = np.nan
    measured = depth[~invalid]
    if not len(measured):
        raise InputError(
            given=f"{path} without a single return: every pixel is 0 or NaN",
            wanted="a depth picture of a table",
        )
    _check_unit(path, measured, "millimetres" if integers else "metres")
    depth[depth > MAX_DEPTH] = np.nan
    return depth


def _check_unit(path: Path, measured: NDArray[np.float32], unit: str) -> None:
    """Few pixels beyond `MAX_DEPTH` are reflections; many are a wrong unit."""
    low, high, median = float(measured.min()), float(measured.max()), float(np.median(measured))
    if (measured > MAX_DEPTH).mean() > 0.01:
        given = f"{path} with values up to {high:g} m when read as {unit}"
    elif median < _CLOSEST:
        given = (
            f"{path} with values from {low:g} m, half of them below {median:g} m, when "
            f"read as {unit}"
        )
    else:
        return
    wanted = (
        f"depth between {_CLOSEST:g} and {MAX_DEPTH:g} m: integers in millimetres, floating "
        "point in metres, or --depth-scale with the metres of one unit"
    )
    raise InputError(given=given, wanted=wanted)


def read_intrinsics(
    path: Path, height: int, width: int, *, origin: PixelOrigin = "centre"
) -> FloatArray:
    """(3, 3) px in selfgrasp's convention, the centre of the top-left pixel at (0.5, 0.5).

    Understood are JSON or YAML with fx, fy, cx, cy; with ppx, ppy (RealSense); with K or
    camera_matrix (ROS, OpenCV); a nested matrix; and any of these one level down under intrinsics,
    color, depth or camera.

    Raises:
        InputError: no such file, not one of these, or made for a picture of another size than
            (height, width).
    """
    data = _structured(path)
    matrix = _matrix_of(data)
    if matrix is None:
        keys = ", ".join(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
        raise InputError(given=f"intrinsics {path}", wanted=_INTRINSICS_WANTED, exists=keys)
    k = matrix / matrix[2, 2] if matrix[2, 2] else matrix
    if origin == "centre":
        k = k + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    size = _size_of(data)
    if size is not None and size != (height, width):
        raise InputError(
            given=f"intrinsics {path} made for {size[1]} x {size[0]} px",
            wanted=f"intrinsics for the picture's {width} x {height} px (a resized picture "
            "needs fx, "
            "fy, cx and cy resized alike)",
        )
    off_centre = max(abs(k[0, 2] / width - 0.5), abs(k[1, 2] / height - 0.5))
    if size is None and off_centre > 0.2:
        raise InputError(
            given=f"intrinsics {path} with principal point ({k[0, 2]:g}, {k[1, 2]:g}) for "
            "a picture "
            f"of {width} x {height} px",
            wanted="one near the picture's middle (were they made for another resolution?); for a "
            "cropped picture say its width and height in the file",
        )
    return np.asarray(k, dtype=np.float64)


def read_pose(path: Path) -> FloatArray:
    """(4, 4) world_from_camera from a NumPy array, or JSON or YAML with a 4 x 4 matrix, alone or
    under world_from_camera.

    Raises:
        InputError: no such file, or not a rigid transform.
    """
    data = read_array(path) if path.suffix.lower() == ".npy" else _structured(path)
    if isinstance(data, Mapping):
        data = data.get("world_from_camera")
    try:
        matrix = np.asarray(data, dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError) as error:
        raise InputError(
            given=f"pose {path}", wanted="world_from_camera as a 4 x 4 matrix of numbers"
        ) from error
    if not np.isfinite(matrix).all():
        raise InputError(
            given=f"pose {path} with values that are not finite",
            wanted="world_from_camera as a 4 x 4 matrix of numbers",
        )
    # Files round to a few digits; a rotation that is nearly one is meant to be one.
    u, _, vt = np.linalg.svd(matrix[:3, :3])
    if np.abs(u @ vt - matrix[:3, :3]).max() < 1e-2:
        matrix[:3, :3] = u @ vt
    return checked_pose(matrix, f"pose {path}")


def _structured(path: Path) -> Any:
    text = read_text(path, most_bytes=MOST_YAML_BYTES)
    if path.suffix.lower() == ".json":
        return parse_json(text, name=str(path))
    # OpenCV's FileStorage writes a header and a tag that YAML 1.1 readers refuse.
    text = text.replace("%YAML:1.0", "").replace("!!opencv-matrix", "")
    documents = parse_yaml(text, name=str(path))
    return documents[0] if documents else None


def _matrix_of(data: Any) -> FloatArray | None:
    if isinstance(data, list):
        return _nine(data)
    if not isinstance(data, Mapping):
        return None
    for cx, cy in (("cx", "cy"), ("ppx", "ppy")):
        values = [data.get(key) for key in ("fx", "fy", cx, cy)]
        if all(isinstance(value, int | float) for value in values):
            fx, fy, x, y = (float(value) for value in values if value is not None)
            return np.array([[fx, 0, x], [0, fy, y], [0, 0, 1.0]])
    for key in ("K", "k", "camera_matrix", "intrinsic_matrix", "matrix", "data"):
        matrix = _nine(
            data[key]["data"]
            if isinstance(data.get(key), Mapping) and "data" in data[key]
            else data.get(key)
        )
        if matrix is not None:
            return matrix
    for key in ("intrinsics", "intrinsic", "color", "depth", "camera"):
        matrix = _matrix_of(data.get(key))
        if matrix is not None:
            return matrix
    return None


def _nine(values: Any) -> FloatArray | None:
    """A 3 x 3 matrix from nine numbers or three rows; Open3D writes its nine column by column."""
    try:
        matrix = np.asarray(values, dtype=np.float64).reshape(3, 3)
    except (TypeError, ValueError):
        return None
    return matrix.T if matrix[0, 2] == 0 and matrix[2, 0] > 1 else matrix


def _size_of(data: Any) -> tuple[int, int] | None:
    """(height, width) that the intrinsics say they were made for, if they do."""
    if not isinstance(data, Mapping):
        return None
    for height, width in (("height", "width"), ("image_height", "image_width")):
        if isinstance(data.get(height), int) and isinstance(data.get(width), int):
            return data[height], data[width]
    for key in ("intrinsics", "intrinsic", "color", "depth", "camera"):
        size = _size_of(data.get(key))
        if size is not None:
            return size
    return None
