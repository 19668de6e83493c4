"""Depth of one camera as another camera would have measured it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.vision.depth import densify
from selfgrasp.vision.project import deproject, project


def depth_onto_color(
    depth: NDArray[np.float32],
    depth_intrinsics: FloatArray,
    color_intrinsics: FloatArray,
    color_from_depth: FloatArray,
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """(height, width) float32 m along the colour camera's axis, NaN where the depth camera did not
    see; of several points in one pixel the nearest.

    Args:
        depth: (H, W) m along the depth camera's axis.
        depth_intrinsics: (3, 3) px.
        color_intrinsics: (3, 3) px of the colour picture.
        color_from_depth: (4, 4).
        size: (height, width) px of the colour picture.
    """
    # Finer than the colour picture first, so that no holes arise between points.
    ratio = float(color_intrinsics[0, 0] / depth_intrinsics[0, 0])
    fine, factor = densify(depth, footprint=max(ratio, 1e-3), wanted=1.0)
    k = depth_intrinsics * np.array([[factor], [factor], [1.0]])
    points = apply(color_from_depth, deproject(fine, k).reshape(-1, 3))
    points = points[np.isfinite(points[:, 2]) & (points[:, 2] > 0)]
    uv = np.floor(project(points, color_intrinsics))
    height, width = size
    inside = (uv[:, 0] >= 0) & (uv[:, 0] < width) & (uv[:, 1] >= 0) & (uv[:, 1] < height)
    at = (uv[inside, 1] * width + uv[inside, 0]).astype(np.int64)
    nearest = np.full(height * width, math.inf)
    np.minimum.at(nearest, at, points[inside, 2])
    nearest[~np.isfinite(nearest)] = np.nan
    return nearest.reshape(height, width).astype(np.float32)
