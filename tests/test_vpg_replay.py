"""VPG: replay that is balanced between success and failure of each primitive."""

import numpy as np
import pytest
import torch

from selfgrasp.learn import Examples
from selfgrasp.learn.order import Order
from selfgrasp.methods.vpg import replay
from selfgrasp.methods.vpg.config import (
    Learning,
    Reward,
    VPGConfig,
    balanced,
    paper,
    published,
    small,
)
from selfgrasp.methods.vpg.examples import GRASP, PUSH
from selfgrasp.methods.vpg.method import VPG

SIDE = balanced().patch
KINDS = np.array([GRASP] * 4 + [PUSH] * 6, np.uint8)
HELD = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], bool)
FOLLOWED = np.array([np.nan] * 4 + [0.9, 1.0, 0.0, 0.81, 0.9, np.nan], np.float32)
CHANGED = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], bool)


def examples() -> Examples:
    """Four grasps, three of which hold, and six pushes, of which it is known that four were
    followed by a grasp that held, and one was not."""
    n = len(KINDS)
    columns: dict[str, np.ndarray] = {
        "kind": KINDS,
        "color": np.zeros((n, SIDE, SIDE, 3), np.uint8),
        "height": np.zeros((n, SIDE, SIDE), np.float16),
        "late": np.zeros((n, 6), np.float32),
        "grasped": HELD,
        "changed": CHANGED,
        "lost": np.zeros(n, bool),
        "follows": np.zeros(n, np.float32),
        "followed": FOLLOWED,
        "measured": np.full(n, np.nan, np.float32),
    }
    return Examples(columns, np.ones(n, np.float32))


def test_successes_of_a_primitive_are_drawn_as_often_as_its_failures() -> None:
    found = replay.priorities(examples(), small())
    np.testing.assert_allclose(found[:4], [2 / 3, 2 / 3, 2 / 3, 2])
    np.testing.assert_allclose(found[4:], [5 / 8, 5 / 8, 5 / 2, 5 / 8, 5 / 8, 1])
    order = Order(len(KINDS), 1, seed=0)
    order.prioritize(found)
    drawn = np.concatenate([order.indices(step) for step in range(2_000)])
    share = np.bincount(drawn, minlength=len(KINDS)) / len(drawn)
    assert share[3] == pytest.approx(share[:3].sum(), abs=0.015)
    assert share[:4].sum() == pytest.approx(0.4, abs=0.015)


@pytest.mark.parametrize(
    ("config", "success"),
    [
        (published(), CHANGED),
        (VPGConfig(learning=Learning.REACTIVE), CHANGED),
        (small(), FOLLOWED > 0.5),
    ],
)
def test_a_push_succeeds_by_what_it_is_rewarded_for(config: VPGConfig, success: np.ndarray) -> None:
    found, pushes = replay.priorities(examples(), config), KINDS == PUSH
    rare, often = found[pushes & success], found[pushes & ~success & np.isfinite(FOLLOWED)]
    assert len(set(rare)) == len(set(often)) == 1
    known = pushes & (np.isfinite(FOLLOWED) if config == small() else True)
    assert found[known & success].sum() == pytest.approx(found[known & ~success].sum())


def test_pushes_that_the_networks_value_keep_their_share() -> None:
    config = VPGConfig(reward=Reward.RISE)
    np.testing.assert_allclose(replay.priorities(examples(), config)[KINDS == PUSH], 1.0)
    assert replay.log_odds(examples(), config)[PUSH] == 0.0


def test_a_push_that_loses_something_failed() -> None:
    lost = examples()
    lost.columns["lost"][8] = True
    found = replay.priorities(lost, small())
    np.testing.assert_allclose(found[4:], [5 / 6, 5 / 6, 5 / 4, 5 / 6, 5 / 4, 1])


def test_where_all_ended_alike_nothing_is_drawn_more_often() -> None:
    alike = examples().take(np.array([0, 1, 2, 9]))
    np.testing.assert_allclose(replay.priorities(alike, small()), 1.0)
    assert replay.log_odds(alike, small()) == (0.0, 0.0)


def test_values_stay_probabilities_of_what_really_happens() -> None:
    """Of grasps that hold three times in four, the best constant is 0.75, though replay has as many
    that fail."""
    method = VPG(balanced())
    tower = method.networks.grasp
    with torch.no_grad():
        tower.value.weight.zero_()
        tower.value.bias.fill_(float(np.log(3.0)))
    drawn = np.array([0, 1, 3, 3])
    batch = method.batch(examples(), drawn, np.random.default_rng(0), augment=True)
    method.loss(batch).value.backward()  # type: ignore[no-untyped-call]
    assert tower.value.bias.grad is not None
    assert tower.value.bias.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_validation_is_of_the_examples_as_they_are() -> None:
    batch = VPG(balanced()).batch(
        examples(), np.arange(len(KINDS)), np.random.default_rng(0), augment=False
    )
    assert "odds" not in batch


def test_who_balances() -> None:
    assert VPG(small()).priorities(examples()) is None
    assert VPG(balanced()).priorities(examples()) is not None
    assert paper().balanced
