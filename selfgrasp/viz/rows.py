"""Pictures of any sizes beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from selfgrasp.viz.picture import Picture

_GAP = 6


def fitted(picture: Picture, height: int, *, most_width: int | None = None) -> Picture:
    """The picture with `height` px, as wide as its shape wants.

    Args:
        picture: (H, W, 3).
        height: px.
        most_width: px; a picture that would be wider is made smaller, and stands on white.
    """
    before, width = picture.shape[:2]
    scale = height / before
    if most_width is not None:
        scale = min(scale, most_width / width)
    smaller = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(1, round(width * scale)), max(1, round(before * scale)))
    resized = np.asarray(cv2.resize(picture, size, interpolation=smaller), dtype=np.uint8)
    missing = height - len(resized)
    above = missing // 2
    return np.pad(resized, ((above, missing - above), (0, 0), (0, 0)), constant_values=255)


def in_a_row(pictures: Sequence[Picture]) -> Picture:
    """Pictures of one height side by side, with white between them."""
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, np.uint8)
    return np.hstack([part for one in pictures for part in (one, gap)][:-1])
