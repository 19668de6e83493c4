"""Any surface as a few convex parts: hulls of its groups, coacd's pieces, or one hull."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects.hulls import convex_hull, polyhedron_mass
from selfgrasp.objects.shells import Surface
from selfgrasp.objects.triangles import Shell, coarsened, inside, nearest_on

NEARLY_CONVEX = 0.9
"""Share of its hull's volume from which a mesh is taken for its hull."""
_MOST_TRIANGLES = 10_000
"""A larger mesh is made coarser before it is cut."""
_SEARCH: dict[str, Any] = {
    "threshold": 0.06,
    "preprocess_mode": "auto",
    "resolution": 1000,
    "mcts_iterations": 40,
    "mcts_max_depth": 2,
}
_SEARCH_OF_SHEETS: dict[str, Any] = {
    "threshold": 0.1,
    "preprocess_mode": "on",
    "resolution": 300,
    "mcts_iterations": 10,
    "mcts_max_depth": 1,
    "merge": False,
}
"""Of what is not one closed surface: it is made a thin shell first, which takes the search above
13 to 28 s, and this one 2 to 4 s for pieces of the same volume."""
_MOST_PULLED = 4_000_000
"""Corners of pieces, times triangles, up to which corners are pulled back to the surface."""
_SOLID = 0.8
"""Share of its pieces' volume from which a surface encloses them; sheets enclose nothing."""
_NEIGHBOURS, _NEIGHBOURS_OF_MANY, _MANY = 6, 3, 500
"""How many of a piece's nearest are tried for merging: fewer of more than `_MANY` pieces."""
_SLACK = 0.01


@dataclass(frozen=True, eq=False)
class Pieces:
    """Corner points (N, 3) of each convex piece, in the mesh's units, how they were found, and
    whether they fill what is hollow, for want of better ones."""

    points: tuple[FloatArray, ...]
    how: str
    filled: bool = False


def hull_volume(points: FloatArray) -> float:
    """The volume of the convex hull of points (N, 3); zero where they lie in one plane."""
    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):
        return 0.0


def nearly_convex(surface: Surface) -> bool:
    """Whether a surface fills its hull, but for a tenth."""
    whole = hull_volume(surface.joined.vertices)
    return whole <= 0.0 or surface.volume() / whole > NEARLY_CONVEX


def decompose(surface: Surface, max_parts: int, concavity: float | None = None) -> Pieces:
    """At most `max_parts` convex pieces of what a surface encloses.

    Args:
        concavity: how much a piece may fill that is hollow, as coacd counts it; by default what is
            found quickly.
    """
    if nearly_convex(surface):
        return Pieces((surface.joined.vertices,), "one hull")
    convex = [s for s in surface.shells if s.closed and nearly_convex(Surface((s,)))]
    all_convex = len(convex) == len(surface.shells)
    if convex and len(surface.shells) > 1 and (all_convex or len(convex) <= max_parts):
        others = [s for s in surface.shells if s not in convex]
        return _beside(convex, others, max_parts, concavity)
    return _cut(surface, max_parts, concavity)


def _beside(
    convex: Sequence[Shell], others: Sequence[Shell], max_parts: int, concavity: float | None
) -> Pieces:
    """Convex shells as they are, beside the pieces of the other ones."""
    parts, how = tuple(shell.vertices for shell in convex), f"{len(convex)} convex shells"
    if not others:
        return Pieces(merge_pieces(parts, max_parts), how)
    rest = decompose(Surface(tuple(others)), max(1, max_parts - len(convex)), concavity)
    pieces = merge_pieces((*parts, *rest.points), max_parts)
    return Pieces(pieces, f"{how}, {rest.how}", rest.filled)


def _cut(surface: Surface, max_parts: int, concavity: float | None) -> Pieces:
    """What coacd makes of a surface that is not convex."""
    vertices = surface.joined.vertices
    try:
        # An optional dependency.
        import coacd
    except ImportError:
        how = "one hull, though it is not convex: coacd is not installed"
        return Pieces((vertices,), how, filled=True)
    coacd.set_log_level("off")
    mesh = coarsened(surface.joined, _MOST_TRIANGLES)
    search = dict(_SEARCH if surface.simple else _SEARCH_OF_SHEETS)
    if concavity is not None:
        search["threshold"] = concavity
    found = coacd.run_coacd(
        coacd.Mesh(mesh.vertices, mesh.faces),
        max_convex_hull=max_parts,
        preprocess_resolution=30,
        seed=0,
        **search,
    )
    points = tuple(np.asarray(piece[0], dtype=np.float64) for piece in found)
    least = 1e-6 * hull_volume(vertices)
    solid = tuple(p for p in points if hull_volume(p) > least)
    if not solid:
        return Pieces((vertices,), "one hull: coacd found no piece", filled=True)
    if surface.volume() > _SOLID * sum(map(hull_volume, solid)):
        solid = _pulled_back(solid, mesh)
    merged = merge_pieces(solid, max_parts)
    return Pieces(merged, f"{len(merged)} hulls by coacd")


