"""A connected surface of triangles: whether it is closed, what lies inside or near it, and the same
of fewer triangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from selfgrasp.core.arrays import FloatArray

_SAMPLES = 8000
_PROBE_FACES = 6000
_RAYS = 5


@dataclass(frozen=True, eq=False)
class Shell:
    """A connected surface: vertices (V, 3) float64 and faces (F, 3) int64."""

    vertices: FloatArray
    faces: NDArray[np.int64]

    @cached_property
    def size(self) -> float:
        """The diagonal of its bounding box."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    @cached_property
    def area(self) -> float:
        """Of its triangles."""
        return float(areas_of(self.vertices, self.faces).sum())

    @cached_property
    def closed(self) -> bool:
        """Whether every edge has two triangles, or another even number."""
        return bool((np.unique(edge_keys(self.faces), return_counts=True)[1] % 2 == 0).all())

    @cached_property
    def oriented(self) -> bool:
        """Whether neighbours agree which side is outside."""
        edges = self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        keys = edges[:, 0] * len(self.vertices) + edges[:, 1]
        return len(np.unique(keys)) == len(keys)


def joined(shells: Sequence[Shell]) -> Shell:
    """All shells as one mesh."""
    starts = np.cumsum([0, *(len(shell.vertices) for shell in shells[:-1])])
    faces = [shell.faces + start for shell, start in zip(shells, starts, strict=True)]
    return Shell(np.concatenate([shell.vertices for shell in shells]), np.concatenate(faces))


