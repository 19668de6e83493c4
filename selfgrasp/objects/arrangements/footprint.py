"""What an object covers of the table, seen from above, and how far one slides until it meets
another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, pose
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.solids import corners

_STEADY = 0.004
"""m by which the foot of the center of mass lies inside a face on which an object stands."""
_SAME = 0.9994
"""Cosine between normals of facets that count as one face."""
_FACE_DEPTH = 1e-5
_FLUSH = 1e-9
_KEPT = 1024
_QUARTERS = tuple(
    np.array([[c, -s], [s, c]]) for c, s in ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))
)


@dataclass(frozen=True, eq=False)
class Outline:
    """A convex outline on the table.

    Attributes:
        points: (N, 2) m, counter-clockwise.
        right: (K, 2) m, its corners on the right from the lowest to the highest y.
        left: those on the left.
    """

    points: FloatArray
    right: FloatArray
    left: FloatArray


@dataclass(frozen=True, eq=False)
class Face:
    """A way to lie on the table.

    Attributes:
        table_from_object: (4, 4), the center of mass above the origin.
        area: m^2 of the face below.
        outlines: what the object covers after none to three quarter turns.
    """

    table_from_object: FloatArray
    area: float
    outlines: tuple[Outline, ...]

    def is_long(self, quarter: int) -> bool:
        """Whether it reaches farther along x than along y, so turned."""
        along, across = np.ptp(self.outlines[quarter].points, axis=0)
        return bool(along > across)


@lru_cache(maxsize=_KEPT)
def faces_of(model: ObjectModel) -> tuple[Face, ...]:
    """The flat faces on which an object stands steadily, the largest first; a ball has none. Long
    sides lie along x or y."""
    points = np.concatenate([corners(part) for part in model.parts])
    hull = ConvexHull(points)
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    triangles = points[hull.simplices]
    sides = triangles[:, 1:] - triangles[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2.0
    found: list[tuple[float, FloatArray]] = []
    left = np.ones(len(normals), dtype=bool)
    while left.any():
        facet = int(left.argmax())
        same = left & (normals @ normals[facet] > _SAME)
        left &= ~same
        # A smaller face holds no circle of that radius.
        if areas[same].sum() < np.pi * _STEADY**2:
            continue
        area, margin = _area_and_margin(points, normals[facet], float(offsets[facet]))
        if margin > _STEADY:
            found.append((area, _stands(normals[facet], float(offsets[facet]))))
    found.sort(key=lambda one: -one[0])
    return tuple(_face(points, area, stands) for area, stands in found)


def _stands(normal: FloatArray, offset: float) -> FloatArray:
    """table_from_object (4, 4) of an object that stands on a facet."""
    turn = Rotation.align_vectors([[0.0, 0.0, -1.0]], [normal])[0].as_matrix()
    return pose(rotation=turn, translation=(0.0, 0.0, -offset))


def _area_and_margin(points: FloatArray, normal: FloatArray, offset: float) -> tuple[float, float]:
    """m^2 of the face of a hull of points (N, 3) in a plane, and m by which the foot of the center
    of mass lies inside it."""
    on_face = points[points @ normal + offset > -_FACE_DEPTH]
    below = (on_face @ _stands(normal, offset)[:3, :3].T)[:, :2]
    if len(below) < 3 or np.linalg.matrix_rank(below - below[0], tol=1e-6) < 2:
        return 0.0, -1.0
    face = ConvexHull(below)
    return float(face.volume), -float(face.equations[:, 2].max())


def _face(points: FloatArray, area: float, stands: FloatArray) -> Face:
    """Turned so that the longest edge of the outline lies along x."""
    outline = _around(apply(stands, points)[:, :2])
    sides = np.roll(outline, -1, axis=0) - outline
    along = sides[np.linalg.norm(sides, axis=1).argmax()]
    turn = np.eye(3)
    c, s = along / np.linalg.norm(along)
    turn[:2, :2] = [[c, s], [-s, c]]
    aligned = pose(rotation=turn) @ stands
    base = _around(apply(aligned, points)[:, :2])
    return Face(aligned, area, tuple(outline_of(base @ quarter.T) for quarter in _QUARTERS))


def _around(flat: FloatArray) -> FloatArray:
    """Corners (N, 2) of the hull of points, counter-clockwise."""
    corners_of: FloatArray = flat[ConvexHull(flat).vertices]
    return corners_of


def outline_of(points: FloatArray) -> Outline:
    """The outline of corners (N, 2) m of a convex polygon, counter-clockwise."""
    x, y = points.T
    lowest, highest = np.isclose(y, y.min(), atol=_FLUSH), np.isclose(y, y.max(), atol=_FLUSH)
    right = _chain(points, _first(x, lowest), _first(x, highest))
    left = _chain(points, _first(-x, highest), _first(-x, lowest))
    return Outline(points, right, left[::-1])


def _first(x: FloatArray, among: NDArray[np.bool_]) -> int:
    """Index of the largest of some numbers."""
    return int(np.where(among, x, -np.inf).argmax())


def _chain(points: FloatArray, start: int, end: int) -> FloatArray:
    """Corners from one to another, counter-clockwise."""
    count = (end - start) % len(points) + 1
    chain: FloatArray = points[(start + np.arange(count)) % len(points)]
    return chain


def reach_along_x(outline: Outline, across: float, other: Outline, at: FloatArray) -> float:
    """How far along x, m, an outline has to be moved so that it only touches another from its
    right; minus infinity where it passes beside it.

    Between corners both sides are straight, so that the gap is least at a corner.

    Args:
        outline: what is moved.
        across: m by which it is moved along y.
        other: what it meets.
        at: (2,) m by which that one is moved.
    """
    left_y, right_y = outline.left[:, 1] + across, other.right[:, 1] + at[1]
    low, high = max(left_y[0], right_y[0]), min(left_y[-1], right_y[-1])
    if high - low <= _FLUSH:
        return -np.inf
    heights = np.concatenate([left_y, right_y]).clip(low, high)
    right = np.interp(heights, right_y, other.right[:, 0]) + at[0]
    return float((right - np.interp(heights, left_y, outline.left[:, 0])).max())
