"""Points spread evenly over the outside of an object, with normals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.core.pose import apply
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.solids import area, contains, face_normals

# A point counts as outside when a step this long off the surface meets no other part: two parts
# that touch hide their common face.
_OFF_SURFACE = 1e-4


@dataclass(frozen=True, eq=False)
class Surface:
    """Points (N, 3) float64 m and outward unit normals (N, 3), in the object's frame."""

    points: FloatArray
    normals: FloatArray


def sample_surface(parts: Sequence[Part], count: int, rng: np.random.Generator) -> Surface:
    """`count` points on the union of the parts, uniform over its area; points inside another part
    are left out."""
    areas = np.array([area(part) for part in parts])
    found: list[Surface] = []
    missing = count
    while missing > 0:
        shares = rng.multinomial(2 * missing + 16, areas / areas.sum())
        drawn = [
            _outside(parts, index, _sample(parts[index], int(share), rng))
            for index, share in enumerate(shares)
            if share
        ]
        points, normals = (
            np.concatenate([s.points for s in drawn]),
            np.concatenate([s.normals for s in drawn]),
        )
        keep = rng.permutation(len(points))[:missing]
        found.append(Surface(points[keep], normals[keep]))
        missing -= len(keep)
    if not found:
        return Surface(np.empty((0, 3)), np.empty((0, 3)))
    return Surface(
        np.concatenate([s.points for s in found]), np.concatenate([s.normals for s in found])
    )


def _outside(parts: Sequence[Part], own: int, surface: Surface) -> Surface:
    outer = surface.points + _OFF_SURFACE * surface.normals
    visible = np.ones(len(outer), dtype=bool)
    for index, part in enumerate(parts):
        if index != own:
            visible &= ~contains(part, outer)
    return Surface(surface.points[visible], surface.normals[visible])


def _sample(part: Part, count: int, rng: np.random.Generator) -> Surface:
    match part.shape:
        case Shape.BOX:
            local = _sample_box(part.size, count, rng)
        case Shape.SPHERE:
            normals = unit(rng.normal(size=(count, 3)))
            local = Surface(normals * part.size[0], normals)
        case Shape.ELLIPSOID:
            local = _sample_ellipsoid(part.size, count, rng)
        case Shape.CYLINDER:
            local = _sample_cylinder(part.size[0], part.size[1], count, rng)
        case Shape.CAPSULE:
            local = _sample_capsule(part.size[0], part.size[1], count, rng)
        case Shape.MESH:
            local = _sample_mesh(part, count, rng)
    return Surface(
        apply(part.object_from_part, local.points), local.normals @ part.object_from_part[:3, :3].T
    )


def _sample_box(half: FloatArray, count: int, rng: np.random.Generator) -> Surface:
    face_areas = np.array([half[1] * half[2], half[2] * half[0], half[0] * half[1]])
    axis = rng.choice(3, size=count, p=face_areas / face_areas.sum())
    normals = np.zeros((count, 3))
    normals[np.arange(count), axis] = rng.choice([-1.0, 1.0], size=count)
    points = rng.uniform(-1.0, 1.0, size=(count, 3))
    points[np.arange(count), axis] = normals[np.arange(count), axis]
    return Surface(points * half, normals)


def _sample_ellipsoid(axes: FloatArray, count: int, rng: np.random.Generator) -> Surface:
    """Points of the unit sphere are stretched; those where the stretch makes less area are kept
    less often."""
    kept = np.empty((0, 3))
    while len(kept) < count:
        sphere = unit(rng.normal(size=(2 * count + 16, 3)))
        stretch = np.linalg.norm(sphere / axes, axis=1) * axes.min()
        kept = np.concatenate([kept, sphere[rng.random(len(sphere)) < stretch]])
    return Surface(kept[:count] * axes, unit(kept[:count] / axes))


def _sample_cylinder(radius: float, half: float, count: int, rng: np.random.Generator) -> Surface:
    angle = rng.uniform(0.0, 2.0 * np.pi, count)
    round_ = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(count)])
    side = rng.random(count) < 2.0 * half / (2.0 * half + radius)
    cap = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    distance = np.where(side, radius, radius * np.sqrt(rng.random(count)))
    height = np.where(side, rng.uniform(-half, half, count), half * cap)
    up = np.zeros((count, 3))
    up[:, 2] = cap
    points = round_ * distance[:, None]
    points[:, 2] = height
    return Surface(points, np.where(side[:, None], round_, up))


def _sample_capsule(radius: float, half: float, count: int, rng: np.random.Generator) -> Surface:
    normals = unit(rng.normal(size=(count, 3)))
    side = rng.random(count) < half / (half + radius)
    flat = unit(normals * (1.0, 1.0, 0.0))
    normals = np.where(side[:, None], flat, normals)
    points = radius * normals
    points[:, 2] += np.where(side, rng.uniform(-half, half, count), half * np.sign(normals[:, 2]))
    return Surface(points, normals)


def _sample_mesh(part: Part, count: int, rng: np.random.Generator) -> Surface:
    normals = face_normals(part)
    areas = np.linalg.norm(normals, axis=1)
    face = rng.choice(len(areas), size=count, p=areas / areas.sum())
    weights = rng.dirichlet(np.ones(3), size=count)
    points = np.einsum("nk,nki->ni", weights, part.hull.vertices[part.hull.faces[face]])
    return Surface(points, normals[face] / areas[face, None])
