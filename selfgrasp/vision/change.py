"""What changed between two heightmaps of one scene."""

from __future__ import annotations

import cv2
import numpy as np

from selfgrasp.core.errors import InputError
from selfgrasp.vision.heightmap import Heightmap

LEAST_CHANGE, MOST_CHANGE = 0.01, 0.3
"""m by which a cell's height has to differ; more is an artefact (Zeng et al. 2018, section
IV-D)."""
LOST_VOLUME = 1.2e-4
"""m^3 of what is missing, above which something has left the table: a toy cube. What topples or
hides less than before seldom seems to be so much less, and a tile is less."""
CHANGED_AREA = 0.0006
"""m^2 of changed cells above which a scene has changed. The published 300 single cells of 4 mm^2
call nearly every scene of ten blocks changed, whose borders flicker with the camera's noise; half
as many in spots of three by three cells of 4 mm miss nothing and call none."""
_SPOT = np.ones((3, 3), np.uint8)


def changed_area(before: Heightmap, after: Heightmap) -> float:
    """m^2 of cells in spots of at least three by three whose height differs by 1 to 30 cm.

    Raises:
        InputError: maps of different cells.
    """
    _check_same_cells(before, after)
    difference = np.abs(after.height - before.height)
    cells = (difference > LEAST_CHANGE) & (difference < MOST_CHANGE)
    spots = cv2.morphologyEx(cells.astype(np.uint8), cv2.MORPH_OPEN, _SPOT)
    return float(spots.sum()) * before.pixel**2


def lost_volume(before: Heightmap, after: Heightmap) -> float:
    """m^3 by which what stands on the table has become less. Less than 0 where more stands there.

    Raises:
        InputError: maps of different cells.
    """
    _check_same_cells(before, after)
    difference = before.height.astype(np.float64) - after.height
    return float(difference.sum()) * before.pixel**2


def _check_same_cells(before: Heightmap, after: Heightmap) -> None:
    same = before.height.shape == after.height.shape and before.pixel == after.pixel
    if not same or not np.allclose(before.world_from_map, after.world_from_map, atol=1e-6):
        raise InputError(
            given=f"heightmaps of {_size(before)} and {_size(after)}",
            wanted="two of the same cells, from `heightmap` with the same workspace and pixel",
        )


def _size(top: Heightmap) -> str:
    rows, columns = top.height.shape
    x, y = top.world_from_map[:2, 3]
    return f"{rows} x {columns} cells of {top.pixel * 1e3:g} mm from ({x:.3f}, {y:.3f}) m"
