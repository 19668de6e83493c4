"""Reads a colour picture and a camera's pose from common file formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec.camera_tree import data_of, numbers, plain_key, read_tree
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import checked_pose, inverse

MOST_METRES = 100.0
"""of a translation; millimetres go beyond."""


def read_color(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB.

    Raises:
        InputError: no such file, or not a picture.
    """
    return np.asarray(open_picture(path, flags=cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def read_pose(path: Path, name: str = "world_from_camera") -> FloatArray:
    """(4, 4) rigid transform from a NumPy array, or from JSON or YAML with a 4 x 4 matrix, alone or
    under `name`; the other way round under the name that says so.

    Raises:
        InputError: no such file, or not a rigid transform, or one that is farther than any room
            is wide.
    """
    messages = read_tree(path)
    data = messages[0] if messages else None
    exists, inverted = "", False
    if isinstance(data, Mapping):
        exists = ", ".join(data)[:300]
        other = "_from_".join(reversed(name.split("_from_")))
        inverted = plain_key(name) not in data and plain_key(other) in data
        data = data_of(data.get(plain_key(other if inverted else name)))
    flat = numbers(data)
    if flat is None or len(flat) != 16:
        raise InputError(
            given=f"pose {path}", wanted=f"{name} as a 4 x 4 matrix of numbers", exists=exists
        )
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
    found = checked_pose(matrix, f"pose {path}")
    farthest = float(np.abs(found[:3, 3]).max())
    if farthest > MOST_METRES:
        raise InputError(
            given=f"pose {path} with a translation of {farthest:g} m (is it in millimetres?)",
            wanted=f"metres, at most {MOST_METRES:g}",
        )
    return inverse(found) if inverted else found
