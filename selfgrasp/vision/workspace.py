"""Which pixels of a picture show the workspace, or what the hand presents."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, InputError, View
from selfgrasp.core.pose import apply, inverse
from selfgrasp.vision.project import project_world


def floor_pixels(view: View, spec: CellSpec) -> NDArray[np.bool_]:
    """(H, W) bool, the pixels that show the floor of the workspace or what lies on it, by the
    view's calibration; all of a view without one."""
    if not view.is_calibrated:
        return np.ones(view.size, np.bool_)
    low, high, floor = spec.workspace.low, spec.workspace.high, spec.workspace.surface
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    px = project_world(np.array([[x, y, floor] for x, y in corners]), view)
    inside = np.zeros(view.size, np.uint8)
    cv2.fillConvexPoly(inside, np.round(px - 0.5).astype(np.int32), 1)
    return inside.astype(np.bool_)


def presented_pixels(view: View, spec: CellSpec, radius: float) -> NDArray[np.bool_]:
    """(H, W) bool, the pixels within `radius` m of the point between the fingertips of a hand that
    presents what it holds, in its distance from the camera; all of a view without a calibration.

    Raises:
        InputError: a cell that presents nothing.
    """
    if not view.is_calibrated:
        return np.ones(view.size, np.bool_)
    if spec.presented is None:
        raise InputError(given=f"the cell {spec.name}", wanted="one that presents what it holds")
    center = spec.presented[:3, 3]
    depth = float(apply(inverse(view.world_from_camera), center)[2])
    x, y = project_world(center[None], view)[0]
    rows, columns = np.mgrid[: view.size[0], : view.size[1]] + 0.5
    away = np.hypot(columns - x, rows - y) * depth / float(view.intrinsics[0, 0])
    inside: NDArray[np.bool_] = away <= radius
    return inside
