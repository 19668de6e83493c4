"""Colors alone: the histogram of the bin, and that of what is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Heat2D, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.vision.workspace import floor_pixels, presented_pixels


@dataclass(frozen=True)
class ColorHistogram:
    """Vectors are shares of pixels by color.

    Attributes:
        bins: of hue, saturation and value.
        held_radius: m around the point between the fingertips that shows what is held.
        ring_radius: m up to which the ring around that shows the background.
        blur_px: deviation of the Gaussian that smooths heats.
    """

    bins: tuple[int, int, int] = (16, 4, 4)
    held_radius: float = 0.04
    ring_radius: float = 0.10
    blur_px: float = 3.0

    name = "color_histogram"
    privileged: tuple[str, ...] = ()

    def scenes(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """(N, D) of the pixels that show the workspace."""
        return np.array([self._shares(view, floor_pixels(view, spec)) for view in views])

    def objects(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """(N, D) of the pixels around the fingertips, less the shares of the ring around these:
        what is there, too, is background.

        Raises:
            InputError: a cell that presents nothing.
        """
        vectors = []
        for view in views:
            held = presented_pixels(view, spec, self.held_radius)
            ring = presented_pixels(view, spec, self.ring_radius) & ~held
            shares = self._shares(view, held) - self._shares(view, ring)
            vectors.append(np.maximum(shares, 0.0))
        return np.array(vectors)

    def heat(self, view: View, vector: FloatArray, spec: CellSpec) -> Heat2D:
        """The vector's number for each pixel's color, smoothed; NaN outside the workspace."""
        inside = floor_pixels(view, spec)
        colors = vector[self._index(view)].astype(np.float32)
        values = cv2.GaussianBlur(np.where(inside, colors, 0.0), (0, 0), self.blur_px)
        affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        return Heat2D(np.where(inside, values, np.nan).astype(np.float32), affine)

    def _shares(self, view: View, pixels: NDArray[np.bool_]) -> FloatArray:
        """(D,) shares of `pixels` (H, W) of each color."""
        counts = np.bincount(self._index(view)[pixels], minlength=int(np.prod(self.bins)))
        shares: FloatArray = counts / max(1, int(pixels.sum()))
        return shares

    def _index(self, view: View) -> NDArray[np.int64]:
        """(H, W) the bin of each pixel's color."""
        hsv = cv2.cvtColor(view.color, cv2.COLOR_RGB2HSV_FULL).astype(np.int64)
        h, s, v = (hsv[..., i] * n // 256 for i, n in enumerate(self.bins))
        index: NDArray[np.int64] = (h * self.bins[1] + s) * self.bins[2] + v
        return index
