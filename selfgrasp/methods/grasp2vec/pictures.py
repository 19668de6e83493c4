"""What the towers see: the bin in a picture of the scene, and the object in a picture of it."""

from __future__ import annotations

from itertools import product

import numpy as np

from selfgrasp.core import CellSpec, InputError, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.grasp2vec.config import CropConfig
from selfgrasp.vision.project import project_world
from selfgrasp.vision.square_crop import SquareCrop, held_crop, square_crop

_HEIGHT = 0.08
"""m above the floor of the bin up to which its contents are in the crop."""
PLANE = 0.03
"""m above the floor of the bin, about the middle of what lies there: the plane on which places in a
picture are places in the bin."""
_LEAST_PX = 8
"""Side of the smallest picture that can show an object."""


def scene_crop(view: View, spec: CellSpec, crop: CropConfig) -> SquareCrop:
    """The bin: the smallest square around its corners, by the view's calibration, and a margin. Of
    a picture without a calibration (`View.uncalibrated`) all, its shorter side filled up with its
    border; its `middle` shows no less.

    Args:
        view: of the scene.
        spec: the cell.
        crop: side and margin.

    Raises:
        InputError: a camera that does not see the bin, or a picture of fewer than 8 px a side.
    """
    if not view.is_calibrated:
        return _whole(view, crop.stored_px / crop.px, crop.stored_px)
    low, high, floor = spec.workspace.low, spec.workspace.high, spec.workspace.surface
    corners = np.array(
        list(product((low[0], high[0]), (low[1], high[1]), (floor, floor + _HEIGHT)))
    )
    px = project_world(corners, view)
    height, width = view.size
    first, last = px.min(axis=0), px.max(axis=0)
    if not (np.isfinite(px).all() and (first < (width, height)).all() and (last > 0).all()):
        raise InputError(
            given="a picture in which the bin is not, by its calibration",
            wanted="a picture of the scene by a camera of this cell",
        )
    half = float((last - first).max()) / 2 * (1 + crop.size)
    return square_crop(view.color, (first + last) / 2, half, crop.stored_px)


def object_crop(view: View, spec: CellSpec, crop: CropConfig) -> SquareCrop:
    """The object that a picture shows: around the fingertips of a present image; all of a picture
    without a calibration (`View.uncalibrated`), whose shorter side is filled up with its border.

    Args:
        view: present image, or a picture of the object alone, of any size.
        spec: the cell.
        crop: side and size.

    Raises:
        InputError: a picture of fewer than 8 px a side.
    """
    if view.is_calibrated:
        _check_size(view)
        return held_crop(view, spec, crop.size, crop.stored_px)
    return _whole(view, 1.0, crop.stored_px)


def _whole(view: View, beyond: float, side: int) -> SquareCrop:
    """The square of `side` px around a picture, `beyond` times as wide as its longer side."""
    _check_size(view)
    height, width = view.size
    center = np.array([width, height]) / 2
    return square_crop(view.color, center, beyond * max(height, width) / 2, side)


def _check_size(view: View) -> None:
    height, width = view.size
    if min(height, width) < _LEAST_PX:
        raise InputError(
            given=f"a picture of {width} x {height} px", wanted=f"{_LEAST_PX} px a side or more"
        )


def place_px(places_M2: FloatArray, view: View, spec: CellSpec) -> FloatArray:
    """(M, 2) px, x and y in a picture of the scene, of places (M, 2), m, in the bin, on `PLANE`."""
    heights = np.full((len(places_M2), 1), spec.workspace.surface + PLANE)
    return project_world(np.concatenate([places_M2, heights], axis=1), view)


def middle(crop: SquareCrop, side: int) -> SquareCrop:
    """The middle `side` px of a crop, as the towers see it at test time."""
    start = (len(crop.color) - side) // 2
    return SquareCrop(
        crop.color[start : start + side, start : start + side],
        shifted(crop.picture_from_crop, np.array([start, start])),
    )


def shifted(affine: FloatArray, by: FloatArray) -> FloatArray:
    """(2, 3) the affine map from coordinates that begin at `by` (2,) of those that `affine`
    takes."""
    out = affine.copy()
    out[:, 2] = affine[:, :2] @ by + affine[:, 2]
    return out
