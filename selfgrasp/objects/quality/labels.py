"""Analytic labels of grasps (Mahler et al. 2017, section IV-A)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.lying import Lying
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.grasps import Grasps
from selfgrasp.objects.quality.robust import Robustness, Uncertainty, robustness

LABELS = ("epsilon", "closure", "free", "resist")
"""epsilon: robust epsilon quality, 0 for a grasp that is not free: what Dex-Net 2.0 thresholds at
0.002. closure: the probability of force closure. free: whether the open hand comes down without a
collision and has this object alone between its fingers. resist: closure and free x the friction of
both fingers over the force that a shake at 25 m/s^2 takes, with the lever of the center of mass."""
_SHAKE = 25.0
"""m/s^2."""
_LEVER = 0.010
"""m from the axis to the center of mass at which a shake takes sqrt(2) of the force."""


def label_grasps(
    lying: Lying,
    grasps: Grasps,
    free: NDArray[np.bool_],
    gripper: GripperSpec,
    rng: np.random.Generator,
    unknown: Uncertainty,
) -> dict[str, FloatArray]:
    """Name to (N,) of `LABELS`.

    Args:
        lying: what is grasped.
        grasps: N of them.
        free: (N,) whether each is, see `widest_free`.
        gripper: the hand.
        rng: of robust quality.
        unknown: of robust quality.
    """
    item = lying.item
    centers, axes = grasps.in_object(lying.table_from_object)
    robust = robustness(item.parts, centers, axes, grasps.openings, rng, unknown)
    return {
        "epsilon": robust.epsilon * free,
        "closure": robust.closure,
        "free": free.astype(np.float64),
        "resist": _resist(item, centers, axes, robust, gripper, unknown) * free,
    }


def lever_of(centers: FloatArray, axes: FloatArray) -> FloatArray:
    """(N,) m from closing axes, unit vectors (N, 3) through `centers` (N, 3) m, to the center of
    mass, which is the origin."""
    lever: FloatArray = np.linalg.norm(np.cross(axes, centers), axis=1)
    return lever


def _resist(
    item: ObjectModel,
    centers: FloatArray,
    axes: FloatArray,
    robust: Robustness,
    gripper: GripperSpec,
    unknown: Uncertainty,
) -> FloatArray:
    far = lever_of(centers, axes) / _LEVER
    wanted = item.mass * _SHAKE * np.sqrt(1.0 + far**2)
    force = 2.0 * unknown.friction * gripper.max_force
    resist: FloatArray = robust.closure * force / wanted
    return resist
