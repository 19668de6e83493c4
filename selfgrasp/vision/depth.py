"""Clean-up of a depth picture before it is laid on a map."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_JUMP = 0.012
"""m between neighbouring pixels that is an edge of something and not a slope or noise."""
_MAX_FACTOR = 8


def without_flying_pixels(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) float32 m with NaN for pixels that hang between a near and a far surface, or alone in
    the air.

    Stereo and time-of-flight cameras mix both surfaces at an object's edge. Such a pixel is further
    than one neighbour and nearer than the opposite one, each by more than the jump of an edge. A
    pixel that fewer than two of its eight neighbours agree with is noise.
    """
    height, width = depth.shape
    if height < 3 or width < 3:
        return depth
    # A large finite number stands for NaN: comparisons stay quiet and such a neighbour never
    # agrees.
    far = np.nan_to_num(depth, nan=1e3)
    padded = cv2.copyMakeBorder(far, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    near_border = np.zeros((height, width), np.uint8)
    between = np.zeros((height, width), np.bool_)
    for rows, cols in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before = padded[1 - rows : 1 - rows + height, 1 - cols : 1 - cols + width] - far
        after = padded[1 + rows : 1 + rows + height, 1 + cols : 1 + cols + width] - far
        near_border += np.abs(before) < _JUMP
        near_border += np.abs(after) < _JUMP
        if rows == 0 or cols == 0:
            measured = np.maximum(before, after) < 100
            between |= (
                (np.maximum(before, after) > _JUMP)
                & (np.minimum(before, after) < -_JUMP)
                & measured
            )
    return np.where(between | (near_border < 2) | (far > 100), np.float32(np.nan), depth)


def densify(
    depth: NDArray[np.float32], *, footprint: float, wanted: float
) -> tuple[NDArray[np.float32], int]:
    """Depth enlarged by a whole factor, so that a pixel's footprint, m, is below 0.85 of `wanted`,
    m; and that factor.

    Surfaces are interpolated, edges are not: an interpolated edge would be a ramp of points in the
    air.
    """
    factor = min(max(1, math.ceil(footprint / (0.85 * wanted) - 0.05)), _MAX_FACTOR)
    if factor == 1:
        return depth, 1
    size = (depth.shape[1] * factor, depth.shape[0] * factor)
    kernel = np.ones((3, 3), np.uint8)
    # With NaN replaced by far, a hole counts as an edge and stays one.
    far = np.nan_to_num(depth, nan=1e3)
    edge = cv2.dilate(far, kernel) - cv2.erode(far, kernel) > _JUMP
    nearest = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
    smooth = cv2.resize(far, size, interpolation=cv2.INTER_LINEAR)
    edges = cv2.resize(edge.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    return np.where(edges, nearest, smooth), factor
