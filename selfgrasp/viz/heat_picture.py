"""Where in a picture an object is: a heat over the picture's pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Heat2D, View
from selfgrasp.viz.heat import HEAT_MAP
from selfgrasp.viz.picture import Color, Picture, colormap, upscale

_PEAK_COLOR: Color = (120, 255, 190)
_LOW = 50.0
"""Percentile of the values below which nothing is drawn."""


def heat_picture(view: View, heat: Heat2D, *, scale: int = 2, radius: int = 4) -> Picture:
    """(scale * H, scale * W, 3) uint8: the picture under the heat, from its median to its peak, and
    a circle around the peak.

    Args:
        view: the picture.
        heat: over it.
        scale: pixels of the result a pixel of the picture.
        radius: of the circle, px of the picture.
    """
    low, high = float(np.nanpercentile(heat.values, _LOW)), heat.peak
    share = np.clip((heat.values - low) / max(high - low, 1e-9), 0.0, 1.0)
    over = _warped(np.nan_to_num(share), heat, view.size, scale)
    alpha = 0.85 * over[..., None] ** 0.7
    dimmed = 0.8 * upscale(view.color, scale)
    blended = dimmed * (1 - alpha) + colormap(over, HEAT_MAP) * alpha
    picture: Picture = np.ascontiguousarray(np.clip(blended, 0, 255).astype(np.uint8))
    x, y = (round(float(v) * scale) for v in heat.peak_px)
    cv2.circle(picture, (x, y), radius * scale, _PEAK_COLOR, max(2, radius // 6), cv2.LINE_AA)
    return picture


def _warped(
    share: NDArray[np.float32], heat: Heat2D, size: tuple[int, int], scale: int
) -> NDArray[np.float32]:
    """(scale * H, scale * W) the shares at the pixels of a picture of `size` (H, W); 0 beyond."""
    linear, shift = scale * heat.picture_from_cell[:, :2], scale * heat.picture_from_cell[:, 2]
    # OpenCV puts the centres of pixels at whole numbers.
    half = np.full(2, 0.5)
    affine = np.column_stack([linear, linear @ half + shift - half])
    height, width = size
    warped = cv2.warpAffine(share.astype(np.float32), affine, (scale * width, scale * height))
    return np.clip(np.asarray(warped, dtype=np.float32), 0.0, 1.0)
