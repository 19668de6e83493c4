"""Where two fingers that close along a line meet an object: in closed form, thousands at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.core.pose import apply, inverse
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.quality.epsilon import TwoContacts
from selfgrasp.objects.solids import planes

_FLAT = 1e-12
_INTO = 1e-6
"""m below a surface point, inside of its own part; parts that touch are one solid."""


@dataclass(frozen=True, eq=False)
class Closed:
    """What N pairs of fingers meet.

    Attributes:
        contacts: where, in the object's frame; without meaning where `touching` is false.
        touching: (N,) whether both fingers begin outside of the object and meet it.
    """

    contacts: TwoContacts
    touching: NDArray[np.bool_]


def close_fingers(
    parts: Sequence[Part], centers: FloatArray, axes: FloatArray, opening: FloatArray | float
) -> Closed:
    """What fingers meet that close along lines: the first entry into the union of the parts, and
    the last exit from it.

    Args:
        parts: convex, of one object.
        centers: (N, 3) m, the middle between the open fingers, in the object's frame.
        axes: (N, 3) unit vectors from the first finger to the second.
        opening: m between the open fingers, one or (N,).
    """
    half, count = opening / 2.0, len(centers)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    normals = np.zeros((count, 2, 3))
    free = np.ones(count, dtype=bool)
    for part in parts:
        met = _through(part, centers, axes)
        between = (met.enter < half) & (met.leave > -half)
        free &= ~(between & ((met.enter < -half) | (met.leave > half)))
        earlier, later = between & (met.enter < first), between & (met.leave > last)
        first = np.where(earlier, met.enter, first)
        last = np.where(later, met.leave, last)
        # Into the object: against the outward normal.
        normals[earlier, 0] = -met.enter_normal[earlier]
        normals[later, 1] = -met.leave_normal[later]
    touching = free & (last - first > _INTO)
    places = np.stack([np.where(touching, first, -half), np.where(touching, last, half)], axis=1)
    points = centers[:, None] + places[..., None] * axes[:, None]
    return Closed(TwoContacts(points, normals), touching)


def thickness(parts: Sequence[Part], points: FloatArray, along: FloatArray) -> FloatArray:
    """(N,) m of solid from points (N, 3) on the surface along unit vectors (N, 3) into it, up to
    the first hollow."""
    met = [_through(part, points, along) for part in parts]
    depth = np.full(len(points), _INTO)
    for _ in parts:
        for one in met:
            holds = (one.enter <= depth + _INTO) & (one.leave > depth)
            depth = np.where(holds, one.leave, depth)
    return depth


@dataclass(frozen=True, eq=False)
class _Through:
    """Where N lines enter and leave a convex part, m along each, infinite and reversed where they
    miss it; outward unit normals (N, 3) there, in the object's frame."""

    enter: FloatArray
    leave: FloatArray
    enter_normal: FloatArray
    leave_normal: FloatArray


def _through(part: Part, centers: FloatArray, axes: FloatArray) -> _Through:
    turn = part.object_from_part[:3, :3]
    start, along = apply(inverse(part.object_from_part), centers), axes @ turn
    a, b, _ = part.size
    match part.shape:
        case Shape.BOX:
            normals = np.concatenate([np.eye(3), -np.eye(3)])
            met = _polyhedron(normals, np.tile(part.size, 2), start, along)
        case Shape.MESH:
            met = _polyhedron(*planes(part), start, along)
        case Shape.SPHERE:
            met = _ellipsoid(np.full(3, a), start, along)
        case Shape.ELLIPSOID:
            met = _ellipsoid(part.size, start, along)
        case Shape.CYLINDER:
            met = _both(_tube(a, start, along), _caps(b, start, along))
        case Shape.CAPSULE:
            met = _capsule(a, b, start, along)
    return _Through(met.enter, met.leave, met.enter_normal @ turn.T, met.leave_normal @ turn.T)


