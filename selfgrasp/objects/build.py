"""Short ways to make parts: placed primitives, hulls, solids and rings of revolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose
from selfgrasp.objects.hulls import convex_hull, polyhedron_mass
from selfgrasp.objects.part import Part, Shape

Vector = Sequence[float] | FloatArray
ALONG_X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""(3, 3) rotation that lays a shape's z axis along x."""
ALONG_Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""(3, 3) rotation that lays a shape's z axis along y."""


def box(
    sides: Vector,
    at: Vector,
    color: Vector,
    *,
    rotation: ArrayLike | None = None,
    density: float = 1.0,
) -> Part:
    """A box of full sides (3,) m with its middle at `at` (3,) m."""
    return _primitive(Shape.BOX, np.asarray(sides) / 2.0, at, color, rotation, density)


def ellipsoid(axes: Vector, at: Vector, color: Vector, *, density: float = 1.0) -> Part:
    """An ellipsoid of semi-axes (3,) m; a sphere where they are equal."""
    if axes[0] == axes[1] == axes[2]:
        return _primitive(Shape.SPHERE, (axes[0], 0.0, 0.0), at, color, None, density)
    return _primitive(Shape.ELLIPSOID, axes, at, color, None, density)


def cylinder(
    radius: float,
    height: float,
    at: Vector,
    color: Vector,
    *,
    rotation: ArrayLike | None = None,
    density: float = 1.0,
) -> Part:
    """A cylinder along z, or along the rotated z."""
    return _primitive(Shape.CYLINDER, (radius, height / 2.0, 0.0), at, color, rotation, density)


def capsule(
    radius: float,
    length: float,
    at: Vector,
    color: Vector,
    *,
    rotation: ArrayLike | None = None,
    density: float = 1.0,
) -> Part:
    """A capsule along z, or along the rotated z; `length` m is from end to end and exceeds twice
    the radius."""
    return _primitive(
        Shape.CAPSULE, (radius, length / 2.0 - radius, 0.0), at, color, rotation, density
    )


def _primitive(
    shape: Shape,
    size: ArrayLike,
    at: Vector,
    color: Vector,
    rotation: ArrayLike | None,
    density: float,
) -> Part:
    return Part(
        shape,
        np.asarray(size),
        pose(rotation=rotation, translation=at),
        np.asarray(color),
        density=density,
    )


def hull(points: FloatArray, color: Vector, *, density: float = 1.0) -> Part:
    """The convex hull of points (N, 3) m; the part's origin is the hull's centroid.

    Raises:
        InputError: points without volume.
    """
    solid = convex_hull(points)
    center = polyhedron_mass(solid.vertices, solid.faces).center
    return Part(
        Shape.MESH,
        np.zeros(3),
        pose(translation=center),
        np.asarray(color),
        solid.vertices - center,
        solid.faces,
        density,
    )


def frustum(
    bottom: float,
    top: float,
    low: float,
    high: float,
    color: Vector,
    *,
    sides: int = 20,
    rotation: ArrayLike | None = None,
    density: float = 1.0,
) -> Part:
    """A polygon of `sides` corners about z, or about the rotated z, from radius `bottom` m at z =
    `low` m to radius `top` at `high`."""
    corners = np.concatenate([_circle(bottom, low, sides), _circle(top, high, sides)])
    return hull(
        corners if rotation is None else corners @ np.transpose(rotation), color, density=density
    )


def revolve(
    profile: Sequence[tuple[float, float]], pieces: int, color: Vector, *, density: float = 1.0
) -> list[Part]:
    """A ring about z in `pieces` convex parts that meet face to face.

    Args:
        profile: corners (radius m, z m) of a convex cross-section that does not cross the axis.
        pieces: parts of the ring; corners lie at angles 0, 2 pi / pieces, ...
        color: (3,) in 0..1.
        density: relative.
    """
    rings = np.stack([_circle(radius, z, pieces) for radius, z in profile], axis=1)
    return [
        hull(np.concatenate([rings[i], rings[(i + 1) % pieces]]), color, density=density)
        for i in range(pieces)
    ]


def _circle(radius: float, z: float, sides: int) -> FloatArray:
    angle = 2.0 * math.pi * np.arange(sides) / sides
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(sides, z)])
