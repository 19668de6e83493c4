"""Camera extrinsics corrected by registration on the bin's rim in a depth image: millimetres of
calibration error decide whether a finger lands beside an object or on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked_number
from selfgrasp.core.observation import View
from selfgrasp.core.pose import pose
from selfgrasp.vision.project import world_points

_BANDS = (0.015, 0.008, 0.005, 0.0035)
"""m around the rim's height in which points count as the rim, closer with each fit; the last is
three times a good depth camera's noise."""
_FACE = 0.0008
"""m below the rim from which a point counts as the wall's face."""
_AROUND = 0.02
"""m on both sides of the rim in which it is looked for: more than a calibration is ever off."""
_SECTION = 0.005
"""m of a wall's length whose points give one place of its middle line."""
_OUTLIER = 0.003
"""m between such a place and the rim's fit from which something else lies there."""
_LEAST_POINTS, _LEAST_SECTIONS = 200, 15


@dataclass(frozen=True)
class Rim:
    """The flat top of a bin's four walls, square and in the middle of the world's axes.

    Attributes:
        half_size: m from the middle to the walls' inner faces.
        thickness: m of a wall.
        height: m, world z of the rim.
    """

    half_size: float
    thickness: float
    height: float

    def __post_init__(self) -> None:
        for name in ("half_size", "thickness", "height"):
            checked_number(getattr(self, name), 1e-3, 10.0, f"{name} (m)")


def world_correction(view: View, rim: Rim) -> FloatArray | None:
    """corrected_from_world (4, 4): multiplied from the left onto the view's pose, it lays the rim
    where it is. None where too little of the rim is seen.

    A plane through the rim gives height and tilt; the middle lines of the four walls, section by
    section and without what leans on them, the rest.
    """
    if view.depth is None:
        return None
    points = world_points(view).reshape(-1, 3)
    points = points[np.isfinite(points[:, 2])]
    away = np.abs(points[:, :2]).max(axis=1)
    points = points[
        (away > rim.half_size - _AROUND)
        & (away < rim.half_size + rim.thickness + _AROUND)
        & (np.abs(points[:, 2] - rim.height) < 2 * _BANDS[0])
    ]
    if len(points) < _LEAST_POINTS:
        return None
    level = _leveled(points, rim)
    points = points @ level[:3, :3].T + level[:3, 3]
    # Hardly anything below the rim: there the walls' visible faces begin, and would draw the middle
    # lines towards them.
    top = points[(points[:, 2] > rim.height - _FACE) & (points[:, 2] < rim.height + _BANDS[-1])]
    placed = _placed(top[:, :2], rim)
    return None if placed is None else placed @ level


def corrected(view: View, correction: FloatArray) -> View:
    """The view with its pose multiplied from the left by `correction` (4, 4)."""
    return View(view.color, view.depth, view.intrinsics, correction @ view.world_from_camera)


def _leveled(points: FloatArray, rim: Rim) -> FloatArray:
    """(4, 4): turns about x and y and a shift along z that bring the rim's points (N, 3) onto its
    height."""
    matrix = np.column_stack([points[:, :2], np.ones(len(points))])
    plane: FloatArray = np.array([0.0, 0.0, float(np.median(points[:, 2])) - rim.height])
    for band in _BANDS:
        off = points[:, 2] - rim.height - matrix @ plane
        near = np.abs(off) < band
        if near.sum() < _LEAST_POINTS:
            break
        plane = np.asarray(
            np.linalg.lstsq(matrix[near], points[near, 2] - rim.height, rcond=None)[0]
        )
    a, b, c = plane
    rotation, _ = cv2.Rodrigues(np.array([-b, a, 0.0]))
    return pose(rotation=rotation, translation=(0.0, 0.0, -c + rim.height * (1 - rotation[2, 2])))


def _placed(xy: FloatArray, rim: Rim) -> FloatArray | None:
    """(4, 4): a turn about z and a shift in the plane that bring the middle lines of the walls,
    seen as points (N, 2), to their places."""
    middle = rim.half_size + rim.thickness / 2
    rows, wanted = [], []
    for axis in (0, 1):
        for sign in (1, -1):
            along, across = _sections(xy, axis, sign, rim)
            # Moved by (t, turn), a point at `along` on this wall goes across by t[axis] -+ turn *
            # along.
            lean = -along if axis == 0 else along
            rows.append(
                np.column_stack(
                    [np.full_like(along, axis == 0), np.full_like(along, axis == 1), lean]
                )
            )
            wanted.append(sign * middle - across)
    matrix, offsets = np.concatenate(rows), np.concatenate(wanted)
    kept: NDArray[np.bool_] = np.ones(len(offsets), bool)
    move: FloatArray = np.zeros(3)
    for _ in range(4):
        if min(sum(kept[matrix[:, axis] > 0]) for axis in (0, 1)) < _LEAST_SECTIONS:
            return None
        move = np.asarray(
            np.linalg.lstsq(matrix[kept], offsets[kept], rcond=None)[0], dtype=np.float64
        )
        off = offsets - matrix @ move
        kept = np.abs(off - np.median(off[kept])) < _OUTLIER
    rotation, _ = cv2.Rodrigues(np.array([0.0, 0.0, move[2]]))
    return pose(rotation=rotation, translation=(move[0], move[1], 0.0))


def _sections(xy: FloatArray, axis: int, sign: int, rim: Rim) -> tuple[FloatArray, FloatArray]:
    """(M,) m along and (M,) m across: the middle of one wall in each of its sections that is
    seen."""
    across, along = sign * xy[:, axis], xy[:, 1 - axis]
    here = (
        (across > rim.half_size - _AROUND)
        & (across < rim.half_size + rim.thickness + _AROUND)
        & (np.abs(along) < rim.half_size - _AROUND)
    )
    across, along = across[here], along[here]
    index = np.floor((along + rim.half_size) / _SECTION).astype(np.int64)
    count = np.bincount(index)
    total, place = np.bincount(index, weights=across), np.bincount(index, weights=along)
    seen = count >= 4
    return place[seen] / count[seen], sign * total[seen] / count[seen]
