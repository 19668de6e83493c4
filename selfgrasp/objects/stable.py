"""Stable poses: how an object can lie on a table, and how likely each way is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, pose
from selfgrasp.objects.hulls import sphere_directions
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.part import Part, Shape

LEAST_PROBABILITY = 0.01
"""As published: rarer poses are left out."""
_ROUND = 48
_BALL = 256


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
    corners = np.concatenate([_corners(part) for part in item.parts])
    hull = trimesh.convex.convex_hull(corners)
    found, probabilities = trimesh.poses.compute_stable_poses(hull, center_mass=np.zeros(3))
    kept = probabilities >= least_probability
    if probabilities[kept].sum() < 0.5:
        kept[:] = True
    shares = probabilities[kept] / probabilities[kept].sum()
    poses = []
    for matrix, share in zip(found[kept], shares, strict=True):
        turn = matrix[:3, :3]
        height = -float((corners @ turn[2]).min())
        poses.append(StablePose(pose(rotation=turn, translation=(0.0, 0.0, height)), float(share)))
    return tuple(poses)


def _corners(part: Part) -> FloatArray:
    """(N, 3) points on a part, in the object's frame, whose hull is the part, or nearly where it is
    round."""
    a, b, _ = part.size
    angles = 2 * np.pi * np.arange(_ROUND) / _ROUND
    match part.shape:
        case Shape.BOX:
            local = part.size * np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
        case Shape.SPHERE:
            local = a * sphere_directions(_BALL)
        case Shape.ELLIPSOID:
            local = part.size * sphere_directions(_BALL)
        case Shape.CYLINDER:
            ring = np.column_stack([a * np.cos(angles), a * np.sin(angles), np.full(_ROUND, b)])
            local = np.concatenate([ring, ring * (1.0, 1.0, -1.0)])
        case Shape.CAPSULE:
            ball = a * sphere_directions(_BALL)
            local = ball + np.where(ball[:, 2:] > 0.0, b, -b) * [0.0, 0.0, 1.0]
        case Shape.MESH:
            local = part.hull.vertices
    return apply(part.object_from_part, local)
