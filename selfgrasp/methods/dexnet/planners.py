"""Which grasps a plan scores: antipodal pairs and others spread over the objects, those that the
cross-entropy method finds, or a grid over the whole picture (`config.Planner`)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from selfgrasp.methods.dexnet.scene import Judged, Poses, Scene
from selfgrasp.methods.dexnet.slide import slid
from selfgrasp.vision import closings, diverse
from selfgrasp.vision.cem import around_elites

_ROUNDS, _SAMPLES, _ELITES = 3, 100, 25
_DEVIATION = np.array([0.008, 0.008, 0.3, 0.008])
"""m, m, rad, m, of samples around an elite in the second round; halved in each further one."""
_LEAST_DEPTH = 0.002
"""m of something above the fingertips, from which on a grasp has something between its fingers."""
_MEASURED = 64
"""Of what a planner finds, so many are measured on the map."""
_COMPARED = 1_000
"""So many of the best are looked through for those that differ."""
_LANDS = 2.0
"""Logits that a grasp loses whose fingers would land on something that is seen."""


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
    """Antipodal pairs, and grasps spread over the objects (sample and rank)."""
    return _settled(scene, scene.judge(scene.pairs()))


def cem(scene: Scene, rng: np.random.Generator) -> Found:
    """Three rounds of the cross-entropy method, from the grasps of `rank` on."""
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
    return _settled(scene, found)


def dense(scene: Scene, rng: np.random.Generator) -> Found:
    """The network slid over the picture, turned to 16 angles; as `rank` where it finds nothing."""
    found = slid(scene)
    return _settled(scene, found) if len(found.poses) else rank(scene, rng)


def _settled(scene: Scene, found: Judged) -> Found:
    """The best of what was found, moved to the middle of what they close on, since fingers open no
    wider than what is beside it allows, and scored again in all mirrorings. Those between whose
    fingers the map has nothing that fits are left out, and those whose fingers would land on what
    it shows lose."""
    spec, first = scene.context.spec, np.argsort(-found.values, kind="stable")[:_COMPARED]
    poses = found.poses.take(first)
    best = diverse(
        poses.xy, poses.yaw, found.values[first], most=_MEASURED, separation=0.012, another_yaw=0.25
    )
    poses = poses.take(best)
    met = closings(scene.map, poses.xy, poses.yaw, spec.gripper, spec.workspace, z=poses.z)
    fits = np.isfinite(met.width) & (met.depth > _LEAST_DEPTH)
    if not fits.any():
        # The map may be wrong; giving up is no better than failing.
        fits = np.ones_like(fits)
    middle = scene.inside(Poses(met.xy, poses.yaw, poses.z)).take(fits)
    judged = scene.judge(middle, mirrored=True)
    lands = met.gap[fits] < 0.0
    return Found(replace(judged, values=judged.values - _LANDS * lands), found)
