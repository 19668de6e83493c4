"""Which grasps a plan scores: antipodal pairs, those that the cross-entropy method finds, or a grid
over the whole picture (`config.Planner`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.methods.dexnet.scene import Judged, Poses, Scene
from selfgrasp.methods.dexnet.slide import slid
from selfgrasp.vision import closings, diverse
from selfgrasp.vision.cem import around_elites

_ROUNDS, _SAMPLES, _ELITES = 3, 100, 25
_DEVIATION = np.array([0.008, 0.008, 0.3, 0.008])
"""m, m, rad, m, of samples around an elite in the second round; halved in each further one."""
_LEAST_DEPTH = 0.002
_REFINED = 64
"""Places of a dense plan that are scored again."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a planner gives.

    Attributes:
        grasps: that may be done.
        shown: everything that was scored, for the map.
    """

    grasps: Judged
    shown: Judged


def rank(scene: Scene, rng: np.random.Generator) -> Found:
    """Antipodal pairs (sample and rank)."""
    pairs = scene.judge(scene.pairs())
    return Found(pairs, pairs)


def cem(scene: Scene, rng: np.random.Generator) -> Found:
    """Three rounds of the cross-entropy method, from antipodal pairs on."""
    pairs = scene.pairs()
    if not len(pairs):
        return rank(scene, rng)
    kept = rng.choice(len(pairs), min(_SAMPLES, len(pairs)), replace=False)
    found = scene.judge(pairs.take(kept))
    for number in range(1, _ROUNDS):
        drawn = around_elites(
            found.poses.table,
            found.values,
            elites=_ELITES,
            count=_SAMPLES,
            deviation=_DEVIATION / 2 ** (number - 1),
            rng=rng,
        )
        found = Judged.joined([found, scene.judge(scene.inside(Poses.of(drawn)))])
    return Found(found, found)


def dense(scene: Scene, rng: np.random.Generator) -> Found:
    """The network slid over the picture, turned to 16 angles; the best places moved to the middle
    of what they close on and scored again, with a crop of their own. Those between whose fingers
    the map has nothing that fits are left out."""
    grid = slid(scene)
    if not len(grid.poses):
        return Found(grid, grid)
    best = diverse(
        grid.poses.xy,
        grid.poses.yaw,
        grid.values,
        most=_REFINED,
        separation=0.012,
        another_yaw=0.25,
    )
    spec, poses = scene.context.spec, grid.poses.take(best)
    moved = closings(scene.map, poses.xy, poses.yaw, spec.gripper, spec.workspace, z=poses.z)
    fits = np.isfinite(moved.width) & (moved.depth > _LEAST_DEPTH)
    middle = scene.inside(Poses(moved.xy, poses.yaw, poses.z))
    again = Judged.joined([scene.judge(poses.take(fits)), scene.judge(middle.take(fits))])
    return Found(again, grid)
