"""Ways to make an object hard to grasp on purpose; each gives None where it does not suit the
object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.objects import build
from selfgrasp.objects.families.draw import MIN_SIDE, Ranges
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.solids import reach

# How far a wide object's decisive side exceeds the gripper's opening.
_EXCESS = (1.04, 1.2)


def extents_of(parts: Sequence[Part]) -> FloatArray:
    """(3,) m sides of the box that bounds the parts."""
    axes = np.eye(3)
    return np.array(
        [max(reach(p, a) for p in parts) + max(reach(p, -a) for p in parts) for a in axes]
    )


def widened(
    parts: Sequence[Part], rng: np.random.Generator, ranges: Ranges, *, sides: int
) -> list[Part] | None:
    """The parts enlarged until `sides` (2 or 3) of their extents exceed the gripper's opening; None
    if that makes them too long or was so before."""
    ordered = np.sort(extents_of(parts))
    factor = ranges.opening * rng.uniform(*_EXCESS) / ordered[3 - sides]
    if factor <= 1.0 or factor * ordered[2] > ranges.longest:
        return None
    return [scaled(part, factor) for part in parts]


def scaled(part: Part, factor: float) -> Part:
    """The part enlarged about the object's origin."""
    placed = part.object_from_part.copy()
    placed[:3, 3] *= factor
    vertices = None if part.vertices is None else part.vertices * factor
    return replace(part, size=part.size * factor, object_from_part=placed, vertices=vertices)


def flattened(parts: Sequence[Part], rng: np.random.Generator, ranges: Ranges) -> list[Part] | None:
    """The parts squeezed along z to a flat height; None for vessels and for parts that a squeeze
    would turn into another shape."""
    height = extents_of(parts)[2]
    factor = rng.uniform(*ranges.flat) / height
    if len(parts) > 4 or factor >= 1.0:
        return None
    squeezed = [part for part in (_squeezed(part, factor) for part in parts) if part is not None]
    thinnest = min((extents_of([part])[2] for part in squeezed), default=0.0)
    return squeezed if len(squeezed) == len(parts) and thinnest >= MIN_SIDE else None


def _squeezed(part: Part, factor: float) -> Part | None:
    upright = np.allclose(part.object_from_part[:3, :3], np.eye(3))
    if part.shape is Shape.MESH and part.vertices is not None:
        return build.hull(
            apply(part.object_from_part, part.vertices) * (1.0, 1.0, factor),
            part.color,
            density=part.density,
        )
    if not upright:
        return None
    placed = part.object_from_part.copy()
    placed[2, 3] *= factor
    a, b, c = part.size
    match part.shape:
        case Shape.BOX | Shape.ELLIPSOID:
            return replace(part, size=np.array([a, b, c * factor]), object_from_part=placed)
        case Shape.SPHERE:
            return replace(
                part,
                shape=Shape.ELLIPSOID,
                size=np.array([a, a, a * factor]),
                object_from_part=placed,
            )
        case Shape.CYLINDER:
            return replace(part, size=np.array([a, b * factor, 0.0]), object_from_part=placed)
    return None


def end_loaded(
    parts: Sequence[Part], rng: np.random.Generator, ranges: Ranges
) -> list[Part] | None:
    """The part farthest along the longest extent made of heavier stuff; None for a single part or a
    ring of many."""
    if not 2 <= len(parts) <= 4:
        return None
    axis = np.eye(3)[int(np.argmax(extents_of(parts)))]
    far = int(np.argmax([part.object_from_part[:3, 3] @ axis for part in parts]))
    heavy = replace(parts[far], density=rng.uniform(*ranges.head))
    return [heavy if index == far else part for index, part in enumerate(parts)]
