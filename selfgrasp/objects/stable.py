"""Stable poses: how an object can lie on a table, and how likely each way is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.solids import corners

LEAST_PROBABILITY = 0.01
"""As published: rarer poses are left out."""


@dataclass(frozen=True, eq=False)
class StablePose:
    """A way to lie.

    Attributes:
        table_from_object: (4, 4); the table's surface is z = 0, and the center of mass is above its
            origin.
        probability: of this among all poses that are kept, for an object that is dropped in any
            attitude and topples without momentum.
    """

    table_from_object: FloatArray
    probability: float

    @property
    def height(self) -> float:
        """m of the center of mass above the table."""
        return float(self.table_from_object[2, 3])


def stable_poses(
    item: ObjectModel, least_probability: float = LEAST_PROBABILITY
) -> tuple[StablePose, ...]:
    """The stable poses of an object, the likeliest first (Goldberg et al. 1999, "Part pose
    statistics").

    What is round lies in any of many poses about its axis: those of the facets of the polyhedron
    that stands for it. Where the rare ones are more than half, as a ball's, none is left out.
    """
    points = np.concatenate([corners(part) for part in item.parts])
    hull = trimesh.convex.convex_hull(points)
    found, probabilities = trimesh.poses.compute_stable_poses(hull, center_mass=np.zeros(3))
    kept = probabilities >= least_probability
    if probabilities[kept].sum() < 0.5:
        kept[:] = True
    shares = probabilities[kept] / probabilities[kept].sum()
    poses = []
    for matrix, share in zip(found[kept], shares, strict=True):
        turn = matrix[:3, :3]
        height = -float((points @ turn[2]).min())
        poses.append(StablePose(pose(rotation=turn, translation=(0.0, 0.0, height)), float(share)))
    return tuple(poses)
