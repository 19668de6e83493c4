"""Rotated square crops of a map: what a network sees of one grasp."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import checked, checked_number
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import yaw_of
from selfgrasp.vision.heightmap import Heightmap


@dataclass(frozen=True, eq=False)
class Crops:
    """N crops.

    Attributes:
        color: (N, p, p, 3) uint8.
        height: (N, p, p) float32 m, world z.
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]


def crop(
    heightmap: Heightmap,
    centers: NDArray[np.floating],
    yaws: NDArray[np.floating],
    size: float,
    pixels: int,
) -> Crops:
    """Crops of `size` m and `pixels` px a side around grasps.

    Columns run along the closing direction (cos yaw, sin yaw); rows run along that direction turned
    by +90 deg about world +z. At yaw 0 columns are world +x and rows world +y: the handedness of
    the map. Beyond the map its border is repeated.

    Args:
        heightmap: the map.
        centers: (N, 2) m, world xy.
        yaws: (N,) rad about world +z.
        size: m.
        pixels: px.

    Raises:
        InputError: numbers of centres and yaws that differ.
    """
    yaw = checked(yaws, (None,), np.float64, "yaws (rad)")
    center = checked(centers, (None, 2), np.float64, "centers (m)")
    checked_number(size, 1e-4, 100.0, "size (m)")
    if len(center) != len(yaw):
        raise InputError(
            given=f"{len(center)} centers and {len(yaw)} yaws",
            wanted="as many of one as of the other",
        )
    color_map, height_map = _prefiltered(heightmap, size / pixels)
    color = np.empty((len(yaw), pixels, pixels, 3), np.uint8)
    height = np.empty((len(yaw), pixels, pixels), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for i, matrix in enumerate(_cells_from_crop(heightmap, center, yaw, size, pixels)):
        cv2.warpAffine(color_map, matrix, (pixels, pixels), color[i], flags, cv2.BORDER_REPLICATE)
        cv2.warpAffine(height_map, matrix, (pixels, pixels), height[i], flags, cv2.BORDER_REPLICATE)
    return Crops(color, height)


def _cells_from_crop(
    heightmap: Heightmap,
    center: NDArray[np.float64],
    yaw: NDArray[np.float64],
    size: float,
    pixels: int,
) -> NDArray[np.float64]:
    """(N, 2, 3) maps from crop indices (column, row) to map indices; indices are of pixel
    centres."""
    scale = size / pixels / heightmap.pixel
    map_yaw = yaw - yaw_of(heightmap.world_from_map)
    c, s = np.cos(map_yaw) * scale, np.sin(map_yaw) * scale
    middle = heightmap.cells(center) - 0.5
    half = (pixels - 1) / 2
    out = np.empty((len(yaw), 2, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = c, -s, middle[:, 0] - half * (c - s)
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = s, c, middle[:, 1] - half * (s + c)
    return out


def _prefiltered(
    heightmap: Heightmap, crop_pixel: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The map, blurred where a crop's pixel covers several cells, since bilinear sampling would
    skip cells."""
    cells = int(crop_pixel / heightmap.pixel + 0.5)
    if cells < 2:
        return heightmap.color, heightmap.height
    side = cells | 1
    color, height = (
        cv2.blur(values, (side, side)) for values in (heightmap.color, heightmap.height)
    )
    return np.asarray(color, dtype=np.uint8), np.asarray(height, dtype=np.float32)
