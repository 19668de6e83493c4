"""Any triangle mesh as a few convex parts: hulls of its groups, coacd's pieces, or one hull."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.objects.hulls import convex_hull, polyhedron_mass

NEARLY_CONVEX = 0.9
"""Share of its hull's volume from which a mesh is taken for its hull."""
_NEIGHBOURS = 6


@dataclass(frozen=True, eq=False)
class Pieces:
    """Corner points (N, 3) of each convex piece, in the mesh's units, and how they were found."""

    points: tuple[FloatArray, ...]
    how: str


def hull_volume(points: FloatArray) -> float:
    """The volume of the convex hull of points (N, 3); zero where they lie in one plane."""
    try:
        hull = convex_hull(points)
    except InputError:
        return 0.0
    return polyhedron_mass(hull.vertices, hull.faces).volume


def decompose(vertices: FloatArray, faces: NDArray[np.int64], max_parts: int) -> Pieces:
    """At most `max_parts` convex pieces of a mesh with vertices (V, 3) and triangles (F, 3)."""
    whole = hull_volume(vertices)
    enclosed = polyhedron_mass(vertices, faces).volume
    if whole <= 0.0 or enclosed / whole > NEARLY_CONVEX:
        return Pieces((vertices,), "one hull")
    try:
        import coacd
    except ImportError:
        return Pieces((vertices,), "one hull, though it is not convex: coacd is not installed")
    coacd.set_log_level("off")
    found = coacd.run_coacd(
        coacd.Mesh(vertices, faces),
        threshold=0.06,
        max_convex_hull=max_parts,
        preprocess_resolution=30,
        resolution=1000,
        mcts_iterations=40,
        mcts_max_depth=2,
        seed=0,
    )
    points = tuple(np.asarray(piece[0], dtype=np.float64) for piece in found)
    solid = tuple(p for p in points if hull_volume(p) > 1e-6 * whole)
    if not solid:
        return Pieces((vertices,), "one hull: coacd found no piece")
    merged = merge_pieces(solid, max_parts)
    return Pieces(merged, f"{len(merged)} hulls by coacd")


def merge_pieces(pieces: Sequence[FloatArray], max_parts: int) -> tuple[FloatArray, ...]:
    """Pieces joined pair by pair, always the pair whose common hull adds the least volume, until
    `max_parts` are left.

    Only each piece's nearest neighbours are tried, so the time grows with the number of pieces and
    not with its square.
    """
    alive = {index: np.asarray(points) for index, points in enumerate(pieces)}
    volumes = {index: hull_volume(points) for index, points in alive.items()}
    costs: dict[tuple[int, int], float] = {}
    while len(alive) > max_parts:
        for pair in _neighbours(alive):
            if pair not in costs:
                costs[pair] = (
                    hull_volume(np.concatenate([alive[pair[0]], alive[pair[1]]]))
                    - volumes[pair[0]]
                    - volumes[pair[1]]
                )
        first, second = min(
            (pair for pair in costs if pair[0] in alive and pair[1] in alive),
            key=lambda pair: (costs[pair], pair),
        )
        joined = np.concatenate([alive.pop(first), alive.pop(second)])
        new = max(volumes) + 1
        hull = convex_hull(joined)
        alive[new], volumes[new] = hull.vertices, polyhedron_mass(hull.vertices, hull.faces).volume
    return tuple(alive.values())


def _neighbours(alive: dict[int, FloatArray]) -> list[tuple[int, int]]:
    """Pairs of pieces whose middles are close, smaller index first."""
    keys = np.array(sorted(alive))
    middles = np.array([(alive[key].min(axis=0) + alive[key].max(axis=0)) / 2.0 for key in keys])
    distances = np.linalg.norm(middles[:, None] - middles[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, : min(_NEIGHBOURS, len(keys) - 1)]
    return sorted(
        {
            (int(min(a, b)), int(max(a, b)))
            for a, row in zip(keys, keys[nearest], strict=True)
            for b in row
        }
    )
