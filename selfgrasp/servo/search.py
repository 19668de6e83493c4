"""Search for the pose where the fingers should close: the cross-entropy method with one Gaussian
around each elite, since several objects lie in a bin and their mean is none of them.

M and N poses, (x m, y m, yaw rad) each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import Workspace
from selfgrasp.servo.config import SearchConfig
from selfgrasp.vision.cem import around_elites

ELITES = 6
"""Poses that the next iteration samples around (Levine et al. 2016, section IV-B)."""
FINALISTS = 16
"""Best poses that are scored again with test-time augmentation."""
_NEAR, _NEAR_TURN = 0.03, 0.5
"""m and rad, standard deviations of the samples around an elite in the second iteration, and around
the hand; halved in each further one."""
MISS_RADIUS = 0.03
"""m, standard deviation of the failure penalty around an earlier failed grasp."""


@dataclass(frozen=True, eq=False)
class Scored:
    """All scored poses: poses (N, 3) and logits (N,). The first is the hand's pose, where the hand
    is over the bin."""

    poses: FloatArray
    logits: FloatArray


def search(
    score: Callable[[FloatArray], FloatArray],
    hand: FloatArray | None,
    workspace: Workspace,
    config: SearchConfig,
    rng: np.random.Generator,
) -> Scored:
    """Cross-entropy method over final poses (Levine et al. 2016, section IV-B).

    The first iteration draws uniformly over the bin. Where the hand is over it, half of the
    samples lie around the hand. Later iterations draw around the elites of all scored poses.

    Args:
        score: (M, 3) poses to (M,) logits.
        hand: (3,) pose of the hand, or None while it is not over the bin.
        workspace: bounds.
        config: numbers of samples and iterations.
        rng: draws.
    """
    low, high = (
        np.array([*workspace.low[:2], -np.pi / 2]),
        np.array([*workspace.high[:2], np.pi / 2]),
    )
    deviation = np.array([_NEAR, _NEAR, _NEAR_TURN])
    drawn = rng.uniform(
        low,
        high,
        (config.samples if hand is not None else max(config.samples, config.first_samples), 3),
    )
    if hand is not None:
        half = config.samples // 2
        drawn[:half] = hand + deviation * rng.standard_normal((half, 3))
        drawn[0] = hand
    poses, logits = np.zeros((0, 3)), np.zeros(0)
    for iteration in range(config.iterations):
        drawn[:, :2] = np.clip(drawn[:, :2], low[:2], high[:2])
        poses, logits = np.concatenate([poses, drawn]), np.concatenate([logits, score(drawn)])
        drawn = around_elites(
            poses,
            logits,
            elites=ELITES,
            count=config.samples,
            deviation=deviation / 2**iteration,
            rng=rng,
        )
    return Scored(poses, logits)


def rescored(scored: Scored, score: Callable[[FloatArray], FloatArray]) -> Scored:
    """The first pose and the `FINALISTS` best others, scored by `score`, which is more accurate:
    the best of two hundred estimates is mostly the one with the luckiest error."""
    kept = np.r_[0, 1 + np.argsort(-scored.logits[1:], kind="stable")[:FINALISTS]]
    return Scored(scored.poses[kept], score(scored.poses[kept]))


def non_maximum_suppression(scored: Scored, count: int, distance: float) -> NDArray[np.int64]:
    """Indices of up to `count` poses, best first, none within `distance` m of a better one."""
    kept: list[int] = []
    for index in np.argsort(-scored.logits, kind="stable"):
        if (
            len(kept) < count
            and (
                np.linalg.norm(scored.poses[kept, :2] - scored.poses[index, :2], axis=1) >= distance
            ).all()
        ):
            kept.append(int(index))
    return np.array(kept, dtype=np.int64)


def failure_penalty(poses: FloatArray, misses: Sequence[FloatArray]) -> FloatArray:
    """(M,) logits to subtract near earlier failed grasps in this scene.

    A Gaussian of height 1 and deviation `MISS_RADIUS` around each failed grasp. The paper's robots
    had no such memory.

    Args:
        poses: (M, 3).
        misses: (4, 4) poses of the tool at failed grasps, see `Context.misses`.
    """
    if not misses:
        return np.zeros(len(poses))
    distance = np.linalg.norm(poses[:, None, :2] - np.stack(misses)[None, :, :2, 3], axis=2)
    penalty: FloatArray = np.exp(-((distance / MISS_RADIUS) ** 2) / 2).sum(axis=1)
    return penalty
