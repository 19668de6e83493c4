"""What changed between two heightmaps of one scene."""

from __future__ import annotations

import numpy as np

from selfgrasp.vision.heightmap import Heightmap

LEAST_CHANGE, MOST_CHANGE = 0.01, 0.3
"""m by which a cell's height has to differ; more is an artefact (Zeng et al. 2018, section
IV-D)."""
CHANGED_AREA = 0.0012
"""m^2 of changed cells above which a scene has changed: the published 300 cells of 4 mm^2."""


def changed_area(before: Heightmap, after: Heightmap) -> float:
    """m^2 of cells whose height differs by 1 to 30 cm; both maps are of the same cells."""
    difference = np.abs(after.height - before.height)
    cells = (difference > LEAST_CHANGE) & (difference < MOST_CHANGE)
    return float(cells.sum()) * before.pixel**2