def _pulled_back(pieces: tuple[FloatArray, ...], mesh: Shell) -> tuple[FloatArray, ...]:
    """Pieces whose corners outside a surface are moved to it: coacd cuts what is a hundredth
    larger where it has mended the surface first."""
    corners = np.concatenate(pieces)
    if len(corners) * len(mesh.faces) > _MOST_PULLED:
        return pieces
    outside = ~inside([mesh], corners)
    corners[outside] = nearest_on(mesh, corners[outside])
    pulled = np.split(corners, np.cumsum([len(points) for points in pieces])[:-1])
    return tuple(points for points in pulled if hull_volume(points) > 0.0)


def without_contained(pieces: Sequence[FloatArray]) -> list[FloatArray]:
    """Pieces with volume whose hulls do not lie inside another's, in the same order: copies and
    levels of detail of a part are one part."""
    hulls = [ConvexHull(points) for points in pieces]
    order = sorted(range(len(hulls)), key=lambda index: -hulls[index].volume)
    lows = np.array([hull.min_bound for hull in hulls])
    highs = np.array([hull.max_bound for hull in hulls])
    kept: list[int] = []
    for index in order:
        corners = pieces[index][hulls[index].vertices]
        slack = _SLACK * float(np.ptp(corners, axis=0).max())
        around = (lows[kept] <= lows[index] + slack) & (highs[kept] >= highs[index] - slack)
        around_all = np.array(kept, dtype=int)[around.all(axis=1)]
        if not any(_holds(hulls[other], corners, slack) for other in around_all):
            kept.append(index)
    return [pieces[index] for index in sorted(kept)]


def _holds(hull: ConvexHull, points: FloatArray, slack: float) -> bool:
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    return bool((points @ normals.T + offsets).max() <= slack)


def merge_pieces(pieces: Sequence[FloatArray], max_parts: int) -> tuple[FloatArray, ...]:
    """Pieces with volume joined pair by pair, always the pair whose common hull adds the least,
    until `max_parts` are left.

    Only a piece's nearest neighbours are tried, so the time grows with the number of pieces and not
    with its square.
    """
    if len(pieces) <= max_parts:
        return tuple(np.asarray(points) for points in pieces)
    last = 2 * len(pieces) - max_parts
    tried = _NEIGHBOURS_OF_MANY if len(pieces) > _MANY else _NEIGHBOURS
    alive = {index: np.asarray(points) for index, points in enumerate(pieces)}
    volumes = {index: hull_volume(points) for index, points in alive.items()}
    # Those that are not alive are infinitely far.
    middles = np.full((last, 3), np.inf)
    middles[: len(pieces)] = [_middle(points) for points in pieces]
    costs: list[tuple[float, int, int]] = []

    def offer(pairs: Iterable[tuple[int, int]]) -> None:
        for a, b in pairs:
            joined = float(ConvexHull(np.concatenate([alive[a], alive[b]])).volume)
            heapq.heappush(costs, (joined - volumes[a] - volumes[b], a, b))

    offer(_neighbours(middles[: len(pieces)], tried))
    for new in range(len(pieces), last):
        first, second = _cheapest(costs, alive)
        hull = convex_hull(np.concatenate([alive.pop(first), alive.pop(second)]))
        volumes[new] = polyhedron_mass(hull.vertices, hull.faces).volume
        middle = _middle(hull.vertices)
        middles[[first, second]] = np.inf
        distances = np.linalg.norm(middles - middle, axis=1)
        nearest = np.argsort(distances, kind="stable")[: min(tried, len(alive))]
        alive[new], middles[new] = hull.vertices, middle
        offer((int(key), new) for key in nearest)
    return tuple(alive.values())


def _cheapest(costs: list[tuple[float, int, int]], alive: dict[int, FloatArray]) -> tuple[int, int]:
    """The cheapest pair of which both are alive, taken off the heap."""
    while True:
        _, first, second = heapq.heappop(costs)
        if first in alive and second in alive:
            return first, second


def _middle(points: FloatArray) -> FloatArray:
    middle: FloatArray = (points.min(axis=0) + points.max(axis=0)) / 2.0
    return middle


def _neighbours(middles: FloatArray, count: int) -> list[tuple[int, int]]:
    """Each piece with its `count` nearest by their middles (N, 3), smaller index first."""
    _, nearest = cKDTree(middles).query(middles, k=min(count + 1, len(middles)))
    pairs = {(min(a, int(b)), max(a, int(b))) for a, row in enumerate(nearest) for b in row}
    return sorted((a, b) for a, b in pairs if a != b)
