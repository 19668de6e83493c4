"""The surface of a thing, out of triangles as editors and scanners leave them: copies, levels of
detail, what lies inside, and floaters are taken away, and what the rest encloses is measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects.hulls import polyhedron_mass

MOST_TRIANGLES = 100_000
"""A finer shell is made coarser before anything is done with it."""
_WELD = 1e-6
"""Of the size: vertices nearer than this are one."""
_COVERED = 0.015
"""Of a shell's size: how far from another one, or inside it, it tells nothing new."""
_FLOATER_AREA, _FLOATER_GAP = 0.01, 0.02
"""A floater has less than this share of the area, and is further from the rest than this share of
its size."""
_SAMPLES = 8000
_PROBES = 2000
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
        return float(_areas(self.vertices, self.faces).sum())

    @cached_property
    def closed(self) -> bool:
        """Whether every edge has two triangles, or another even number."""
        return bool((np.unique(_edges(self.faces), return_counts=True)[1] % 2 == 0).all())

    @cached_property
    def oriented(self) -> bool:
        """Whether neighbours agree which side is outside."""
        edges = self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        keys = edges[:, 0] * len(self.vertices) + edges[:, 1]
        return len(np.unique(keys)) == len(keys)


@dataclass(frozen=True, eq=False)
class Surface:
    """What is left of a file's triangles.

    Attributes:
        shells: the largest first.
        floaters: how many small shells away from the rest were taken away.
        covered: how many shells in or along others were.
    """

    shells: tuple[Shell, ...]
    floaters: int = 0
    covered: int = 0

    @cached_property
    def joined(self) -> Shell:
        """All shells as one mesh."""
        starts = np.cumsum([0, *(len(shell.vertices) for shell in self.shells[:-1])])
        faces = [shell.faces + start for shell, start in zip(self.shells, starts, strict=True)]
        return Shell(
            np.concatenate([shell.vertices for shell in self.shells]), np.concatenate(faces)
        )

    @property
    def simple(self) -> bool:
        """Whether it is one closed surface."""
        return len(self.shells) == 1 and self.shells[0].closed and self.shells[0].oriented

    def volume(self) -> float:
        """What it encloses, in cubed units: what lies in several shells counts once.

        Of a simple surface it is exact; of any other, points are tried, which tells it to about a
        hundredth of its bounding box.
        """
        if self.simple:
            return abs(polyhedron_mass(self.shells[0].vertices, self.shells[0].faces).volume)
        low, high = self.joined.vertices.min(axis=0), self.joined.vertices.max(axis=0)
        points = low + (high - low) * _spread(_PROBES)
        return float(inside(self.shells, points).mean() * np.prod(high - low))


def surface_of(meshes: Iterable[tuple[FloatArray, NDArray[np.int64]]]) -> Surface:
    """The surface of one thing.

    Args:
        meshes: vertices (V, 3) and triangles (F, 3) of each.
    """
    found = list(meshes)
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in found)])
    faces = [one + start for (_, one), start in zip(found, starts, strict=False)]
    mesh_of = np.repeat(np.arange(len(found)), np.diff(starts))
    vertices = np.concatenate([one for one, _ in found])
    welded = _welded(vertices, np.concatenate(faces), mesh_of)
    shells = [coarsened(shell, MOST_TRIANGLES) for shell in _split(*welded)]
    near = _without_floaters(shells)
    kept = _without_covered(near)
    parted = [shell for shell in kept if not shell.closed]
    if len(parted) > 1:
        # What is divided over several meshes, by its materials say, may close where they meet.
        whole = Surface(tuple(parted)).joined
        closed = [shell for shell in kept if shell.closed]
        one_mesh = np.zeros(len(whole.vertices), dtype=np.int64)
        kept_shells = [*closed, *_split(*_welded(whole.vertices, whole.faces, one_mesh))]
    else:
        kept_shells = kept
    largest_first = sorted(kept_shells, key=lambda shell: -shell.area)
    return Surface(tuple(largest_first), len(shells) - len(near), len(near) - len(kept))


