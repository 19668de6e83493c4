"""An object that can be grasped: convex parts, mass, friction, looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from selfgrasp.core.arrays import FloatArray, checked_number, frozen
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.pose import pose
from selfgrasp.objects.hulls import MassProperties
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.patterns import PATTERNS
from selfgrasp.objects.solids import mass_properties, radius_about_origin, reach
from selfgrasp.objects.surface import Surface, sample_surface

__all__ = ["MAX_PARTS", "ObjectModel", "Part", "Shape", "assemble", "combined_mass", "scaled_parts"]

MAX_PARTS = 12
_CENTER_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """A rigid object, whose frame has its origin at the center of mass; `assemble` moves parts
    there.

    Attributes:
        name: unique within a set, e.g. "mug-0017".
        family: the kind of thing, which serves as its category.
        seed: what the family made it from; None for a mesh from a file.
        parts: 1 to 12 convex parts; where they overlap, mass counts twice.
        mass: kg.
        friction: sliding coefficient.
        pattern: a name from `PATTERNS`.

    Raises:
        InputError: a value out of range, too many parts, or an origin that is not the center of
            mass.
    """

    name: str
    family: str
    seed: int | None
    parts: tuple[Part, ...]
    mass: float
    friction: float
    pattern: str = "plain"

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= MAX_PARTS:
            raise InputError(
                given=f"object {self.name!r} of {len(self.parts)} parts",
                wanted=f"1 to {MAX_PARTS} parts",
            )
        checked_number(self.mass, 1e-4, 100.0, "mass")
        checked_number(self.friction, 0.0, 10.0, "friction")
        if self.pattern not in PATTERNS:
            raise unknown_name("pattern", self.pattern, PATTERNS)
        if np.linalg.norm(self._density_one.center) > _CENTER_TOLERANCE:
            raise InputError(
                given=f"object {self.name!r} with its center of mass at "
                f"{self._density_one.center} m",
                wanted="the origin; see `assemble`",
            )

    @cached_property
    def _density_one(self) -> MassProperties:
        return combined_mass(self.parts)

    @cached_property
    def _principal(self) -> tuple[FloatArray, FloatArray]:
        """Moments of a body of density one, largest first, and a right-handed (3, 3) matrix of
        their axes."""
        moments, axes = np.linalg.eigh(self._density_one.inertia)
        axes = axes[:, ::-1] * (1.0, 1.0, np.sign(np.linalg.det(axes[:, ::-1])))
        return moments[::-1], axes

    @property
    def volume(self) -> float:
        """Sum of the parts' volumes, m^3, each weighted with its relative density."""
        return self._density_one.volume

    @cached_property
    def inertia(self) -> FloatArray:
        """(3,) kg m^2 principal moments, largest first."""
        return frozen(self.mass / self.volume * self._principal[0])

    @cached_property
    def object_from_principal(self) -> FloatArray:
        """(4, 4) frame of the principal axes."""
        return frozen(pose(rotation=self._principal[1]))

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 3) m: lowest and highest coordinates in the object's frame."""
        axes = np.eye(3)
        high = [max(reach(part, axis) for part in self.parts) for axis in axes]
        low = [-max(reach(part, -axis) for part in self.parts) for axis in axes]
        return frozen(np.array([low, high]))

    @property
    def extents(self) -> FloatArray:
        """(3,) m: sides of the box that bounds the object, along its frame's axes."""
        return frozen(self.bounds[1] - self.bounds[0])

    @cached_property
    def bounding_radius(self) -> float:
        """m: a sphere of this radius about the origin holds the object."""
        return max(radius_about_origin(part) for part in self.parts)

    def surface(self, count: int, rng: np.random.Generator) -> Surface:
        """`count` points with outward normals, uniform over the outer surface, in the object's
        frame."""
        return sample_surface(self.parts, count, rng)

    def surface_points(self, count: int, rng: np.random.Generator) -> FloatArray:
        """(count, 3) m points, uniform over the outer surface, in the object's frame."""
        return self.surface(count, rng).points


def combined_mass(parts: Sequence[Part]) -> MassProperties:
    """Volume (weighted with the parts' relative densities), center and inertia about it, of the
    parts together."""
    each = [mass_properties(part) for part in parts]
    weights = np.array([part.density * m.volume for part, m in zip(parts, each, strict=True)])
    center = np.asarray(weights @ np.array([m.center for m in each]) / weights.sum())
    inertia = np.zeros((3, 3))
    for part, m, weight in zip(parts, each, weights, strict=True):
        offset = m.center - center
        inertia += part.density * m.inertia + weight * (
            offset @ offset * np.eye(3) - np.outer(offset, offset)
        )
    return MassProperties(float(weights.sum()), center, inertia)


def assemble(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same parts in a frame whose origin is their center of mass; directions stay."""
    object_from_old = pose(translation=-combined_mass(parts).center)
    return tuple(
        replace(part, object_from_part=object_from_old @ part.object_from_part) for part in parts
    )


def scaled_parts(parts: Sequence[Part], factor: float) -> tuple[Part, ...]:
    """The same parts, `factor` times as large about the origin of their frame."""
    growth = np.ones((4, 4))
    growth[:3, 3] = factor
    return tuple(
        replace(
            part,
            size=part.size * factor,
            object_from_part=part.object_from_part * growth,
            vertices=None if part.vertices is None else part.vertices * factor,
        )
        for part in parts
    )
