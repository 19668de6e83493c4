"""A heightmap turned about the vertical, so that one picture of the hand fits every direction, and
where in it a hand may grasp or push."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import CellSpec, GripperSpec
from selfgrasp.vision.grasp_pose import PALM_CLEARANCE
from selfgrasp.vision.heightmap import Heightmap

PUSH_LENGTH = 0.10
"""m of every push (Zeng et al. 2018, section IV-B)."""
PUSH_HEIGHT = 0.008
"""m of the fingertips above the table in a push."""
LOWEST_TOP = 0.010
"""m above the table, from where on something stands there, to be grasped or pushed."""
_NEAR = 0.06
"""m ahead of the fingers within which a push has to meet something."""
_OVERLAP = 0.004
"""m by which what is met lies in the closed fingers' way, at least: what they graze they do not
move."""
_PALM_BEYOND, _PALM_DEPTH = 0.025, 0.06
"""m that a palm reaches beyond the open fingers' inner faces on both sides, and its size along a
push."""
_BORDER = 0.015
"""m from the border of the workspace to the beginning of a push, at least."""
_BEYOND = 0.06
"""m beyond the end of a push that have to lie in the workspace: what is pushed is ahead of the
fingers, and lost once its middle is over the border."""
_NEAR_BORDER = 0.05
"""m from the border of the workspace, within which things are pushed inwards alone: what the
fingers hit beside its middle turns and moves aside."""
_INWARDS = 0.3
"""Sine of the angle to a side of the workspace from which on a push runs inwards."""
_MULTIPLE = 8
"""Sizes are multiples of this: convolutions are prepared once for a size, which costs as much as
running them."""


@dataclass(frozen=True, eq=False)
class Turned:
    """A part of a heightmap whose columns run along a direction.

    Attributes:
        color: (H, W, 3) uint8.
        height: (H, W) float32 m above the table.
        yaw: rad, direction of the columns in the world.
        pixel: m.
        first: (2,) m, world xy of the centre of cell (0, 0).
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]
    yaw: float
    pixel: float
    first: FloatArray

    @property
    def axes(self) -> FloatArray:
        """(2, 2) m in the world of a step along columns and of one along rows."""
        along = np.array([math.cos(self.yaw), math.sin(self.yaw)])
        return self.pixel * np.stack([along, [-along[1], along[0]]])

    def world_xy(self, cells: NDArray[np.integer]) -> FloatArray:
        """(..., 2) m, the centres of the cells (row, column) `cells` (..., 2)."""
        xy: FloatArray = self.first + cells[..., ::-1] @ self.axes
        return xy

    def inside(
        self, spec: CellSpec, *, margin: float = 0.0, ahead: float = 0.0
    ) -> NDArray[np.bool_]:
        """(H, W) bool: cells, or the places `ahead` m further along, that lie within the workspace
        by `margin` m."""
        rows, columns = self.height.shape
        workspace = spec.workspace
        low, high = workspace.low[:2] + margin, workspace.high[:2] - margin
        column, row = self.axes
        first = self.first + ahead * column / self.pixel
        within = np.ones((rows, columns), bool)
        for axis in (0, 1):
            at = (
                first[axis]
                + row[axis] * np.arange(rows)[:, None]
                + column[axis] * np.arange(columns)[None]
            )
            within &= (at >= low[axis]) & (at <= high[axis])
        return within


