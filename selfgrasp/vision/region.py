"""Where on a table grasps are wanted, as cells seen from above."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray

_CELL = 0.004
_MOST_CELLS = 2500
_GAP = 0.06
"""m that something on a table may hide of it between two parts that are one."""
_AROUND = 0.004


@dataclass(frozen=True, eq=False)
class Region:
    """Cells of the world's xy plane.

    Attributes:
        low: (2,) m, the corner of the first cell.
        cell: m, side of a cell.
        inside: (rows, columns) bool; rows along y, columns along x.
    """

    low: FloatArray
    cell: float
    inside: NDArray[np.bool_]

    def contains(self, xy: FloatArray) -> NDArray[np.bool_]:
        """(...) bool for points (..., 2) m; NaN is outside."""
        at = np.nan_to_num(np.floor((xy - self.low) / self.cell), nan=-1.0).clip(-1, 10**6)
        rows, columns = self.inside.shape
        column, row = at[..., 0].astype(np.int64), at[..., 1].astype(np.int64)
        there = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found: NDArray[np.bool_] = (
            self.inside[row.clip(0, rows - 1), column.clip(0, columns - 1)] & there
        )
        return found

    def grown(self, by: float) -> Region:
        """The region and all within `by` m of it."""
        border = int(np.ceil(by / self.cell)) + 1
        wide = np.pad(self.inside, border).astype(np.uint8)
        away = cv2.distanceTransform(1 - wide, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return Region(self.low - border * self.cell, self.cell, away * self.cell <= by)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Corners (2,) m of the smallest box around it."""
        rows, columns = np.nonzero(self.inside)
        first = np.array([columns.min(), rows.min()])
        last = np.array([columns.max() + 1, rows.max() + 1])
        return self.low + first * self.cell, self.low + last * self.cell


def around_points(xy: FloatArray) -> Region | None:
    """The region of points (N, 2) m and what is within 4 mm of them; None without points."""
    region = _cells(xy)
    return None if region is None else region.grown(_AROUND)


def table_patch(xy: FloatArray) -> Region | None:
    """The largest connected patch of points (N, 2) m on a table, with what stands on it: its convex
    hull. None without points."""
    region = _cells(xy)
    if region is None:
        return None
    border = int(np.ceil(_GAP / region.cell))
    cells = np.pad(region.inside, border).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (border + 1, border + 1))
    closed = cv2.morphologyEx(cells, cv2.MORPH_CLOSE, kernel)
    # A cable or a seam is no bridge to another table.
    closed = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=4)
    if len(stats) < 2:
        return region
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    outline = np.argwhere(labels == largest)[:, ::-1].astype(np.int32)
    inside = np.zeros_like(cells)
    cv2.fillConvexPoly(inside, cv2.convexHull(outline), 1)
    return Region(region.low - border * region.cell, region.cell, inside.astype(bool))


def _cells(xy: FloatArray) -> Region | None:
    xy = xy[np.isfinite(xy).all(axis=-1)]
    if not len(xy):
        return None
    low, high = xy.min(axis=0), xy.max(axis=0)
    cell = max(_CELL, float((high - low).max()) / _MOST_CELLS)
    at = np.floor((xy - low) / cell).astype(np.int64)
    inside = np.zeros((at[:, 1].max() + 1, at[:, 0].max() + 1), np.bool_)
    inside[at[:, 1], at[:, 0]] = True
    return Region(low, cell, inside)
