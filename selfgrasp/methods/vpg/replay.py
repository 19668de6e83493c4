"""Replay that is balanced between success and failure of each primitive (the published code)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Examples
from selfgrasp.methods.vpg.config import Learning, Reward, VPGConfig
from selfgrasp.methods.vpg.examples import GRASP, PUSH

_HALF = 0.5
"""Of a worth from 0 to 1: above, a push is a success."""


def priorities(examples: Examples, config: VPGConfig) -> FloatArray:
    """(N,) how often each example is drawn: successes of a primitive as often as its failures, and
    each primitive as often as there are examples of it. What is not known keeps its share."""
    found = np.ones(len(examples))
    for alike in _groups(examples, config):
        count = sum(map(len, alike))
        for rows in alike:
            found[rows] = count / (len(alike) * len(rows))
    return found


def log_odds(examples: Examples, config: VPGConfig) -> tuple[float, float]:
    """Of success, of grasps and of pushes, as the examples are; 0 where all ended alike.

    A network that learns from a balanced replay learns log-odds that are less by these; nearly so
    where successes are worth less than 1, as a push before a push is.
    """
    odds = [0.0, 0.0]
    for kind, alike in zip((GRASP, PUSH), _groups(examples, config), strict=True):
        if len(alike) == 2:
            failures, successes = map(len, alike)
            odds[kind] = float(np.log(successes / failures))
    return odds[GRASP], odds[PUSH]


def _groups(examples: Examples, config: VPGConfig) -> list[list[NDArray[np.int64]]]:
    """Rows of the failures and of the successes of grasps, then of pushes; without what is
    empty."""
    is_push = examples["kind"] == PUSH
    groups = []
    for rows, worth in ((~is_push, examples["grasped"]), (is_push, _worth(examples, config))):
        parts = (rows & (worth <= _HALF), rows & (worth > _HALF))
        groups.append([np.flatnonzero(part) for part in parts if part.any()])
    return groups


def _worth(examples: Examples, config: VPGConfig) -> NDArray[np.float32]:
    """(N,) of pushes, as `targets.target_of` has it: whether they changed anything, or what alone
    they are worth; NaN where that is not known, or not without the networks."""
    if config.learning is not Learning.ONE_STEP:
        return examples["changed"].astype(np.float32)
    if config.reward not in (Reward.FOLLOWED, Reward.MEASURED):
        return np.full(len(examples), np.nan, np.float32)
    return np.where(examples["lost"], np.float32(0.0), examples[config.reward.value])