def row_keys(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) a number for each of rows (N, 3) of integers from 0 on: equal for equal rows alone, if
    they are below two million."""
    base = int(rows.max(initial=0)) + 1
    if base < 2_000_000:
        return (rows[:, 0] * base + rows[:, 1]) * base + rows[:, 2]
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def edge_keys(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """(3 F,) a number for each edge of each triangle, the same from either side."""
    ends = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return ends[:, 0] * (int(faces.max(initial=0)) + 1) + ends[:, 1]


def areas_of(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """(F,) of triangles (F, 3) over vertices (V, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    areas: FloatArray = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
    return areas


def distances_to(shell: Shell, points: FloatArray) -> FloatArray:
    """(N,) how far points (N, 3) are from a shell; of a large one, from points spread over it."""
    corners = shell.vertices[shell.faces]
    if len(corners) * len(points) > 2_000_000:
        nearest: FloatArray = cKDTree(spread_points(shell, _SAMPLES)).query(points)[0]
        return nearest
    distances: FloatArray = np.linalg.norm(points - nearest_on(shell, points), axis=1)
    return distances


def nearest_on(shell: Shell, points: FloatArray) -> FloatArray:
    """(N, 3) the nearest points of a shell to points (N, 3)."""
    corners = shell.vertices[shell.faces]
    found = np.array([_on_triangles(point, corners) for point in points])
    return found.reshape(-1, 3)


def _on_triangles(point: FloatArray, corners: FloatArray) -> FloatArray:
    """The point (3,) of triangles (F, 3, 3) that is nearest to a point (3,)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    height = ((point - a) * normals).sum(axis=1)
    foot = point - height[:, None] * normals
    within = np.ones(len(corners), dtype=bool)
    candidates = []
    for start, end in ((a, b), (b, c), (c, a)):
        side = end - start
        within &= (np.cross(side, foot - start) * normals).sum(axis=1) >= 0.0
        share = ((point - start) * side).sum(axis=1) / (side * side).sum(axis=1)
        on_edge = start + np.clip(share, 0.0, 1.0)[:, None] * side
        candidates.append(on_edge)
    near = np.concatenate([*candidates, foot[within]])
    best: FloatArray = near[np.linalg.norm(point - near, axis=1).argmin()]
    return best


def spread_points(shell: Shell, count: int) -> FloatArray:
    """Points spread over a shell's surface, and its vertices where these are fewer."""
    rng = np.random.default_rng(0)
    areas = areas_of(shell.vertices, shell.faces)
    face = rng.choice(len(areas), size=count, p=areas / areas.sum())
    weights = rng.dirichlet(np.ones(3), size=count)
    points: FloatArray = np.einsum("nk,nki->ni", weights, shell.vertices[shell.faces[face]])
    if len(shell.vertices) > count:
        return points
    return np.concatenate([shell.vertices, points])


def inside(shells: Sequence[Shell], points: FloatArray) -> NDArray[np.bool_]:
    """(N,) whether points (N, 3) lie in any of the shells.

    Rays in several directions cross a surface that is closed an odd number of times from inside,
    whichever way its triangles are turned; where it has holes, most of them do. Shells that are not
    closed count as one surface.
    """
    found = np.zeros(len(points), dtype=bool)
    open_ones = [shell for shell in shells if not shell.closed]
    groups = [shell for shell in shells if shell.closed]
    if open_ones:
        groups.append(joined(open_ones))
    turns = _turns(_RAYS)
    for shell in groups:
        coarse = coarsened(shell, _PROBE_FACES)
        low, high = coarse.vertices.min(axis=0), coarse.vertices.max(axis=0)
        asked = np.flatnonzero(~found & ((points >= low) & (points <= high)).all(axis=1))
        odd = sum(_odd_crossings(coarse, points[asked], turn) for turn in turns)
        found[asked] = np.asarray(odd) > _RAYS // 2
    return found


def _turns(count: int) -> FloatArray:
    """(count, 3, 3) rotations that no model is aligned with."""
    matrices = np.linalg.qr(np.random.default_rng(1).normal(size=(count, 3, 3)))[0]
    turns: FloatArray = matrices
    return turns


def _odd_crossings(shell: Shell, points: FloatArray, turn: FloatArray) -> NDArray[np.int64]:
    """(N,) 1 where a ray along the turned z from points (N, 3) meets an odd number of triangles."""
    corners = (shell.vertices @ turn.T)[shell.faces]
    turned = points @ turn.T
    odd = np.zeros(len(points), dtype=np.int64)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    for index, point in enumerate(turned):
        (ax, ay), (bx, by), (cx, cy) = ((p[:, :2] - point[:2]).T for p in (a, b, c))
        u, v, w = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        hit = ((u > 0) & (v > 0) & (w > 0)) | ((u < 0) & (v < 0) & (w < 0))
        if hit.any():
            u, v, w = u[hit], v[hit], w[hit]
            height = (u * a[hit, 2] + v * b[hit, 2] + w * c[hit, 2]) / (u + v + w)
            odd[index] = int((height > point[2]).sum()) % 2
    return odd


def coarsened(shell: Shell, most: int) -> Shell:
    """A shell of at most `most` triangles, of this one's shape to a hundredth of its size.

    Vertices in one cell of a grid become one, in their middle. Triangles that then coincide cancel
    in pairs, so that what was closed stays closed.
    """
    cells = int(2.0 * np.sqrt(most))
    while len(shell.faces) > most and cells > 8:
        pitch = float(np.ptp(shell.vertices, axis=0).max()) / cells
        place = np.floor((shell.vertices - shell.vertices.min(axis=0)) / pitch).astype(np.int64)
        _, index, count = np.unique(row_keys(place), return_inverse=True, return_counts=True)
        middles = np.column_stack(
            [np.bincount(index, shell.vertices[:, k]) / count for k in range(3)]
        )
        faces = index[shell.faces]
        a, b, c = faces.T
        faces = faces[(a != b) & (b != c) & (c != a)]
        _, first, times = np.unique(
            row_keys(np.sort(faces, axis=1)), return_index=True, return_counts=True
        )
        faces = faces[np.sort(first[times % 2 == 1])]
        if not len(faces):
            break
        used, index = np.unique(faces, return_inverse=True)
        shell = Shell(middles[used], index.reshape(-1, 3))
        cells = cells * 3 // 4
    return shell