def turned(
    top: Heightmap,
    points: FloatArray,
    yaw: float,
    *,
    surface: float,
    pixel: float,
    border: int,
) -> Turned:
    """The part of `top` around `points` (N, 2) m with `border` px on every side, its columns along
    `yaw` rad.

    Args:
        top: of any orientation.
        points: what it has to cover.
        yaw: rad.
        surface: m, the table's.
        pixel: m, of the result.
        border: px.
    """
    along = np.array([math.cos(yaw), math.sin(yaw)])
    axes = np.stack([along, [-along[1], along[0]]])
    in_frame = points @ axes.T
    low, high = in_frame.min(axis=0), in_frame.max(axis=0)
    counts = [padded(_px(high[k] - low[k], pixel) + 1) for k in (0, 1)]
    columns, rows = (count + 2 * border for count in counts)
    first = (low - border * pixel) @ axes
    origin, column, row = (
        top.cells(at) - 0.5 for at in (first, first + pixel * axes[0], first + pixel * axes[1])
    )
    matrix = np.stack([column - origin, row - origin, origin], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    color, height = (
        cv2.warpAffine(one, matrix, (columns, rows), None, flags, cv2.BORDER_REPLICATE)
        for one in (top.color, top.height)
    )
    return Turned(
        np.asarray(color, np.uint8), np.asarray(height, np.float32) - surface, yaw, pixel, first
    )


def pushable(seen: Turned, spec: CellSpec) -> NDArray[np.bool_]:
    """(H, W) bool: where a push along the columns can begin.

    The closed fingers come down beside things and the palm above them, something stands in the
    fingers' way within 6 cm, the push begins inside the workspace and ends 6 cm inside it, and
    what stands within 5 cm of a side of the workspace is met by pushes away from that side alone.
    """
    gripper, pixel = spec.gripper, seen.pixel
    high = (seen.height > LOWEST_TOP).astype(np.uint8)
    across, along = _closed(gripper)
    taken = _widened(high, _px(across / 2, pixel), _px(along / 2, pixel))
    above = (seen.height > PUSH_HEIGHT + gripper.finger_length - PALM_CLEARANCE).astype(np.uint8)
    if above.any():
        # Half a cell more: a corner may end between two cells' centres.
        beside, depth = gripper.opening / 2 + _PALM_BEYOND + pixel / 2, (_PALM_DEPTH + pixel) / 2
        taken |= _widened(above, _px(beside, pixel), _px(depth, pixel))
    side = _whole_px(max(across / 2 - _OVERLAP, 0.0), pixel)
    reach = _whole_px(along / 2 + _NEAR, pixel)
    # From the fingers on: the kernel's anchor is its first column.
    met = cv2.dilate(high, np.ones((2 * side + 1, reach + 1), np.uint8), anchor=(0, side))
    inside = seen.inside(spec, margin=_BORDER) & seen.inside(spec, ahead=PUSH_LENGTH + _BEYOND)
    endangered = (high & _endangered(seen, spec)).astype(np.uint8)
    if endangered.any():
        far = _px(along / 2 + PUSH_LENGTH, pixel)
        side = _px(across / 2, pixel)
        inside &= (
            cv2.dilate(endangered, np.ones((2 * side + 1, far + 1), np.uint8), anchor=(0, side))
            == 0
        )
    return np.asarray((taken == 0) & (met > 0)) & inside


def _endangered(seen: Turned, spec: CellSpec) -> NDArray[np.uint8]:
    """(H, W) 0 or 1: cells near a side of the workspace from which the columns do not run away."""
    rows, columns = seen.height.shape
    along, across = seen.axes
    near = np.zeros((rows, columns), bool)
    for axis in (0, 1):
        at = (
            seen.first[axis]
            + across[axis] * np.arange(rows)[:, None]
            + along[axis] * np.arange(columns)[None]
        )
        if along[axis] > -_INWARDS * seen.pixel:
            near |= at > spec.workspace.high[axis] - _NEAR_BORDER
        if along[axis] < _INWARDS * seen.pixel:
            near |= at < spec.workspace.low[axis] + _NEAR_BORDER
    return near.astype(np.uint8)


def graspable(seen: Turned, spec: CellSpec) -> NDArray[np.bool_]:
    """(H, W) bool: where something stands inside the workspace."""
    return np.asarray(seen.height > LOWEST_TOP) & seen.inside(spec)


def standing(top: Heightmap, spec: CellSpec) -> FloatArray:
    """(N, 2) m, centres of the cells inside the workspace where something stands."""
    rows_columns = np.argwhere(top.height > spec.workspace.surface + LOWEST_TOP)
    xy = top.world_xy(rows_columns[:, ::-1] + 0.5)
    low, high = spec.workspace.low[:2], spec.workspace.high[:2]
    return xy[((xy >= low) & (xy <= high)).all(axis=1)]


def outline(points: FloatArray, *, margin: float = 0.0) -> FloatArray:
    """(M, 2) m, corners of the convex hull of points (N, 2) m, N at least 1, each widened to a
    square with `margin` m on every side."""
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(np.float64)
    if not margin:
        return hull
    square = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]) * margin
    widened: FloatArray = (hull[:, None] + square).reshape(-1, 2)
    return widened


def _closed(gripper: GripperSpec) -> tuple[float, float]:
    """m of the closed fingers across a push and along it."""
    return 2 * gripper.finger_thickness + gripper.closed, gripper.finger_breadth


def _widened(mask: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """The mask, grown by so many rows and columns on both sides."""
    return np.asarray(cv2.dilate(mask, np.ones((2 * rows + 1, 2 * columns + 1), np.uint8)))


def _whole_px(length: float, pixel: float) -> int:
    return math.floor(length / pixel + 1e-9)


def _px(length: float, pixel: float) -> int:
    return math.ceil(length / pixel - 1e-9)


def padded(count: int) -> int:
    """The next multiple of 8."""
    return _MULTIPLE * math.ceil(count / _MULTIPLE)
