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
from selfgrasp.objects.triangles import (
    Shell,
    areas_of,
    coarsened,
    distances_to,
    edge_keys,
    inside,
    joined,
    row_keys,
    spread_points,
)

MOST_TRIANGLES = 100_000
"""A finer shell is made coarser before anything is done with it."""
_WELD = 1e-6
"""Of the size: vertices nearer than this are one."""
_COVERED = 0.015
"""Of a shell's size: how far from another one, or inside it, it tells nothing new."""
_FLOATER_AREA, _FLOATERS_TOGETHER, _FLOATER_GAP = 0.1, 0.3, 0.02
"""A floater has less than this share of the area, all have less than that, and each is further from
the rest than this share of the largest shell's size."""
_SAMPLES = 8000
_PROBES = 2000


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
        return joined(self.shells)

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
        whole = joined(parted)
        closed = [shell for shell in kept if shell.closed]
        one_mesh = np.zeros(len(whole.vertices), dtype=np.int64)
        kept_shells = [*closed, *_split(*_welded(whole.vertices, whole.faces, one_mesh))]
    else:
        kept_shells = kept
    largest_first = sorted(kept_shells, key=lambda shell: -shell.area)
    return Surface(tuple(largest_first), len(shells) - len(near), len(near) - len(kept))


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
    place = np.unique(row_keys(cells), return_inverse=True)[1]
    own = mesh_of * len(vertices) + place
    _, first, index = np.unique(own, return_index=True, return_inverse=True)
    vertices, faces = vertices[first], index[faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, once = np.unique(row_keys(np.sort(faces, axis=1)), return_index=True)
    faces = faces[np.sort(once)]
    edges = vertices[faces[:, [1, 2, 0]]] - vertices[faces]
    longest = (edges**2).sum(axis=2).max(axis=1, initial=0.0)
    faces = faces[areas_of(vertices, faces) > _WELD * longest]
    used, index = np.unique(faces, return_inverse=True)
    return vertices[used], index.reshape(faces.shape)


def _split(vertices: FloatArray, faces: NDArray[np.int64]) -> list[Shell]:
    """Surfaces whose triangles hang together by their edges."""
    if not len(faces):
        return []
    _, edge = np.unique(edge_keys(faces), return_inverse=True)
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
    """Small shells that neither touch the largest one nor hang on what does are what a scanner made
    of air, unless they are much of all there is."""
    if len(shells) < 2:
        return list(shells)
    largest = max(shells, key=lambda shell: shell.area)
    total = sum(shell.area for shell in shells)
    gap = _FLOATER_GAP * largest.size
    reached, away = [largest], [shell for shell in shells if shell is not largest]
    while reached and away:
        near = cKDTree(
            np.concatenate(
                [spread_points(shell, int(_SAMPLES * shell.area / total) + 1) for shell in reached]
            )
        )
        points = [spread_points(shell, _SAMPLES // len(away) + 1) for shell in away]
        distances = [float(near.query(one)[0].min()) for one in points]
        reached = [shell for shell, d in zip(away, distances, strict=True) if d <= gap]
        away = [shell for shell, d in zip(away, distances, strict=True) if d > gap]
    small = [shell for shell in away if shell.area < _FLOATER_AREA * total]
    if sum(shell.area for shell in small) > _FLOATERS_TOGETHER * total:
        return list(shells)
    floating = {id(shell) for shell in small}
    return [shell for shell in shells if id(shell) not in floating]


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
        points = spread_points(shell, 200) if len(candidates) else shell.vertices
        if not any(
            _covers(shells[other], points, max(slack[other], slack[index])) for other in candidates
        ):
            kept.append(index)
    return [shells[index] for index in kept]


def _covers(shell: Shell, points: FloatArray, distance: float) -> bool:
    """Whether points (N, 3) all lie inside a shell or within a distance of its surface."""
    outside = points[~inside([shell], points)] if shell.closed else points
    return not len(outside) or bool((distances_to(shell, outside) <= distance).all())


def _spread(count: int) -> FloatArray:
    """(count, 3) points that fill the unit cube more evenly than random ones (Roberts' R3
    sequence)."""
    steps = 1.2207440846057596 ** -np.arange(1.0, 4.0)
    points: FloatArray = (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points
