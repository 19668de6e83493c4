"""Which examples come into a batch together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_learn import CONFIG, Line, line, points
from test_learn_growth import same, stopped

from selfgrasp.core import InputError
from selfgrasp.learn import Examples, Groups, fit
from selfgrasp.learn.order import Order

IDS = np.repeat([7, -3, 12, 5], [9, 4, 1, 6])[np.random.default_rng(2).permutation(20)]


def epoch_of(order: Order, epoch: int = 0) -> list[int]:
    steps = range(order.per_epoch * epoch, order.per_epoch * (epoch + 1))
    return np.concatenate([order.indices(step) for step in steps]).tolist()


def test_each_epoch_has_every_example_once_and_groups_in_parts_of_at_most_so_many():
    order = Order(20, 1, seed=0, groups=Groups(IDS, most=4))
    rows = epoch_of(order)
    assert sorted(rows) == list(range(20))
    others = [group for group in IDS[rows].tolist() if group != 7]
    assert len(np.flatnonzero(np.diff(others))) >= 2
    assert [group for group in others if group != 5].count(-3) == 4
    whole = Order(20, 1, seed=0, groups=Groups(IDS, most=20))
    assert len(np.flatnonzero(np.diff(IDS[epoch_of(whole)]))) == 3


def test_the_parts_and_their_order_change_with_the_epoch_and_the_seed_alone():
    groups = Groups(IDS, most=4)
    one, again, other = (Order(20, 3, seed=seed, groups=groups) for seed in (0, 0, 1))
    assert epoch_of(one, 5) == epoch_of(again, 5)
    assert epoch_of(one, 5) != epoch_of(one, 6)
    assert epoch_of(one, 5) != epoch_of(other, 5)
    first = {frozenset(part) for part in np.array_split([r for r in epoch_of(one) if r < 9], 3)}
    later = {frozenset(part) for part in np.array_split([r for r in epoch_of(one, 1) if r < 9], 3)}
    assert first != later
    sizes = {len(one.indices(step)) for step in range(3)}
    assert sizes == {6, 7}


def test_examples_that_are_drawn_by_priority_stand_by_their_group_too():
    order = Order(20, 1, seed=0, groups=Groups(IDS, most=20))
    order.prioritize((IDS != 7).astype(float))
    drawn = IDS[epoch_of(order)]
    assert set(drawn) <= {-3, 12, 5}
    assert len(np.flatnonzero(np.diff(drawn))) <= 2


def test_groups_that_fit_nothing_are_refused():
    with pytest.raises(InputError, match="0 examples of a group"):
        Groups(IDS, most=0)
    with pytest.raises(InputError, match="groups of 20 examples; wanted: a number for all 7"):
        Order(7, 2, seed=0, groups=Groups(IDS, most=2))


class Grouped(Line):
    """Sees points of one tenth together."""

    def groups(self, examples: Examples) -> Groups:
        return Groups(np.floor(examples["x"] * 10).astype(np.int64), most=5)


@pytest.mark.parametrize("stop_at", [9, 12])
def test_a_resumed_run_sees_the_batches_that_it_would_have_seen(tmp_path: Path, stop_at: int):
    def made(seed: int) -> Grouped:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return Grouped(line().config)

    whole, resumed, plain = made(0), made(9), line()
    config = replace(CONFIG, epochs=4)
    fit(whole, points(), points(80, seed=1), config, tmp_path / "whole")
    stopped(made(0), points(), config, tmp_path / "halves", stop_at)
    fit(resumed, points(), points(80, seed=1), config, tmp_path / "halves")
    fit(plain, points(), points(80, seed=1), config, tmp_path / "plain")
    assert same(whole, resumed)
    assert not same(whole, plain)
