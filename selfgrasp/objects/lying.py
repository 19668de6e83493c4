"""Objects as they lie on a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, pose, rotation_about_z
from selfgrasp.objects.model import ObjectModel

_SURFACE_POINTS = 3_000


@dataclass(frozen=True, eq=False)
class Lying:
    """An object as it lies.

    Attributes:
        item: the object.
        table_from_object: (4, 4).
    """

    item: ObjectModel
    table_from_object: FloatArray


def turned(lying: Lying, rng: np.random.Generator) -> Lying:
    """The object turned at random about the vertical through the table's origin."""
    about = pose(rotation=rotation_about_z(rng.uniform(-np.pi, np.pi)))
    return Lying(lying.item, about @ lying.table_from_object)


def surface_of(lying: Lying, rng: np.random.Generator) -> FloatArray:
    """(P, 3) m, points spread over the object's surface, in the frame of the table."""
    points: FloatArray = apply(
        lying.table_from_object, lying.item.surface_points(_SURFACE_POINTS, rng)
    )
    return points
