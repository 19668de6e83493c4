"""Convex hulls of points: vertices and outward triangles, simplification, mass properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError

MAX_VERTICES = 64
_MANY = 4 * MAX_VERTICES
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True, eq=False)
class Hull:
    """A convex polyhedron: vertices (V, 3) float64 m; faces (F, 3) int64, counter-clockwise seen
    from outside."""

    vertices: FloatArray
    faces: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MassProperties:
    """Of a body of density 1: volume m^3; center (3,) m; inertia (3, 3) m^5 about the center, in
    the axes of the body."""

    volume: float
    center: FloatArray
    inertia: FloatArray


def sphere_directions(count: int) -> FloatArray:
    """(count, 3) unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    index = np.arange(count)
    z = 1.0 - (2.0 * index + 1.0) / count
    radius = np.sqrt(1.0 - z * z)
    return np.column_stack(
        [radius * np.cos(_GOLDEN_ANGLE * index), radius * np.sin(_GOLDEN_ANGLE * index), z]
    )


def convex_hull(points: FloatArray, max_vertices: int = MAX_VERTICES) -> Hull:
    """The convex hull of points (N, 3) m, with at most `max_vertices` of them, hence slightly
    inside the full hull where points are dropped.

    Raises:
        InputError: fewer than four points, or all of them in one plane.
    """
    points = np.asarray(points, dtype=np.float64)
    hull = _quickhull(points)
    if len(hull.vertices) > max_vertices:
        corners = points[hull.vertices]
        points = corners[_extreme(corners, max_vertices)]
        hull = _quickhull(points)
    return _outward(points, hull)


def simplified_hull(points: FloatArray, tolerance: float, most: int = MAX_VERTICES) -> FloatArray:
    """Corners (N, 3), N <= `most`, of the convex hull of points (M, 3), without those that lie less
    than a share `tolerance` of the longest side in front of the hull of the others.

    Corners that nearly lie on an edge or a face of the rest are what makes MuJoCo's collision of
    meshes report contacts centimetres deep.

    Raises:
        InputError: fewer than four points, or all of them in one plane.
    """
    corners = points[_quickhull(points).vertices]
    if len(corners) > _MANY:
        corners = corners[_extreme(corners, _MANY)]
    whole = _quickhull(corners)
    widths = np.ptp(corners @ whole.equations[:, :3].T, axis=0)
    # What is thin keeps its thickness.
    slack = min(tolerance * float(np.ptp(corners, axis=0).max()), 0.1 * float(widths.min()))
    kept = _spanning(corners)
    while True:
        hull = _quickhull(corners[kept])
        beyond = (corners @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1)
        furthest = int(beyond.argmax())
        if beyond[furthest] <= slack or len(kept) >= most:
            break
        kept.append(furthest)
    left: FloatArray = corners[kept][hull.vertices]
    # What was taken early may have become superfluous by what came later.
    while len(left) > 4:
        losses = [_loss(left, index) for index in range(len(left))]
        if min(losses) > slack:
            break
        left = np.delete(left, int(np.argmin(losses)), axis=0)
    return left


def _spanning(points: FloatArray) -> list[int]:
    """Indices of four of points (N, 3), far from each other, that are not in one plane where the
    points are not."""
    first = int(points[:, 0].argmin())
    away = points - points[first]
    second = int(np.linalg.norm(away, axis=1).argmax())
    along = away[second] / np.linalg.norm(away[second])
    across = away - np.outer(away @ along, along)
    third = int(np.linalg.norm(across, axis=1).argmax())
    normal = np.cross(along, across[third])
    return [first, second, third, int(np.abs(away @ normal).argmax())]


def _loss(points: FloatArray, index: int) -> float:
    """m by which a point lies in front of the hull of the others; infinite where these have no
    volume."""
    try:
        hull = ConvexHull(np.delete(points, index, axis=0))
    except QhullError:
        return np.inf
    return float((hull.equations[:, :3] @ points[index] + hull.equations[:, 3]).max())


def _quickhull(points: FloatArray) -> ConvexHull:
    try:
        return ConvexHull(points)
    except (QhullError, ValueError) as error:
        raise InputError(
            given=f"{len(points)} points without volume",
            wanted="four or more points that are not in one plane",
        ) from error


def _extreme(points: FloatArray, count: int) -> NDArray[np.int64]:
    """Indices of at most `count` points that are extreme in evenly spread directions."""
    chosen = np.empty(0, dtype=np.int64)
    for directions in (count, 2 * count, 4 * count, 8 * count):
        candidates = np.unique(np.argmax(points @ sphere_directions(directions).T, axis=0))
        if len(candidates) > count:
            break
        chosen = candidates
    return chosen


def _outward(points: FloatArray, hull: ConvexHull) -> Hull:
    vertices = points[hull.vertices]
    new_index = np.full(len(points), -1)
    new_index[hull.vertices] = np.arange(len(hull.vertices))
    faces = new_index[hull.simplices].astype(np.int64)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return Hull(vertices, faces)


def polyhedron_mass(vertices: FloatArray, faces: NDArray[np.int64]) -> MassProperties:
    """Mass properties of a closed surface by signed tetrahedra from its mean vertex.

    Second moments of a tetrahedron with one corner at the origin and corners a, b, c:
    V / 20 (s s^T + a a^T + b b^T + c c^T), s = a + b + c.
    """
    origin = vertices.mean(axis=0)
    triangles = (vertices - origin)[faces]
    volumes = np.linalg.det(triangles) / 6.0
    volume = float(volumes.sum())
    sums = triangles.sum(axis=1)
    if volume == 0.0:
        return MassProperties(0.0, origin, np.zeros((3, 3)))
    center = (volumes[:, None] * sums).sum(axis=0) / (4.0 * volume)
    moments = np.einsum("f,fi,fj->ij", volumes, sums, sums) + np.einsum(
        "f,fki,fkj->ij", volumes, triangles, triangles
    )
    covariance = moments / 20.0 - volume * np.outer(center, center)
    return MassProperties(volume, origin + center, np.trace(covariance) * np.eye(3) - covariance)


def is_convex(vertices: FloatArray, faces: NDArray[np.int64]) -> bool:
    """Whether no vertex lies in front of a face, within 1e-6 of the body's size."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    heights = normals @ vertices.T - np.einsum("ij,ij->i", normals, a)[:, None]
    return bool(heights.max() <= 1e-6 * np.ptp(vertices, axis=0).max() ** 3)
