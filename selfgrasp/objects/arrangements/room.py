"""How much room an arrangement leaves for the fingers of a hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from selfgrasp.core.arrays import FloatArray

_CELL = 0.004
_DIRECTIONS = 8
_DEPTH, _LOWEST = 0.025, 0.004
"""m of the fingertips below what they close on, and above the table at least."""


@dataclass(frozen=True, eq=False)
class Prism:
    """A convex part of what stands on the table.

    Attributes:
        points: (N, 2) m, among them the corners of its outline, seen from above.
        height: m of its top.
        owner: the number of the object that it is of.
    """

    points: FloatArray
    height: float
    owner: int


def room_for_fingers(prisms: Sequence[Prism], *, opening: float, finger: float) -> float:
    """Of the object with the most room: the share of grasps, at every place on it and in eight
    directions, for which both fingers come down free, 25 mm below its top.

    Args:
        prisms: at least one.
        opening: m between the open fingers.
        finger: m, side of the square that each takes.
    """
    away = (opening + finger) / 2.0
    points = np.concatenate([one.points for one in prisms])
    low = points.min(axis=0) - away - finger
    columns, rows = (np.ceil((points.max(axis=0) + away + finger - low) / _CELL)).astype(int)
    heights = np.zeros((rows, columns), np.float32)
    owners = np.zeros((rows, columns), np.uint8)
    # The higher ones last, where two overlap.
    for one in sorted(prisms, key=lambda prism: prism.height):
        outline = cv2.convexHull(np.rint((one.points - low) / _CELL - 0.5).astype(np.int32))
        cv2.fillConvexPoly(heights, outline, one.height)
        cv2.fillConvexPoly(owners, outline, one.owner)
    places = np.argwhere(heights > 0)
    tips = np.maximum(heights[places[:, 0], places[:, 1]] - _DEPTH, _LOWEST)
    free = np.zeros(len(places))
    for index in range(_DIRECTIONS):
        yaw = math.pi * index / _DIRECTIONS
        under = np.asarray(cv2.dilate(heights, _square(finger, yaw)))
        step = np.rint(away / _CELL * np.array([math.sin(yaw), math.cos(yaw)])).astype(int)
        room = np.ones(len(places), bool)
        for at in (places + step, places - step):
            room &= under[at[:, 0], at[:, 1]] < tips
        free += room / _DIRECTIONS
    owner = owners[places[:, 0], places[:, 1]]
    return float((np.bincount(owner, free) / np.maximum(np.bincount(owner), 1)).max())


def _square(side: float, yaw: float) -> np.ndarray:
    """A kernel of a square that is turned by `yaw` rad."""
    reach = math.ceil(side / _CELL * math.sqrt(0.5))
    along = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(along, along)
    c, s = math.cos(yaw), math.sin(yaw)
    half = side / 2.0 / _CELL
    inside = (np.abs(c * x + s * y) <= half) & (np.abs(c * y - s * x) <= half)
    return inside.astype(np.uint8)
