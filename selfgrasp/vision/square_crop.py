"""Squares cut out of a picture, in its own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, unmapped
from selfgrasp.core.observation import View
from selfgrasp.core.pose import apply, inverse
from selfgrasp.core.spec import CellSpec


@dataclass(frozen=True, eq=False)
class SquareCrop:
    """A square of a picture, resized.

    Attributes:
        color: (S, S, 3) uint8.
        picture_from_crop: (2, 3) affine map of pixels; centres of pixels are at half numbers in
            both.
    """

    color: NDArray[np.uint8]
    picture_from_crop: FloatArray

    def px_of(self, picture_px: FloatArray) -> FloatArray:
        """(M, 2) px, x and y in the crop, of px (M, 2) of the picture."""
        return unmapped(self.picture_from_crop, picture_px)


def square_crop(color: NDArray[np.uint8], center: FloatArray, half: float, side: int) -> SquareCrop:
    """The square around `center`. Beyond the picture its border is repeated.

    Args:
        color: (H, W, 3) uint8.
        center: (2,) px, x and y.
        half: px, half the side of the square.
        side: S, px of the crop.
    """
    scale = 2 * half / side
    # Where a pixel of the crop covers several of the picture, it is their mean.
    finer = max(1, int(scale))
    scale /= finer
    corner = np.asarray(center, dtype=np.float64) - half
    # OpenCV counts from the centre of the first pixel.
    from_finer = np.array(
        [
            [scale, 0, corner[0] + scale / 2 - 0.5],
            [0, scale, corner[1] + scale / 2 - 0.5],
        ]
    )
    cut = cv2.warpAffine(
        color,
        from_finer,
        (side * finer, side * finer),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer > 1:
        cut = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)
    affine = np.array([[scale * finer, 0, corner[0]], [0, scale * finer, corner[1]]])
    return SquareCrop(np.asarray(cut, dtype=np.uint8), affine)


def held_crop(view: View, spec: CellSpec, size: float, side: int) -> SquareCrop:
    """What is held in a present image: a square of `size` m around the fingertips, by the view's
    calibration and the cell's pose for presenting; the middle of the image, where the cell has
    none.

    Args:
        view: present image.
        spec: the cell.
        size: m, side of the square.
        side: px of the crop.
    """
    height, width = view.size
    if spec.presented is None:
        return square_crop(view.color, np.array([width, height]) / 2, min(height, width) / 2, side)
    tip = apply(inverse(view.world_from_camera), spec.presented[None, :3, 3])[0]
    center = (view.intrinsics @ tip)[:2] / tip[2]
    return square_crop(view.color, center, size / 2 * view.intrinsics[0, 0] / tip[2], side)
