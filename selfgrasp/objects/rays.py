"""Where rays meet convex shapes, in NumPy: the rays of a rectangle of a picture at once.

Shapes: M rays in the rectangle of one shape, F faces of a convex mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects.part import Shape

MISS = np.inf
FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class ConvexMesh:
    """The planes of a convex mesh: inside, `normals @ point <= offsets`. (F, 3) unit and (F,) m,
    with the box that holds it, (3,) and (3,) m."""

    normals: FloatArray
    offsets: FloatArray
    middle: FloatArray
    half: FloatArray


@dataclass(frozen=True, eq=False)
class Entered:
    """Where the rays of one shape's rectangle enter it, both (rows, columns).

    Attributes:
        depth: m along the optical axis, infinite for a miss.
        face: of a convex mesh; of a box 0 to 5 for +x, +y, +z, -x, -y, -z; 0 elsewhere.
    """

    depth: FloatArray
    face: NDArray[np.int64] | int


def meet(
    shape: Shape,
    size: FloatArray,
    mesh: ConvexMesh | None,
    origin: FloatArray,
    turn: FloatArray,
    x: FloatArray,
    y: FloatArray,
) -> Entered:
    """Where rays enter a shape; from inside nothing is met, as OpenGL culls back faces.

    Args:
        shape: which.
        size: (3,) m, as in `Part`.
        mesh: its planes, for a mesh.
        origin: (3,) m, the eye in the shape's frame.
        turn: (3, 3) from the camera's axes to the shape's.
        x: (columns,) what the rays (x, y, 1) of the rectangle have along the camera's x.
        y: (rows,) and along its y.
    """
    if mesh is not None:
        return _meet_planes(mesh, origin, turn, x, y)
    rays = [turn[k, 0] * x + (turn[k, 1] * y[:, None] + turn[k, 2]) for k in range(3)]
    match shape:
        case Shape.BOX:
            return _meet_slabs(size, origin, rays)
        case Shape.CYLINDER:
            return Entered(_meet_cylinder(size, origin, *rays), 0)
        case Shape.CAPSULE:
            return Entered(_meet_capsule(size, origin, *rays), 0)
    axes = np.full(3, size[0]) if shape is Shape.SPHERE else size
    return Entered(
        _enter_ball(origin / axes, rays[0] / axes[0], rays[1] / axes[1], rays[2] / axes[2], 1.0), 0
    )


def positive(t: FloatArray, hit: NDArray[np.bool_]) -> FloatArray:
    """Lengths where a ray hits something in front of the eye, infinite elsewhere."""
    return np.where(hit & (t > 0.0), t, MISS)


def _enter_ball(
    o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray, radius: float
) -> FloatArray:
    a = x * x + y * y + z * z
    b = o[0] * x + o[1] * y + o[2] * z
    root = b * b - a * (o @ o - radius * radius)
    return positive((-b - np.sqrt(np.maximum(root, 0.0))) / a, root > 0.0)


def _meet_slabs(size: FloatArray, o: FloatArray, rays: list[FloatArray]) -> Entered:
    enter, leave = np.full(rays[0].shape, -MISS), np.full(rays[0].shape, MISS)
    face = np.zeros(rays[0].shape, dtype=np.int64)
    for axis, (half, start, along) in enumerate(zip(size, o, rays, strict=True)):
        inverse = 1.0 / np.where(np.abs(along) < FLAT, FLAT, along)
        middle, reach = -start * inverse, half * np.abs(inverse)
        low = middle - reach
        face[low > enter] = axis + 3 * (start < 0)
        np.maximum(enter, low, out=enter)
        np.minimum(leave, middle + reach, out=leave)
    return Entered(positive(enter, enter <= leave), face)


def _enter_tube(
    radius: float, o: FloatArray, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lengths at which rays enter and leave the endless cylinder about z; enter > leave for a
    miss."""
    a = np.maximum(x * x + y * y, FLAT)
    b = o[0] * x + o[1] * y
    root = b * b - a * (o[0] * o[0] + o[1] * o[1] - radius * radius)
    hit, step = root > 0.0, np.sqrt(np.maximum(root, 0.0))
    return np.where(hit, (-b - step) / a, MISS), np.where(hit, (-b + step) / a, -MISS)


def _meet_cylinder(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    enter, leave = _enter_tube(float(size[0]), o, x, y)
    inverse = 1.0 / np.where(np.abs(z) < FLAT, FLAT, z)
    middle, reach = -o[2] * inverse, size[1] * np.abs(inverse)
    enter, leave = np.maximum(enter, middle - reach), np.minimum(leave, middle + reach)
    return positive(enter, enter <= leave)


def _meet_capsule(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    radius, half = float(size[0]), float(size[1])
    enter, leave = _enter_tube(radius, o, x, y)
    t = positive(
        enter,
        (enter <= leave) & (np.abs(o[2] + np.where(np.isfinite(enter), enter, 0.0) * z) <= half),
    )
    for end in (-half, half):
        cap = _enter_ball(o - (0.0, 0.0, end), x, y, z, radius)
        # The half of the ball inside the tube's ends is inside the capsule; a ray enters it only
        # after it entered the capsule.
        np.minimum(t, cap, out=t)
    return t


def _meet_planes(
    mesh: ConvexMesh, o: FloatArray, turn: FloatArray, x: FloatArray, y: FloatArray
) -> Entered:
    """A ray meets a plane at 1 / q, and q is linear in the pixel: it enters by the smallest q of
    the planes that the eye is outside of."""
    gap = mesh.offsets - mesh.normals @ o
    gap = np.where(np.abs(gap) < FLAT, FLAT, gap)
    slope = ((mesh.normals @ turn) / gap[:, None]).astype(np.float32)
    along_x, along_y = (
        slope[:, :1] * x.astype(np.float32),
        slope[:, 1:2] * y.astype(np.float32) + slope[:, 2:],
    )
    outside = np.flatnonzero(gap < 0.0)
    if not len(outside):
        return Entered(np.full((len(y), len(x)), MISS), 0)
    q = along_x[outside, None, :] + along_y[outside, :, None]
    which = q.argmin(axis=0)
    enter = np.take_along_axis(q, which[None], axis=0)[0]
    inside = np.flatnonzero(gap > 0.0)
    leave = (along_x[inside, None, :] + along_y[inside, :, None]).max(axis=0, initial=0.0)
    hit = (enter > 0.0) & (enter >= leave)
    return Entered(
        np.where(hit, 1.0 / np.where(hit, enter, 1.0), MISS).astype(np.float64), outside[which]
    )
