"""Which seeds belong to what: ranges that cannot meet."""

from itertools import combinations

import pytest

from selfgrasp.common.seeds import Collection, Purpose
from selfgrasp.core import InputError
from selfgrasp.evaluation.job import first_scene

SCENES = 100_000


def test_scenes_of_no_two_purposes_or_seeds_meet() -> None:
    ranges = [
        range(purpose.first_scene(seed), purpose.first_scene(seed) + SCENES)
        for purpose in Purpose
        for seed in range(120)
    ]
    for a, b in combinations(sorted(ranges, key=lambda one: one.start), 2):
        assert a.stop <= b.start


def test_validation_under_another_seed_is_not_the_benchmark() -> None:
    assert first_scene("validation", 50) != first_scene("novel", 0)


def test_seed_zero_has_the_scenes_of_the_published_figures() -> None:
    assert (first_scene("novel", 0), first_scene("validation", 0)) == (1_000_000, 500_000)
    assert Purpose.REPEATS.first_scene(0) == 6_000_000
    assert [one.seed(3) for one in Collection] == [7_000_003, 8_000_003, 9_000_003]


def test_a_seed_that_would_meet_another_collection_is_refused() -> None:
    with pytest.raises(InputError, match="less than 1000000"):
        Collection.PREDICTION_TEST.seed(1_000_000)
