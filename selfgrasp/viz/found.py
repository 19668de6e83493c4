"""What was found where in a picture of one's own."""

from __future__ import annotations

import numpy as np

from selfgrasp.core import Heat2D, View
from selfgrasp.viz.heat_picture import heat_picture
from selfgrasp.viz.picture import Picture
from selfgrasp.viz.rows import fitted, in_a_row

_LEAST_PX, _MOST_PX = 320, 640
"""Height of the smallest and of the largest scene that is shown."""


def found_picture(scene: View, shown: View, heat: Heat2D) -> Picture:
    """(H, W, 3) uint8: an object, a scene, and the scene under the heat, side by side, as high as
    the scene but for the smallest and the largest.

    Args:
        scene: a picture of any size.
        shown: of the object.
        heat: over the scene.
    """
    height, width = scene.size
    shorter = min(1.0, 2 * height / width)
    small = fitted(scene.color, max(1, round(np.clip(height, _LEAST_PX, _MOST_PX) * shorter)))
    side = len(small)
    over = heat_picture(
        View.uncalibrated(small), heat.resized(side / height), scale=1, radius=max(4, side // 24)
    )
    return in_a_row([fitted(shown.color, side, most_width=small.shape[1]), small, over])
