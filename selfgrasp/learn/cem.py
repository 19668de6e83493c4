"""The cross-entropy method: optimise a score by sampling, keeping the best, and sampling around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class CemResult:
    """What the search found.

    Attributes:
        best: (..., D) the best sample of all iterations.
        score: (...) its score.
        mean: (..., D) of the last elites.
        std: (..., D) of the last elites.
    """

    best: FloatArray
    score: FloatArray
    mean: FloatArray
    std: FloatArray


def cem(
    score: Callable[[FloatArray], NDArray[np.floating]],
    mean: ArrayLike,
    std: ArrayLike,
    *,
    samples: int = 64,
    elites: int = 6,
    iterations: int = 3,
    rng: np.random.Generator,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> CemResult:
    """Maximise `score` over D numbers, for any number of problems at once.

    Rubinstein and Kroese 2004; the defaults are those of Levine et al. 2016, section IV-B (64 samples, 6 elites, 3 iterations).

    Args:
        score: takes (..., samples, D), gives (..., samples); higher is better.
        mean: (..., D) of the first samples.
        std: (..., D) of the first samples.
        samples: an iteration.
        elites: of them that the next mean and std are taken from.
        iterations: of sampling and selecting.
        rng: draws.
        bounds: lowest and highest (D,) or (..., D); samples beyond are moved onto them.

    Raises:
        InputError: more elites than samples, or scores of a wrong shape.
    """
    if not 1 <= elites <= samples or iterations < 1:
        raise InputError(given=f"{elites} elites of {samples} samples, {iterations} iterations", wanted="1 <= elites <= samples and 1 <= iterations")
    center, spread = np.array(mean, dtype=np.float64), np.broadcast_to(np.array(std, dtype=np.float64), np.shape(mean))
    best, best_score = center.copy(), np.full(center.shape[:-1], -np.inf)
    for _ in range(iterations):
        drawn = center[..., None, :] + spread[..., None, :] * rng.standard_normal((*center.shape[:-1], samples, center.shape[-1]))
        if bounds is not None:
            drawn = np.clip(drawn, np.asarray(bounds[0])[..., None, :], np.asarray(bounds[1])[..., None, :])
        scores = np.asarray(score(drawn), dtype=np.float64)
        if scores.shape != drawn.shape[:-1]:
            raise InputError(given=f"scores of shape {scores.shape}", wanted=f"{drawn.shape[:-1]}, one a sample")
        # Stable sort of negated scores: of equal samples the first wins, whatever the platform.
        order = np.argsort(-scores, axis=-1, kind="stable")[..., :elites]
        kept = np.take_along_axis(drawn, order[..., None], axis=-2)
        top_score = np.take_along_axis(scores, order[..., :1], axis=-1)[..., 0]
        better = top_score > best_score
        best, best_score = np.where(better[..., None], kept[..., 0, :], best), np.where(better, top_score, best_score)
        center, spread = kept.mean(axis=-2), kept.std(axis=-2)
    return CemResult(best, best_score, center, spread)