def _keys(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) a number for each of rows (N, 3) of integers from 0 on: equal for equal rows alone, if
    they are below two million."""
    base = int(rows.max(initial=0)) + 1
    if base < 2_000_000:
        return (rows[:, 0] * base + rows[:, 1]) * base + rows[:, 2]
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _edges(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """(3 F,) a number for each edge of each triangle, the same from either side."""
    ends = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return ends[:, 0] * (int(faces.max(initial=0)) + 1) + ends[:, 1]


def _areas(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    areas: FloatArray = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
    return areas


def _welded(
    vertices: FloatArray, faces: NDArray[np.int64], mesh_of: NDArray[np.int64]
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Vertices of one mesh at one place joined, each triangle once, and none of them a line.

    Args:
        vertices: (V, 3).
        faces: (F, 3) indices of vertices.
        mesh_of: (V,) the number of a vertex's mesh.
    """
    size = float(np.ptp(vertices, axis=0).max())
    grid = max(_WELD * size, 4.0 * np.finfo(np.float32).eps * float(np.abs(vertices).max()))
    if grid == 0.0:
        return vertices[:0], faces[:0]
    cells = np.rint((vertices - vertices.min(axis=0)) / grid).astype(np.int64)
    place = np.unique(_keys(cells), return_inverse=True)[1]
    own = mesh_of * len(vertices) + place
    _, first, index = np.unique(own, return_index=True, return_inverse=True)
    vertices, faces = vertices[first], index[faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, once = np.unique(_keys(np.sort(faces, axis=1)), return_index=True)
    faces = faces[np.sort(once)]
    edges = vertices[faces[:, [1, 2, 0]]] - vertices[faces]
    longest = (edges**2).sum(axis=2).max(axis=1, initial=0.0)
    faces = faces[_areas(vertices, faces) > _WELD * longest]
    used, index = np.unique(faces, return_inverse=True)
    return vertices[used], index.reshape(faces.shape)


def _split(vertices: FloatArray, faces: NDArray[np.int64]) -> list[Shell]:
    """Surfaces whose triangles hang together by their edges."""
    if not len(faces):
        return []
    _, edge = np.unique(_edges(faces), return_inverse=True)
    triangle, count = np.repeat(np.arange(len(faces)), 3), len(faces) + int(edge.max()) + 1
    links = (np.ones(len(edge), dtype=bool), (triangle, len(faces) + edge))
    part_of = connected_components(coo_array(links, shape=(count, count)), directed=False)[1]
    part_of = part_of[: len(faces)]
    by_part = np.argsort(part_of, kind="stable")
    ends = np.cumsum(np.bincount(part_of))[:-1]
    shells = []
    for own in np.split(by_part, ends):
        used, index = np.unique(faces[own], return_inverse=True)
        shells.append(Shell(vertices[used], index.reshape(-1, 3)))
    return shells


def _without_floaters(shells: Sequence[Shell]) -> list[Shell]:
    """Small shells that neither touch the large ones nor hang on them are what a scanner made of
    air."""
    total = sum(shell.area for shell in shells)
    large = [shell for shell in shells if shell.area >= _FLOATER_AREA * total]
    small = [shell for shell in shells if shell.area < _FLOATER_AREA * total]
    if not large or not small:
        return list(shells)
    rest = Surface(tuple(large)).joined
    gap = _FLOATER_GAP * rest.size
    near = cKDTree(_sampled(rest, _SAMPLES))
    kept, undecided = list(large), small
    while undecided:
        distance = [float(near.query(shell.vertices)[0].min()) for shell in undecided]
        reached = [s for s, d in zip(undecided, distance, strict=True) if d <= gap]
        if not reached:
            break
        kept += reached
        undecided = [s for s, d in zip(undecided, distance, strict=True) if d > gap]
        near = cKDTree(np.concatenate([shell.vertices for shell in reached]))
    return kept


def _without_covered(shells: Sequence[Shell]) -> list[Shell]:
    """Shells that do not lie in, or along, finer ones: copies, levels of detail, what is inside."""
    shells = sorted(shells, key=lambda one: -len(one.faces))
    lows = np.array([shell.vertices.min(axis=0) for shell in shells])
    highs = np.array([shell.vertices.max(axis=0) for shell in shells])
    slack = _COVERED * np.array([shell.size for shell in shells])
    kept: list[int] = []
    for index, shell in enumerate(shells):
        near = np.maximum(slack[kept], slack[index])[:, None]
        around = (lows[kept] - near <= lows[index]) & (highs[kept] + near >= highs[index])
        candidates = np.array(kept, dtype=int)[around.all(axis=1)]
        points = _sampled(shell, 200) if len(candidates) else shell.vertices
        if not any(
            _covers(shells[other], points, max(slack[other], slack[index])) for other in candidates
        ):
            kept.append(index)
    return [shells[index] for index in kept]


def _covers(shell: Shell, points: FloatArray, distance: float) -> bool:
    """Whether points (N, 3) all lie inside a shell or within a distance of its surface."""
    outside = points[~inside([shell], points)] if shell.closed else points
    return not len(outside) or bool((_distances(shell, outside) <= distance).all())


def _distances(shell: Shell, points: FloatArray) -> FloatArray:
    """(N,) how far points (N, 3) are from a shell; of a large one, from points spread over it."""
    corners = shell.vertices[shell.faces]
    if len(corners) * len(points) > 2_000_000:
        nearest: FloatArray = cKDTree(_sampled(shell, _SAMPLES)).query(points)[0]
        return nearest
    return np.array([_to_triangles(point, corners) for point in points])


def _to_triangles(point: FloatArray, corners: FloatArray) -> float:
    """The distance of a point (3,) from the nearest of triangles (F, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    height = ((point - a) * normals).sum(axis=1)
    foot = point - height[:, None] * normals
    within = np.ones(len(corners), dtype=bool)
    best = np.inf
    for start, end in ((a, b), (b, c), (c, a)):
        side = end - start
        within &= (np.cross(side, foot - start) * normals).sum(axis=1) >= 0.0
        share = ((point - start) * side).sum(axis=1) / (side * side).sum(axis=1)
        on_edge = start + np.clip(share, 0.0, 1.0)[:, None] * side
        best = min(best, float(np.linalg.norm(point - on_edge, axis=1).min()))
    return min(best, float(np.abs(height[within]).min(initial=np.inf)))


def _sampled(shell: Shell, count: int) -> FloatArray:
    """Points spread over a shell's surface, and its vertices where these are fewer."""
    rng = np.random.default_rng(0)
    areas = _areas(shell.vertices, shell.faces)
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
        groups.append(Surface(tuple(open_ones)).joined)
    turns = _turns(_RAYS)
    for shell in groups:
        coarse = coarsened(shell, _PROBE_FACES)
        low, high = coarse.vertices.min(axis=0), coarse.vertices.max(axis=0)
        asked = np.flatnonzero(~found & ((points >= low) & (points <= high)).all(axis=1))
        odd = sum(_odd_crossings(coarse, points[asked], turn) for turn in turns)
        found[asked] = np.asarray(odd) > _RAYS // 2
    return found


def _spread(count: int) -> FloatArray:
    """(count, 3) points that fill the unit cube more evenly than random ones (Roberts' R3
    sequence)."""
    steps = 1.2207440846057596 ** -np.arange(1.0, 4.0)
    points: FloatArray = (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points


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
        _, index, count = np.unique(_keys(place), return_inverse=True, return_counts=True)
        middles = np.column_stack(
            [np.bincount(index, shell.vertices[:, k]) / count for k in range(3)]
        )
        faces = index[shell.faces]
        a, b, c = faces.T
        faces = faces[(a != b) & (b != c) & (c != a)]
        _, first, times = np.unique(
            _keys(np.sort(faces, axis=1)), return_index=True, return_counts=True
        )
        faces = faces[np.sort(first[times % 2 == 1])]
        if not len(faces):
            break
        used, index = np.unique(faces, return_inverse=True)
        shell = Shell(middles[used], index.reshape(-1, 3))
        cells = cells * 3 // 4
    return shell
