"""95 % intervals: Wilson for independent trials, bootstrap by cluster where trials share a scene,
paired differences on the same scenes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from selfgrasp.core.arrays import FloatArray

Z = 1.959963984540054
"""Of 95 %, two-sided, for a normal distribution."""
_RESAMPLES = 4000
_AT_ONCE = 4_000_000
"""Rows that are drawn at once: thousands of scenes would fill the memory."""


NONE = "no data"
"""What tables show of an estimate that rests on nothing."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and how many independent units it rests on."""

    value: float
    low: float
    high: float
    n: int

    def cells(self, form: str = ".3f") -> tuple[float | None, str]:
        """Value and interval, as tables of reports show them."""
        return (self.value, f"{self.low:{form}} to {self.high:{form}}") if self.n else (None, NONE)

    def text(self, form: str = ".3f") -> str:
        """Both in one cell."""
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]" if self.n else NONE


def wilson(successes: int, trials: int) -> Estimate:
    """A rate of independent trials; (0, 1) when there are none. Wilson 1927, equation of the score
    interval."""
    if trials == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    rate = successes / trials
    spread = (
        Z / (1 + Z**2 / trials) * math.sqrt(rate * (1 - rate) / trials + Z**2 / (4 * trials**2))
    )
    middle = (rate + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    # Rounding must not part the rates 0 and 1 from their own ends of the interval.
    return Estimate(
        rate, min(rate, max(0.0, middle - spread)), max(rate, min(1.0, middle + spread)), trials
    )


def bootstrap(
    clusters: ArrayLike,
    statistic: Callable[[FloatArray], FloatArray] | None = None,
    *,
    seed: int = 0,
) -> Estimate:
    """Percentile bootstrap over clusters (scenes, cases, objects, training seeds).

    Args:
        clusters: (N,) or (N, K) one row of sufficient statistics a cluster.
        statistic: maps summed rows (..., K) to values (...); None takes the mean of (N,) values.
        seed: of the resampling.
    """
    rows = np.asarray(clusters, dtype=np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    n = len(rows)
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    of = statistic or (lambda sums: sums[..., 0] / n)
    rng, block = np.random.default_rng(seed), max(1, _AT_ONCE // n)
    sizes = [min(block, _RESAMPLES - start) for start in range(0, _RESAMPLES, block)]
    values = of(
        np.concatenate([rows[rng.integers(n, size=(size, n))].sum(axis=1) for size in sizes])
    )
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Estimate(float(of(rows.sum(axis=0))), float(low), float(high), n)


def clustered(groups: ArrayLike, rows: ArrayLike) -> FloatArray:
    """Rows (N, K) summed by group (N,): one row for each group, in their order, as `bootstrap`
    takes them."""
    known, index = np.unique(np.asarray(groups), return_inverse=True)
    values = np.asarray(rows, dtype=np.float64)
    sums = np.zeros((len(known), values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def ratio(clusters: ArrayLike, *, seed: int = 0) -> Estimate:
    """Sum of the first column over sum of the second, bootstrapped by row."""
    return bootstrap(
        clusters, lambda sums: sums[..., 0] / np.maximum(sums[..., 1], 1e-12), seed=seed
    )


def paired(a: ArrayLike, b: ArrayLike, *, seed: int = 0) -> Estimate:
    """Mean of a - b over the same scenes, bootstrapped by scene."""
    return bootstrap(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64), seed=seed)
