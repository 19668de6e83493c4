"""What has to hold of an arrangement before it is simulated: nothing overlaps, hangs in the air or
reaches out of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.spatial import ConvexHull

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply
from selfgrasp.objects.arrangements.arrangement import HALF_SIDE, Standing
from selfgrasp.objects.part import Part
from selfgrasp.objects.solids import corners


@dataclass(frozen=True)
class Tolerance:
    """How exactly places are given.

    Attributes:
        overlap: m by which two objects, or an object and the table, may overlap.
        gap: m below an object within which something has to carry it.
    """

    overlap: float
    gap: float


EXACT = Tolerance(overlap=0.001, gap=0.001)
"""Of blocks."""
OF_MESHES = Tolerance(overlap=0.002, gap=0.003)
"""Of meshes, whose convex parts are not exact, where another simulator let them come to rest."""
_ROUNDING = 1e-9
_DIGITS = 5
"""Of unit vectors, to which directions that are nearly equal are taken once."""


def check_standing(
    standing: Sequence[Standing], names: Sequence[str], tolerance: Tolerance = EXACT
) -> None:
    """Refuse what cannot stand like this.

    Args:
        standing: the objects.
        names: what a reader knows each by, e.g. "cross.txt line 4".
        tolerance: how exactly they stand there.

    Raises:
        InputError: an object in the table or in the air, or two that overlap.
    """
    most = tolerance.overlap
    for index, one in enumerate(standing):
        lowest = float(one.corners[:, 2].min())
        if lowest < -most:
            raise InputError(
                given=f"{names[index]}, which reaches {-lowest * 1e3:.1f} mm into the table",
                wanted=f"at most {most * 1e3:g} mm",
            )
    for first, second in combinations(range(len(standing)), 2):
        depth = overlap(standing[first], standing[second])
        if depth > most:
            raise InputError(
                given=f"{names[first]} and {names[second]}, which overlap by {depth * 1e3:.1f} mm",
                wanted=f"at most {most * 1e3:g} mm",
            )
    for index, one in enumerate(standing):
        others = [*standing[:index], *standing[index + 1 :]]
        if not _carried(one, others, tolerance.gap):
            height = float(one.corners[:, 2].min())
            raise InputError(
                given=f"{names[index]}, which hangs in the air {height * 1e3:.1f} mm above the "
                "table",
                wanted="the table or another object below it",
            )


def check_inside(standing: Sequence[Standing], names: Sequence[str]) -> None:
    """Refuse what reaches out of the workspace.

    Raises:
        InputError: an object that does.
    """
    for index, one in enumerate(standing):
        farthest = float(np.abs(one.corners[:, :2]).max())
        if farthest > HALF_SIDE + _ROUNDING:
            raise InputError(
                given=f"{names[index]}, which reaches to {farthest:.3f} m from the middle",
                wanted=f"within the workspace, {HALF_SIDE:g} m to each side",
            )


def _carried(one: Standing, others: Sequence[Standing], gap: float) -> bool:
    """Whether the table or another object is less than a gap below."""
    if one.corners[:, 2].min() <= gap:
        return True
    lowered = one.world_from_object.copy()
    lowered[2, 3] -= gap
    sunk = Standing(one.model, lowered)
    return any(overlap(sunk, other) > max(0.0, overlap(one, other)) for other in others)


def overlap(a: Standing, b: Standing) -> float:
    """m by which two objects overlap: how far one has to move until they only touch. Negative where
    they do not: they are at least so far apart. What is round counts as a polyhedron of 48 sides.
    """
    middle = float(np.linalg.norm(a.world_from_object[:3, 3] - b.world_from_object[:3, 3]))
    apart = middle - a.model.bounding_radius - b.model.bounding_radius
    if apart > 0.0:
        return -apart
    ours, theirs = (_solids(one) for one in (a, b))
    return max(_depth(one, other) for one in ours for other in theirs)


class _Solid:
    """A convex part in the world: its corners (V, 3) m, the normals (F, 3) of its faces, and the
    directions (E, 3) of its edges."""

    def __init__(self, part: Part, world_from_object: FloatArray) -> None:
        self.corners = apply(world_from_object, corners(part))
        hull = ConvexHull(self.corners)
        normals = hull.equations[:, :3]
        self.normals = _once(normals)
        edges = []
        for face, neighbors in enumerate(hull.neighbors):
            for opposite, neighbor in enumerate(neighbors):
                if neighbor < face or normals[face] @ normals[neighbor] > 1.0 - 1e-9:
                    continue
                start, end = np.delete(hull.simplices[face], opposite)
                edges.append(self.corners[end] - self.corners[start])
        along = np.array(edges)
        self.edges = _once(along / np.linalg.norm(along, axis=1, keepdims=True))


def _solids(one: Standing) -> list[_Solid]:
    return [_Solid(part, one.world_from_object) for part in one.model.parts]


def _once(directions: FloatArray) -> FloatArray:
    """Unit vectors (N, 3), opposite and nearly equal ones once."""
    rounded = np.round(directions, _DIGITS) + 0.0
    leading = rounded[np.arange(len(rounded)), (rounded != 0.0).argmax(axis=1)]
    _, index = np.unique(rounded * np.sign(leading)[:, None], axis=0, return_index=True)
    once: FloatArray = directions[index]
    return once


def _depth(a: _Solid, b: _Solid) -> float:
    """m, by the separating axis theorem: normals of faces, and what is normal to two edges."""
    across = np.cross(a.edges[:, None], b.edges[None]).reshape(-1, 3)
    lengths = np.linalg.norm(across, axis=1)
    across = across[lengths > 1e-6] / lengths[lengths > 1e-6, None]
    axes = np.concatenate([a.normals, b.normals, across])
    first, second = a.corners @ axes.T, b.corners @ axes.T
    one_way = first.max(axis=0) - second.min(axis=0)
    other_way = second.max(axis=0) - first.min(axis=0)
    return float(np.minimum(one_way, other_way).min())
