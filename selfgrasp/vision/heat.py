"""Scores of single grasps as a map."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Heat
from selfgrasp.vision.heightmap import Heightmap

_LAYERS = 12


def spots(
    top: Heightmap,
    xy: NDArray[np.floating],
    yaw: NDArray[np.floating],
    scores: NDArray[np.floating],
) -> Heat:
    """The scores (N,) of grasps at `xy` (N, 2) m with `yaw` (N,) rad on the map, in layers of 15
    deg, each as a spot of three cells; of several at one place the best."""
    rows, cols = top.height.shape
    values = np.full((_LAYERS, rows, cols), -np.inf, np.float32)
    cells = np.floor(top.cells(xy)).astype(np.int64)
    layer = np.rint(yaw / (math.pi / _LAYERS)).astype(np.int64) % _LAYERS
    np.maximum.at(
        values,
        (layer, np.clip(cells[:, 1], 0, rows - 1), np.clip(cells[:, 0], 0, cols - 1)),
        scores.astype(np.float32),
    )
    for layer_values in values:
        cv2.dilate(layer_values, np.ones((3, 3), np.uint8), dst=layer_values)
    # OpenCV's dilation of -inf is the lowest finite number.
    values[values <= np.finfo(np.float32).min] = np.nan
    return Heat(values, np.arange(_LAYERS) * math.pi / _LAYERS, top.world_from_map, top.pixel)
