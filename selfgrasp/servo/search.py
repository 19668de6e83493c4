"""Search for the pose where the fingers should close: cross-entropy with one Gaussian an elite,
since several things lie in a bin and their mean is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import Workspace
from selfgrasp.servo.config import ServoConfig


@dataclass(frozen=True, eq=False)
class Scored:
    """Everything that was scored: poses (N, 3) x, y m, yaw rad, and logits (N,); the first is where
    the hand is, if it is over the bin."""

    poses: FloatArray
    logits: FloatArray


def search(
    score: Callable[[FloatArray], FloatArray],
    hand: FloatArray | None,
    workspace: Workspace,
    config: ServoConfig,
    rng: np.random.Generator,
) -> Scored:
    """`iterations` times `samples` poses, as Levine et al. 2016, section IV-B: first all over the
    bin, half of them around the hand where it is over it and `first_samples` where it is not, then
    around the elites of all that was scored.

    Args:
        score: (M, 3) poses to (M,) logits.
        hand: (3,) pose of the hand, or None while it waits.
        workspace: bounds.
        config: sizes.
        rng: draws.
    """
    low, high = (
        np.array([*workspace.low[:2], -np.pi / 2]),
        np.array([*workspace.high[:2], np.pi / 2]),
    )
    spread = np.array([config.near, config.near, config.near_turn])
    drawn = rng.uniform(
        low,
        high,
        (config.samples if hand is not None else max(config.samples, config.first_samples), 3),
    )
    if hand is not None:
        half = config.samples // 2
        drawn[:half] = hand + spread * rng.standard_normal((half, 3))
        drawn[0] = hand
    poses, logits = np.zeros((0, 3)), np.zeros(0)
    for iteration in range(config.iterations):
        drawn[:, :2] = np.clip(drawn[:, :2], low[:2], high[:2])
        poses, logits = np.concatenate([poses, drawn]), np.concatenate([logits, score(drawn)])
        best = np.argsort(-logits, kind="stable")[: config.elites]
        around = poses[np.resize(best, config.samples)]
        drawn = around + spread / 2**iteration * rng.standard_normal((config.samples, 3))
    return Scored(poses, logits)


def rescored(
    found: Scored, score: Callable[[FloatArray], FloatArray], config: ServoConfig
) -> Scored:
    """The first pose and the `finalists` best others, scored with more care: the best of two
    hundred guesses is mostly the luckiest one."""
    kept = np.r_[0, 1 + np.argsort(-found.logits[1:], kind="stable")[: config.finalists]]
    return Scored(found.poses[kept], score(found.poses[kept]))


def non_maximum_suppression(found: Scored, count: int, distance: float) -> NDArray[np.int64]:
    """Indices of up to `count` poses, best first, none within `distance` m of a better one."""
    kept: list[int] = []
    for index in np.argsort(-found.logits, kind="stable"):
        if (
            len(kept) < count
            and (
                np.linalg.norm(found.poses[kept, :2] - found.poses[index, :2], axis=1) >= distance
            ).all()
        ):
            kept.append(int(index))
    return np.array(kept, dtype=np.int64)


def failure_penalty(
    poses: FloatArray, misses: Sequence[FloatArray], config: ServoConfig
) -> FloatArray:
    """(M,) logits by which poses (M, 3) are worth less after `Context.misses`: a hand that failed
    somewhere tries elsewhere first."""
    if not misses:
        return np.zeros(len(poses))
    distance = np.linalg.norm(poses[:, None, :2] - np.stack(misses)[None, :, :2, 3], axis=2)
    less: FloatArray = config.miss_weight * np.exp(-((distance / config.miss_radius) ** 2) / 2).sum(
        axis=1
    )
    return less
