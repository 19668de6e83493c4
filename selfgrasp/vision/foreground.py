"""What is an object and what is table: on heights, or by comparing a picture with one of the empty
cell."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import View
from selfgrasp.vision.heightmap import Heightmap


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
    heightmap: Heightmap, *, surface: float, minimum: float = 0.006
) -> NDArray[np.bool_]:
    """(H, W) bool: cells more than `minimum` m above `surface` m."""
    # Cells no camera saw were filled with a neighbour's height: they are nobody's object.
    return (heightmap.height > surface + minimum) & heightmap.valid


def foreground_from_background(view: View, background: View) -> NDArray[np.bool_]:
    """(H, W) bool: pixels of `view` whose colour differs from the empty cell's by more than six
    times the noise.

    Colours are compared in Lab after a blur, with lightness at half weight, since shadows change
    lightness most. The noise is estimated from the pictures' own median difference, which holds
    while objects cover less than half of the picture.

    Raises:
        InputError: pictures of different sizes.
    """
    if view.size != background.size:
        raise InputError(
            given=f"a background of {background.size[1]} x {background.size[0]} px",
            wanted=f"{view.size[1]} x {view.size[0]} px, as the picture",
        )
    now, empty = (
        cv2.cvtColor(cv2.GaussianBlur(v.color, (5, 5), 0), cv2.COLOR_RGB2LAB).astype(np.float32)
        for v in (view, background)
    )
    difference = now - empty
    # A lamp that dims or an exposure that drifts moves all pixels alike.
    difference -= np.median(difference, axis=(0, 1))
    distance = np.sqrt(
        (0.5 * difference[..., 0]) ** 2 + difference[..., 1] ** 2 + difference[..., 2] ** 2
    )
    noise = 1.5 * float(np.median(distance))
    mask = (distance > max(6.0 * noise, 8.0)).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(bool)


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
