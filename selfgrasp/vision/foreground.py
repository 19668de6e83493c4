"""What is an object and what is table, by height."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.vision.heightmap import Heightmap

MINIMUM_HEIGHT = 0.006
"""m above the table from which something is an object."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Connected regions of interest.

    Attributes:
        labels: (H, W) int32; 0 = none, region r has label r + 1.
        area_px: (R,) int64, in pixels or cells.
        centroid: (R, 2) float64 continuous (column, row); the centre of the first pixel is 0.5.
    """

    labels: NDArray[np.int32]
    area_px: NDArray[np.int64]
    centroid: FloatArray

    def __len__(self) -> int:
        return len(self.area_px)


def foreground(
    heightmap: Heightmap, *, surface: float, minimum: float = MINIMUM_HEIGHT
) -> NDArray[np.bool_]:
    """(H, W) bool: cells more than `minimum` m above `surface` m."""
    # Cells no camera saw were filled with a neighbour's height: they belong to no object.
    return (heightmap.height > surface + minimum) & heightmap.valid


def regions(mask: NDArray[np.bool_], *, minimum_px: int = 16) -> Regions:
    """The connected regions (8 neighbours) of a (H, W) mask that have at least `minimum_px`
    pixels."""
    _, labels, stats, centroids = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    area = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    keep = area >= minimum_px
    keep[0] = False
    renumber = np.zeros(len(area), np.int32)
    renumber[keep] = np.arange(1, int(keep.sum()) + 1)
    return Regions(renumber[labels], area[keep], centroids[keep].astype(np.float64) + 0.5)
