"""Exact nearest neighbours of vectors that are read a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPARE = 16
"""Rows beyond k that a search in float32 hands to the ranking in float64: rounding moves a row by
a few places at most."""


class Metric(StrEnum):
    """How far two vectors are apart: 1 - cosine of their angle (0..2; 1 for a vector of zeros), or
    the Euclidean distance."""

    COSINE = "cosine"
    L2 = "l2"


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The rows nearest to each query, nearest first.

    Attributes:
        attempts: (K,) or (Q, K) object, ids, as the query was (D,) or (Q, D).
        steps, views: of the same shape, as in `Vectors`.
        distances: of the same shape, float64; infinite, with "" as id, where fewer than K rows
            could be asked.
    """

    attempts: NDArray[np.object_]
    steps: NDArray[np.int64]
    views: NDArray[np.object_]
    distances: NDArray[np.float64]


def nearest_rows(
    queries: NDArray[np.float64],
    batches: Iterable[NDArray[np.float32]],
    keep: int,
    metric: Metric,
    allowed: Callable[[slice], NDArray[np.bool_] | None],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(Q, M) rows, the `keep` + `SPARE` nearest to each query in float32, or fewer where there are
    fewer, and whether each may be among the neighbours.

    Args:
        queries: (Q, D).
        batches: (B, D) each, all rows in order.
        keep: how many are wanted.
        metric: of the distance.
        allowed: for a batch's rows, (Q, B) or (1, B) whether each may be a neighbour of each query;
            None where all may.
    """
    small = queries.astype(np.float32)
    rows = np.zeros((len(queries), 0), np.int64)
    far = np.zeros((len(queries), 0), np.float32)
    start = 0
    for values in batches:
        here = slice(start, start + len(values))
        distance = distances(small, values, metric)
        may = allowed(here)
        if may is not None:
            distance[~np.broadcast_to(may, distance.shape)] = np.inf
        places = np.broadcast_to(np.arange(here.start, here.stop), distance.shape)
        far, rows = _smallest(
            np.concatenate([far, distance], axis=1),
            np.concatenate([rows, places], axis=1),
            keep + SPARE,
        )
        start = here.stop
    return rows, np.isfinite(far)


def distances(
    queries: NDArray[Any], values: NDArray[Any], metric: Metric, *, squared: bool = True
) -> NDArray[Any]:
    """(Q, N) distances; those of L2 may stay squared, since the order is the same."""
    if metric is Metric.COSINE:
        return np.asarray(1 - _unit(queries) @ _unit(values).T)
    if not squared:
        return np.asarray(np.linalg.norm(queries[:, None] - values[None], axis=2))
    squares = (queries**2).sum(axis=1)[:, None] + np.einsum("nd,nd->n", values, values)
    return np.asarray(squares - 2 * queries @ values.T)


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    length = np.sqrt(np.einsum("nd,nd->n", values, values))[:, None]
    unit: NDArray[Any] = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    return unit


def _smallest(
    distance: NDArray[np.float32], rows: NDArray[np.int64], keep: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `keep` smallest of each row of `distance` (Q, M) and their `rows`, in any order."""
    if distance.shape[1] <= keep:
        return distance, rows
    best = np.argpartition(distance, keep - 1, axis=1)[:, :keep]
    return np.take_along_axis(distance, best, axis=1), np.take_along_axis(rows, best, axis=1)
