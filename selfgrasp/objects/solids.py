"""Geometry of one convex part, in closed form: mass properties, support, inside test, area."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse
from selfgrasp.objects.hulls import MassProperties, polyhedron_mass, sphere_directions
from selfgrasp.objects.part import Part, Shape

_COPLANAR = 1e-5
_ROUND, _BALL = 48, 256
"""Corners of the polygon and of the ball that stand for what is round."""


def mass_properties(part: Part) -> MassProperties:
    """Volume, center and inertia of a part at density 1, in the object's frame."""
    local = _local_mass(part)
    rotation = part.object_from_part[:3, :3]
    return MassProperties(
        local.volume,
        apply(part.object_from_part, local.center),
        rotation @ local.inertia @ rotation.T,
    )


def _local_mass(part: Part) -> MassProperties:
    a, b, c = part.size
    match part.shape:
        case Shape.BOX:
            volume, factors = (
                8.0 * a * b * c,
                np.array([b * b + c * c, a * a + c * c, a * a + b * b]) / 3.0,
            )
        case Shape.SPHERE:
            volume, factors = 4.0 / 3.0 * math.pi * a**3, np.full(3, 0.4 * a * a)
        case Shape.ELLIPSOID:
            volume, factors = (
                4.0 / 3.0 * math.pi * a * b * c,
                np.array([b * b + c * c, a * a + c * c, a * a + b * b]) / 5.0,
            )
        case Shape.CYLINDER:
            volume, across = 2.0 * math.pi * a * a * b, a * a / 4.0 + b * b / 3.0
            factors = np.array([across, across, a * a / 2.0])
        case Shape.CAPSULE:
            return _capsule_mass(a, b)
        case Shape.MESH:
            return polyhedron_mass(part.hull.vertices, part.hull.faces)
    return MassProperties(volume, np.zeros(3), volume * np.diag(factors))


def _capsule_mass(radius: float, half: float) -> MassProperties:
    """A cylinder and two hemispheres, whose centers lie 3/8 of the radius beyond the cylinder's
    ends."""
    tube, ball = 2.0 * math.pi * radius**2 * half, 4.0 / 3.0 * math.pi * radius**3
    along = tube * radius**2 / 2.0 + 0.4 * ball * radius**2
    across = tube * (radius**2 / 4.0 + half**2 / 3.0) + ball * (
        0.4 * radius**2 + half**2 + 0.75 * half * radius
    )
    return MassProperties(tube + ball, np.zeros(3), np.diag([across, across, along]))


def reach(part: Part, direction: FloatArray) -> float:
    """The largest m that the part reaches along a unit direction (3,) of the object's frame."""
    along = part.object_from_part[:3, :3].T @ direction
    a, b, _ = part.size
    match part.shape:
        case Shape.BOX:
            local = float(np.abs(along) @ part.size)
        case Shape.SPHERE:
            local = float(a)
        case Shape.ELLIPSOID:
            local = float(np.linalg.norm(along * part.size))
        case Shape.CYLINDER:
            local = float(a * math.hypot(along[0], along[1]) + b * abs(along[2]))
        case Shape.CAPSULE:
            local = float(a + b * abs(along[2]))
        case Shape.MESH:
            local = float((part.hull.vertices @ along).max())
    return float(part.object_from_part[:3, 3] @ direction) + local


def radius_about_origin(part: Part) -> float:
    """The distance m from the object's origin to the farthest point of the part (an upper bound for
    an ellipsoid, exact otherwise)."""
    center = part.object_from_part[:3, :3].T @ part.object_from_part[:3, 3]
    a, b, _ = part.size
    match part.shape:
        case Shape.BOX:
            return float(np.linalg.norm(np.abs(center) + part.size))
        case Shape.SPHERE | Shape.ELLIPSOID:
            return float(np.linalg.norm(center) + part.size.max())
        case Shape.CYLINDER:
            return math.hypot(math.hypot(center[0], center[1]) + a, abs(center[2]) + b)
        case Shape.CAPSULE:
            return float(math.hypot(center[0], center[1], abs(center[2]) + b) + a)
        case Shape.MESH:
            return float(np.linalg.norm(part.hull.vertices + center, axis=1).max())


def contains(part: Part, points: FloatArray) -> NDArray[np.bool_]:
    """(N,) whether points (N, 3) m of the object's frame lie strictly inside the part."""
    local = apply(inverse(part.object_from_part), points)
    a, b, _ = part.size
    match part.shape:
        case Shape.BOX:
            inside = (np.abs(local) < part.size).all(axis=1)
        case Shape.SPHERE:
            inside = np.linalg.norm(local, axis=1) < a
        case Shape.ELLIPSOID:
            inside = np.linalg.norm(local / part.size, axis=1) < 1.0
        case Shape.CYLINDER:
            inside = (np.hypot(local[:, 0], local[:, 1]) < a) & (np.abs(local[:, 2]) < b)
        case Shape.CAPSULE:
            axis_point = np.zeros_like(local)
            axis_point[:, 2] = local[:, 2].clip(-b, b)
            inside = np.linalg.norm(local - axis_point, axis=1) < a
        case Shape.MESH:
            corners, normals = part.hull.vertices[part.hull.faces[:, 0]], face_normals(part)
            inside = (local @ normals.T < np.einsum("ij,ij->i", normals, corners)).all(axis=1)
    return np.asarray(inside)


def face_normals(part: Part) -> FloatArray:
    """(F, 3) outward normals of a mesh's faces, of twice their area."""
    a, b, c = (part.hull.vertices[part.hull.faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def planes(part: Part) -> tuple[FloatArray, FloatArray]:
    """Outward unit normals (P, 3) and offsets (P,) of a mesh's planes, those of coplanar triangles
    once: inside, `normals @ point <= offsets`."""
    corners, normals = part.hull.vertices, face_normals(part)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = np.einsum("fi,fi->f", normals, corners[part.hull.faces[:, 0]])
    keys = np.round(np.column_stack([normals, offsets / np.ptp(corners)]) / _COPLANAR)
    _, once = np.unique(keys, axis=0, return_index=True)
    return normals[once], offsets[once]


def area(part: Part) -> float:
    """The surface m^2 of a part (of an ellipsoid within 1.1 %, by Thomsen's formula)."""
    a, b, c = part.size
    match part.shape:
        case Shape.BOX:
            return float(8.0 * (a * b + b * c + c * a))
        case Shape.SPHERE:
            return float(4.0 * math.pi * a * a)
        case Shape.ELLIPSOID:
            p = 1.6075
            return float(
                4.0 * math.pi * (((a * b) ** p + (b * c) ** p + (c * a) ** p) / 3.0) ** (1.0 / p)
            )
        case Shape.CYLINDER:
            return float(2.0 * math.pi * a * (a + 2.0 * b))
        case Shape.CAPSULE:
            return float(4.0 * math.pi * a * (a + b))
        case Shape.MESH:
            return float(np.linalg.norm(face_normals(part), axis=1).sum() / 2.0)


def corners(part: Part) -> FloatArray:
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
