"""A table that stands on a floor which fills more of the picture than the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.vision.region import Region, table_patch

LEAST_RISE = 0.28
"""m above the floor from which a level surface is a table's; things on a table are lower."""
_LEAST_SHARE = 0.06
"""of the measured pixels, that a table has to hold."""
_MOST_SURFACES = 4
_BIN = 0.006
_BAND = 0.012
"""m above and below a surface within which a point is its own."""
_THINGS = (0.015, 0.3)
"""m above a surface between which things are that stand on it."""
_THINGS_SHARE = 0.003
"""of a surface's pixels, that things on it have to hold."""


def raised_table(points: FloatArray, floor: float) -> float | None:
    """m, the height of the table that stands on a floor; None where there is none.

    It is the largest level surface that rises at least `LEAST_RISE` and on which something stands,
    or else the largest such surface in the picture's middle.

    Args:
        points: (H, W, 3) m in the world, NaN = no return.
        floor: m, height of the picture's largest level surface.
    """
    found: list[float] = []
    for height in _level_surfaces(points[..., 2], floor):
        with np.errstate(invalid="ignore"):
            own = np.abs(points[..., 2] - height) < _BAND
        patch = table_patch(points[own][:, :2])
        if patch is None:
            continue
        if _things_on(points, height, patch) > _THINGS_SHARE * own.sum():
            return height
        if _middle(own).mean() > 0.5 * _middle(np.isfinite(points[..., 2])).mean():
            found.append(height)
    return found[0] if found else None


def _middle(picture: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The middle tenth of a picture's rows and columns."""
    rows, columns = picture.shape
    return picture[rows * 9 // 20 : rows * 11 // 20 + 1, columns * 9 // 20 : columns * 11 // 20 + 1]


def _level_surfaces(z: NDArray[np.floating], floor: float) -> list[float]:
    """m, heights above the floor that many pixels of heights (H, W) m share; the largest first."""
    measured = z[np.isfinite(z)]
    raised = measured[measured > floor + LEAST_RISE]
    if len(raised) < _LEAST_SHARE * len(measured) or not len(raised):
        return []
    counts, edges = np.histogram(
        raised, bins=np.arange(raised.min() - _BIN, raised.max() + 2.5 * _BIN, _BIN)
    )
    near = np.convolve(counts, np.ones(3), "same")
    found: list[float] = []
    for _ in range(_MOST_SURFACES):
        likeliest = int(near.argmax())
        if near[likeliest] < _LEAST_SHARE * len(measured):
            break
        middle = (edges[likeliest] + edges[likeliest + 1]) / 2
        found.append(float(np.median(raised[np.abs(raised - middle) < 1.5 * _BIN + 1e-6])))
        near[np.abs(edges[:-1] - edges[likeliest]) < 2 * _BAND] = 0
    return found


def _things_on(points: FloatArray, height: float, patch: Region) -> int:
    """How many pixels show things on a surface."""
    low, high = _THINGS
    with np.errstate(invalid="ignore"):
        above = points[(points[..., 2] > height + low) & (points[..., 2] < height + high)]
    return int(patch.contains(above[:, :2]).sum())
