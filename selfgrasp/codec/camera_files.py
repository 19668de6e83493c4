"""Reads a colour picture and a camera's pose from common file formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec.camera_tree import plain_key, read_tree
from selfgrasp.codec.intrinsics import numbers
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import checked_pose


def read_color(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB.

    Raises:
        InputError: no such file, or not a picture.
    """
    return np.asarray(open_picture(path, flags=cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def read_pose(path: Path, name: str = "world_from_camera") -> FloatArray:
    """(4, 4) rigid transform from a NumPy array, or from JSON or YAML with a 4 x 4 matrix, alone or
    under `name`.

    Raises:
        InputError: no such file, or not a rigid transform.
    """
    messages = read_tree(path)
    data = messages[0] if messages else None
    if isinstance(data, Mapping):
        data = data.get(plain_key(name))
    if isinstance(data, Mapping):
        data = data.get("data")
    flat = numbers(data)
    if flat is None or len(flat) != 16:
        raise InputError(given=f"pose {path}", wanted=f"{name} as a 4 x 4 matrix of numbers")
    matrix = np.array(flat).reshape(4, 4)
    if not np.isfinite(matrix).all():
        raise InputError(
            given=f"pose {path} with values that are not finite",
            wanted=f"{name} as a 4 x 4 matrix of numbers",
        )
    # Files round to a few digits; a rotation that is nearly one is meant to be one.
    u, _, vt = np.linalg.svd(matrix[:3, :3])
    if np.abs(u @ vt - matrix[:3, :3]).max() < 1e-2:
        matrix[:3, :3] = u @ vt
    return checked_pose(matrix, f"pose {path}")
