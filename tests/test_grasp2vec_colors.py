"""Shares of pixels by color, beside the features of Grasp2Vec's towers."""

import numpy as np
import pytest
import torch

from selfgrasp.methods.grasp2vec.colors import Colors, color_shares, near_middle
from selfgrasp.methods.grasp2vec.config import TowerConfig
from selfgrasp.methods.grasp2vec.network import Tower, pooled

BLACK, RED, WHITE = 0, 4, 7
"""Of two levels: red counts four, green two, blue one."""


def picture(*rows: str) -> torch.Tensor:
    """(1, 3, S, S) from -1 to 1, a letter a pixel."""
    colors = {"k": (-1, -1, -1), "r": (1, -1, -1), "w": (1, 1, 1), "h": (0, -1, -1)}
    found = torch.tensor([[colors[letter] for letter in row] for row in rows], dtype=torch.float32)
    return found.permute(2, 0, 1)[None]


def test_pixels_are_counted_by_color_at_the_nearest_place() -> None:
    shares = color_shares(picture("rkkk", "kkkk", "kkww", "kkww"), stride=2, levels=2)[0]
    assert shares.shape == (8, 2, 2)
    # Centres are those of the pixels 0 and 2, of which pixel 1 is as near to both and counts at the
    # second: the first place has one pixel of sixteen, the last nine.
    assert shares.sum(dim=0).tolist() == [[1 / 4, 3 / 4], [3 / 4, 9 / 4]]
    assert shares[RED].tolist() == [[1 / 4, 0], [0, 0]]
    assert shares[WHITE].tolist() == [[0, 0], [0, 1]]
    assert pooled(shares[None])[0, [BLACK, RED, WHITE]].tolist() == [11 / 16, 1 / 16, 4 / 16]


def test_a_color_between_two_levels_belongs_to_both() -> None:
    halves = pooled(color_shares(picture("hk", "kk"), stride=2, levels=2))[0]
    assert halves[[BLACK, RED]].tolist() == pytest.approx([7 / 8, 1 / 8])
    grid = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    every = color_shares(grid, stride=8, levels=5)
    assert pooled(every).sum(dim=1).tolist() == pytest.approx([1, 1])


def test_what_stays_cancels_whatever_is_taken_away_beside_it() -> None:
    rng = np.random.default_rng(0)
    stays, beneath = (torch.from_numpy(rng.uniform(-1, 1, (1, 3, 64, 64))) for _ in range(2))
    taken = torch.tensor([0.3, -0.8, 0.1], dtype=torch.float64).view(1, 3, 1, 1)
    differences = []
    for others in (stays, stays.flip(2)):
        before, after = others.clone(), others.clone()
        before[:, :, 21:30, 40:51] = taken
        after[:, :, 21:30, 40:51] = beneath[:, :, 21:30, 40:51]
        one, other = (pooled(color_shares(x, stride=8, levels=6)) for x in (before, after))
        differences.append(one - other)
    assert torch.allclose(*differences, atol=1e-6)
    assert differences[0].max() > 0.005


def test_of_an_object_s_picture_the_middle_counts_most() -> None:
    assert near_middle(8).mean().item() == pytest.approx(1)
    assert near_middle(8).argmax().item() in (27, 28, 35, 36)
    colors = Colors(2, 2)
    corner = pooled(colors(picture("rkkkkkkk", *["k" * 8] * 7)))[0, RED]
    colors.middle = True
    assert pooled(colors(picture("rkkkkkkk", *["k" * 8] * 7)))[0, RED] < corner / 3


def test_a_tower_without_levels_of_color_is_the_published_one() -> None:
    seen = torch.zeros(1, 3, 32, 32)
    config = TowerConfig(color_levels=0)
    assert Tower(config)(seen).shape[1] == config.numbers == config.channels[-1]
    config = TowerConfig(color_levels=3)
    assert Tower(config)(seen).shape[1] == config.numbers == config.channels[-1] + 27
