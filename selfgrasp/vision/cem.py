"""The cross-entropy method's step: new samples around the best of those that were scored."""

from __future__ import annotations

import numpy as np

from selfgrasp.core.arrays import FloatArray


def around_elites(
    samples: FloatArray,
    scores: FloatArray,
    *,
    elites: int,
    count: int,
    deviation: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """(count, D) draws from a mixture of Gaussians, one around each of the best samples in equal
    shares: several objects lie there, and their mean is none of them.

    Args:
        samples: (N, D).
        scores: (N,) higher is better.
        elites: how many of the samples are the best.
        count: how many are drawn.
        deviation: (D,) standard deviations.
        rng: draws.
    """
    best = np.argsort(-scores, kind="stable")[:elites]
    around = samples[np.resize(best, count)]
    drawn: FloatArray = around + deviation * rng.standard_normal(around.shape)
    return drawn