def _polyhedron(
    normals: FloatArray, distances: FloatArray, start: FloatArray, along: FloatArray
) -> _Through:
    speed = along @ normals.T
    gap = distances - start @ normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        when = gap / speed
    level = np.abs(speed) < _FLAT
    # A line along a plane is inside of it or outside everywhere.
    when = np.where(level, np.where(gap >= 0.0, np.inf, -np.inf), when)
    entering = np.where(~level & (speed < 0.0), when, -np.inf)
    leaving = np.where(level | (speed > 0.0), when, np.inf)
    first, last = entering.argmax(axis=1), leaving.argmin(axis=1)
    rows = np.arange(len(start))
    return _missing_where_crossed(
        _Through(entering[rows, first], leaving[rows, last], normals[first], normals[last])
    )


def _ellipsoid(axes: FloatArray, start: FloatArray, along: FloatArray) -> _Through:
    origin, ray = start / axes, along / axes
    enter, leave = _roots(
        np.sum(ray * ray, axis=1), np.sum(origin * ray, axis=1), np.sum(origin * origin, axis=1) - 1
    )
    return _Through(
        enter,
        leave,
        unit((start + _finite(enter)[:, None] * along) / axes**2),
        unit((start + _finite(leave)[:, None] * along) / axes**2),
    )


def _tube(radius: float, start: FloatArray, along: FloatArray) -> _Through:
    """A cylinder about z without ends."""
    ray, origin = along[:, :2], start[:, :2]
    enter, leave = _roots(
        np.sum(ray * ray, axis=1),
        np.sum(origin * ray, axis=1),
        np.sum(origin * origin, axis=1) - radius**2,
    )
    flat = np.array([1.0, 1.0, 0.0])
    return _Through(
        enter,
        leave,
        unit((start + _finite(enter)[:, None] * along) * flat),
        unit((start + _finite(leave)[:, None] * along) * flat),
    )


def _caps(half: float, start: FloatArray, along: FloatArray) -> _Through:
    """What lies between two planes across z."""
    up = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    return _polyhedron(up, np.full(2, half), start, along)


def _both(one: _Through, other: _Through) -> _Through:
    """Where lines are inside of two convex things."""
    later, earlier = other.enter > one.enter, other.leave < one.leave
    return _missing_where_crossed(
        _Through(
            np.maximum(one.enter, other.enter),
            np.minimum(one.leave, other.leave),
            np.where(later[:, None], other.enter_normal, one.enter_normal),
            np.where(earlier[:, None], other.leave_normal, one.leave_normal),
        )
    )


def _capsule(radius: float, half: float, start: FloatArray, along: FloatArray) -> _Through:
    """A tube's straight piece and two spheres: the first entry, the last exit."""
    pieces = [_both(_tube(radius, start, along), _caps(half, start, along))]
    for end in (-half, half):
        ball = _ellipsoid(np.full(3, radius), start - [0.0, 0.0, end], along)
        pieces.append(ball)
    enters, leaves = np.array([p.enter for p in pieces]), np.array([p.leave for p in pieces])
    first, last = enters.argmin(axis=0), leaves.argmax(axis=0)
    rows = np.arange(len(start))
    return _Through(
        enters[first, rows],
        leaves[last, rows],
        np.array([p.enter_normal for p in pieces])[first, rows],
        np.array([p.leave_normal for p in pieces])[last, rows],
    )


def _roots(
    square: FloatArray, half_linear: FloatArray, rest: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(N,) smaller and larger root of square t^2 + 2 half_linear t + rest, infinite and reversed
    where there is none; everything or nothing where nothing hangs on t."""
    root = np.sqrt(np.maximum(half_linear**2 - square * rest, 0.0))
    hit = (half_linear**2 > square * rest) & (square > _FLAT)
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (-half_linear - root) / square, (-half_linear + root) / square
    inside = (square <= _FLAT) & (rest < 0.0)
    return (
        np.where(hit, enter, np.where(inside, -np.inf, np.inf)),
        np.where(hit, leave, np.where(inside, np.inf, -np.inf)),
    )


def _missing_where_crossed(met: _Through) -> _Through:
    missed = met.enter >= met.leave
    return _Through(
        np.where(missed, np.inf, met.enter),
        np.where(missed, -np.inf, met.leave),
        met.enter_normal,
        met.leave_normal,
    )


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, 0.0)
