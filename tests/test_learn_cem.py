"""Cross-entropy search on functions whose optimum is known."""

import numpy as np
import pytest

from selfgrasp.core import InputError
from selfgrasp.learn import cem

TARGETS = np.array([[0.3, -0.2], [-0.5, 0.4], [0.0, 0.9]])


def bowl(x):
    return -((x - TARGETS[:, None]) ** 2).sum(-1)


def test_three_problems_at_once_find_their_optima():
    found = cem(bowl, np.zeros((3, 2)), np.ones(2), samples=200, elites=10, iterations=12, rng=np.random.default_rng(0))
    assert np.abs(found.best - TARGETS).max() < 0.01
    assert found.score == pytest.approx(bowl(found.best[:, None])[:, 0])


def test_bounds_hold_and_the_optimum_beyond_them_is_met_at_the_edge():
    found = cem(lambda x: x.sum(-1), np.zeros(2), np.ones(2), rng=np.random.default_rng(0), iterations=6, bounds=([-1, -1], [0.5, 0.25]))
    assert found.best == pytest.approx([0.5, 0.25])


def test_more_iterations_are_never_worse_and_a_seed_repeats():
    runs = [cem(bowl, np.zeros((3, 2)), np.ones(2), iterations=n, rng=np.random.default_rng(4)) for n in (1, 3, 3)]
    assert (runs[1].score >= runs[0].score).all()
    assert np.array_equal(runs[1].best, runs[2].best)


def test_scores_of_a_wrong_shape_are_named():
    with pytest.raises(InputError, match=r"scores of shape \(64, 2\); wanted: \(64,\)"):
        cem(lambda x: x, np.zeros(2), np.ones(2), rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="9 elites of 8 samples"):
        cem(bowl, np.zeros(2), np.ones(2), samples=8, elites=9, rng=np.random.default_rng(0))
