"""The best of many grasps that differ from each other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import angle_between_grasps

ANOTHER_YAW = math.radians(40)
"""rad: grasps at one place that are turned by more than this are different."""


def diverse(
    xy: NDArray[np.floating],
    yaw: NDArray[np.floating],
    scores: NDArray[np.floating],
    *,
    most: int,
    separation: float,
    another_yaw: float = ANOTHER_YAW,
) -> NDArray[np.int64]:
    """Indices of at most `most` grasps, best first, none close to a better one in both place and
    angle.

    Args:
        xy: (N, 2) m.
        yaw: (N,) rad, closing directions; the hand is symmetric.
        scores: (N,) higher is better; grasps of minus infinity are never taken.
        most: number of grasps.
        separation: m, below which two places are close.
        another_yaw: rad, below which two angles are close.
    """
    kept: list[int] = []
    left: FloatArray = scores.astype(np.float64)
    while len(kept) < most and np.isfinite(left).any():
        best = int(left.argmax())
        kept.append(best)
        alike = angle_between_grasps(yaw, yaw[best]) < another_yaw
        left[alike & (np.linalg.norm(xy - xy[best], axis=1) < separation)] = -np.inf
        left[best] = -np.inf
    return np.array(kept, dtype=np.int64)
