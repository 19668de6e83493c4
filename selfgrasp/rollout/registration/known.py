"""What is known before anything is seen: objects in their stable poses, as they look from above,
with their best grasps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import GripperSpec
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.grasps import sample_grasps, widest_free
from selfgrasp.objects.quality.robust import robustness
from selfgrasp.objects.stable import stable_poses
from selfgrasp.rollout.registration.patches import (
    SIDE,
    as_map,
    coarse,
    differences,
    known_patch,
    middle_of,
    seen_patches,
)
from selfgrasp.vision import diverse

_CLOSES = 1e-4
"""What the probability of force closure counts beside robust epsilon: of grasps without any
epsilon, those that close come first."""
_SURFACE_POINTS = 4_000
_TURNS = np.arange(24) * np.pi / 12
_TRIED_POSES = 8
"""How many times as many poses are looked at as are kept."""
_MOST = 0.02
"""m that a cell's difference counts for at most."""


@dataclass(frozen=True)
class KnownConfig:
    """How much is known of each object.

    Attributes:
        poses: of an object at most, the likeliest first.
        apart: m, mean difference in height from which two poses look different; the many poses of a
            round thing look the same.
        tried: grasps that are drawn and judged in each pose.
        grasps: of these that are kept at most.
        separation: m between two of them, unless their angles differ by more than 40 deg.
        points: of an object's surface.
        seed: of all that is drawn.
    """

    poses: int = 8
    apart: float = 0.0015
    tried: int = 100
    grasps: int = 16
    separation: float = 0.008
    points: int = 1500
    seed: int = 0


@dataclass(frozen=True, eq=False)
class KnownPoses:
    """K objects in stable poses. The table's surface is z = 0.

    Attributes:
        names: (K,) of the objects.
        patches: (K, SIDE, SIDE) float32 m, heights about `middles`.
        middles: (K, 2) m, the middle of what is seen from above.
        points: (K, P, 3) float32 m, spread over the surface.
        grasps: (K, G, 5): x, y and z of the fingertips in m, yaw in rad, opening in m; best first.
        quality: (K, G) robust epsilon, and a little for force closure; minus infinity where an
            object has fewer grasps.
    """

    names: NDArray[np.str_]
    patches: NDArray[np.float32]
    middles: FloatArray
    points: NDArray[np.float32]
    grasps: FloatArray
    quality: FloatArray

    def __len__(self) -> int:
        return len(self.names)


def poses_of(
    item: ObjectModel, gripper: GripperSpec, config: KnownConfig | None = None
) -> KnownPoses:
    """What has to be known of an object; without the poses in which none of the drawn grasps is
    free of collisions. The same for the same object, whatever else is known."""
    config = config or KnownConfig()
    rng = np.random.default_rng(config.seed)
    points = item.surface_points(config.points, rng)
    names, patches, middles, clouds, grasps, quality = [], [], [], [], [], []
    for table_from_object, middle, patch in _different(item, config):
        best = _best_grasps(item, table_from_object, gripper, rng, config)
        if np.isfinite(best[:, -1]).any():
            names.append(item.name)
            patches.append(patch)
            middles.append(middle)
            clouds.append(apply(table_from_object, points))
            grasps.append(best[:, :-1])
            quality.append(best[:, -1])
    return KnownPoses(
        np.array(names, dtype=np.str_),
        np.array(patches, dtype=np.float32).reshape(-1, SIDE, SIDE),
        np.array(middles).reshape(-1, 2),
        np.array(clouds, dtype=np.float32).reshape(-1, config.points, 3),
        np.array(grasps).reshape(-1, config.grasps, 5),
        np.array(quality).reshape(-1, config.grasps),
    )


def joined(each: Sequence[KnownPoses]) -> KnownPoses:
    """All poses of several objects."""
    names = [one.name for one in fields(KnownPoses)]
    return KnownPoses(*(np.concatenate([getattr(one, name) for one in each]) for name in names))


def _best_grasps(
    item: ObjectModel,
    table_from_object: FloatArray,
    gripper: GripperSpec,
    rng: np.random.Generator,
    config: KnownConfig,
) -> FloatArray:
    """(G, 6) rows of `KnownPoses.grasps`, and the quality of each."""
    drawn = sample_grasps(item, table_from_object, config.tried, gripper, rng)
    surface = apply(table_from_object, item.surface_points(_SURFACE_POINTS, rng))
    widest = widest_free(surface, drawn, gripper)
    drawn = replace(drawn, openings=widest)[widest > 0.0]
    centers, axes = drawn.in_object(table_from_object)
    robust = robustness(item.parts, centers, axes, drawn.openings, rng)
    quality = robust.epsilon + _CLOSES * robust.closure
    best = diverse(
        drawn.centers[:, :2],
        drawn.yaws,
        quality,
        most=config.grasps,
        separation=config.separation,
    )
    rows = np.column_stack([drawn.centers[:, :2], drawn.tips, drawn.yaws, drawn.openings, quality])
    found = np.zeros((config.grasps, 6))
    found[:, -1] = -np.inf
    found[: len(best)] = rows[best]
    return found


def _different(
    item: ObjectModel, config: KnownConfig
) -> Iterator[tuple[FloatArray, FloatArray, NDArray[np.float32]]]:
    """table_from_object, middle and patch of the likeliest poses that look different from above,
    turned as they may be."""
    kept: list[NDArray[np.float32]] = []
    for lies in stable_poses(item)[: _TRIED_POSES * config.poses]:
        middle = middle_of(known_patch(item, lies.table_from_object, np.zeros(2)))
        patch = known_patch(item, lies.table_from_object, middle)
        seen = coarse(patch[None])[0]
        if any(differences(seen, one, _MOST).min() < config.apart for one in kept):
            continue
        kept.append(coarse(seen_patches(as_map(patch), np.zeros(2), _TURNS)))
        yield lies.table_from_object, middle, patch
        if len(kept) == config.poses:
            return
