"""Robust epsilon quality: the mean of epsilon over what is not known exactly (Mahler et al. 2017,
section IV-A and table I): where the object lies, where the gripper closes, and friction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects.part import Part
from selfgrasp.objects.quality.epsilon import SoftFinger, epsilon
from selfgrasp.objects.quality.fingers import close_fingers

_AT_ONCE = 2_000
"""Samples a step: their arrays stay in the processor's cache."""
_LEAST_FRICTION = 0.01


@dataclass(frozen=True)
class Uncertainty:
    """What is not known exactly, as standard deviations of normal distributions.

    Attributes:
        friction: mean of the sliding coefficient.
        friction_deviation: of it; what is drawn below 0.01 counts as 0.01.
        object_translation: m, along each axis.
        object_rotation: rad, about each axis.
        gripper_translation: m, along each axis.
        gripper_rotation: rad, about each axis.
        samples: draws a grasp. With 25, as published, two draws disagree about 0.002 in as many
            grasps as 35 % of the positive ones.
        finger: what a contact can do.
    """

    friction: float = 0.5
    friction_deviation: float = 0.1
    object_translation: float = 0.005
    object_rotation: float = 0.01
    gripper_translation: float = 0.0025
    gripper_rotation: float = 0.01
    samples: int = 100
    finger: SoftFinger = field(default_factory=SoftFinger)


@dataclass(frozen=True, eq=False)
class Robustness:
    """Of N grasps.

    Attributes:
        epsilon: (N,) mean epsilon; samples in which the fingers do not meet the object, or begin
            inside of it, count as 0.
        closure: (N,) share of samples with force closure.
    """

    epsilon: FloatArray
    closure: FloatArray


def robustness(
    parts: Sequence[Part],
    centers: FloatArray,
    axes: FloatArray,
    openings: FloatArray,
    rng: np.random.Generator,
    unknown: Uncertainty | None = None,
) -> Robustness:
    """Robust epsilon and the probability of force closure of N grasps of one object.

    Args:
        parts: of the object; its center of mass is the origin.
        centers: (N, 3) m, the middle between the open fingers, in the object's frame.
        axes: (N, 3) unit vectors from one finger to the other.
        openings: (N,) m between the open fingers.
        rng: what the samples are drawn from, grasp by grasp.
        unknown: what is drawn.
    """
    unknown = unknown or Uncertainty()
    step = max(1, _AT_ONCE // unknown.samples)
    parts_found = [
        _of_few(
            parts,
            centers[at : at + step],
            axes[at : at + step],
            openings[at : at + step],
            rng,
            unknown,
        )
        for at in range(0, len(centers), step)
    ]
    if not parts_found:
        return Robustness(np.zeros(0), np.zeros(0))
    return Robustness(
        np.concatenate([one.epsilon for one in parts_found]),
        np.concatenate([one.closure for one in parts_found]),
    )


def _of_few(
    parts: Sequence[Part],
    centers: FloatArray,
    axes: FloatArray,
    openings: FloatArray,
    rng: np.random.Generator,
    unknown: Uncertainty,
) -> Robustness:
    count, samples = len(centers), unknown.samples
    drawn = rng.standard_normal((count * samples, 13))
    friction = unknown.friction + unknown.friction_deviation * drawn[:, 12]
    friction = np.maximum(friction, _LEAST_FRICTION)
    moved = np.repeat(centers, samples, axis=0)
    moved += unknown.gripper_translation * drawn[:, :3] - unknown.object_translation * drawn[:, 3:6]
    object_turn = Rotation.from_rotvec(unknown.object_rotation * drawn[:, 6:9])
    gripper_turn = Rotation.from_rotvec(unknown.gripper_rotation * drawn[:, 9:12])
    turned = gripper_turn.apply(np.repeat(axes, samples, axis=0))
    closed = close_fingers(
        parts,
        object_turn.apply(moved, inverse=True),
        object_turn.apply(turned, inverse=True),
        np.repeat(openings, samples),
    )
    found = np.zeros(count * samples)
    met = np.flatnonzero(closed.touching)
    found[met] = epsilon(closed.contacts[met], friction[met], unknown.finger)
    by_grasp = found.reshape(count, samples)
    return Robustness(by_grasp.mean(axis=1), (by_grasp > 0.0).mean(axis=1))
