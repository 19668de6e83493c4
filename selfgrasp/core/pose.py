"""Rigid transforms as (4, 4) float64 arrays named by both ends: `world_from_camera @
camera_from_point`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfgrasp.core.arrays import FloatArray, checked
from selfgrasp.core.errors import InputError

_RIGID_TOLERANCE = 1e-6
_FARTHEST = 1e6
"""m. Robots lie kilometres from their map's origin; farther is no place, and its heights cannot be
told apart."""


def checked_pose(value: ArrayLike, name: str) -> FloatArray:
    """A read-only rigid transform.

    Raises:
        InputError: not (4, 4), not finite, or not a proper rotation with a translation of at most
            1000 km.
    """
    pose = checked(value, (4, 4), np.float64, name)
    if not _is_rigid(pose.tolist()):
        raise InputError(
            given=f"{name} that is not rigid:\n{pose}",
            wanted="a rotation, a translation and a last row 0 0 0 1",
        )
    if np.abs(pose[:3, 3]).max() > _FARTHEST:
        raise InputError(
            given=f"{name} with the translation {pose[:3, 3].tolist()}",
            wanted="metres, at most 1000 km",
        )
    return pose


def _is_rigid(rows: list[list[float]]) -> bool:
    """Orthonormal rows, positive determinant, last row 0 0 0 1. In plain floats: at this size
    several times faster than matrix products."""
    (a, b, c, _), (d, e, f, _), (g, h, i, _), last = rows
    products = (
        a * a + b * b + c * c - 1,
        d * d + e * e + f * f - 1,
        g * g + h * h + i * i - 1,
        a * d + b * e + c * f,
        a * g + b * h + c * i,
        d * g + e * h + f * i,
        last[0],
        last[1],
        last[2],
        last[3] - 1,
    )
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return (
        max(products) < _RIGID_TOLERANCE and min(products) > -_RIGID_TOLERANCE and determinant > 0
    )


def pose(
    *, rotation: ArrayLike | None = None, translation: ArrayLike = (0.0, 0.0, 0.0)
) -> FloatArray:
    """A (4, 4) transform from a (3, 3) rotation and a (3,) translation in metres."""
    out = np.eye(4)
    if rotation is not None:
        out[:3, :3] = rotation
    out[:3, 3] = translation
    return out


def inverse(a_from_b: FloatArray) -> FloatArray:
    """b_from_a of a rigid a_from_b."""
    out = np.eye(4)
    out[:3, :3] = a_from_b[:3, :3].T
    out[:3, 3] = -a_from_b[:3, :3].T @ a_from_b[:3, 3]
    return out


def apply(a_from_b: FloatArray, b_points: NDArray[np.floating]) -> FloatArray:
    """Points (..., 3) given in b, in a."""
    return b_points @ a_from_b[:3, :3].T + a_from_b[:3, 3]


def rotation_about_z(yaw: float) -> FloatArray:
    """(3, 3) rotation by `yaw` rad about +z."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def top_down(position: ArrayLike, yaw: float) -> FloatArray:
    """world_from_tool of a hand that approaches along world -z and closes along (cos yaw, sin yaw,
    0).

    Args:
        position: (3,) m, the point between the fingertips.
        yaw: rad about world +z, of the closing direction. Yaw and yaw + pi are the same grasp of a
            symmetric gripper.
    """
    c, s = math.cos(yaw), math.sin(yaw)
    x, y, z = np.asarray(position, dtype=np.float64)
    return np.array([[c, s, 0.0, x], [s, -c, 0.0, y], [0.0, 0.0, -1.0, z], [0.0, 0.0, 0.0, 1.0]])


def yaw_of(world_from_tool: FloatArray) -> float:
    """The yaw, rad in (-pi, pi], of the closing direction of a tool pose."""
    return math.atan2(world_from_tool[1, 0], world_from_tool[0, 0])


def tilt_of(world_from_tool: FloatArray) -> float:
    """The angle, rad, between the approach direction and world -z."""
    return math.acos(float(np.clip(-world_from_tool[2, 2], -1.0, 1.0)))


def looking_at(eye: ArrayLike, target: ArrayLike, *, up: ArrayLike = (0.0, 1.0, 0.0)) -> FloatArray:
    """world_from_camera of a camera at `eye` (3,) m that looks at `target`; x right, y down, z
    forward.

    `up` is the world direction that appears upwards in the picture; it must not be parallel to the
    line of sight.
    """
    position = np.asarray(eye, dtype=np.float64)
    forward = np.asarray(target, dtype=np.float64) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    if np.linalg.norm(right) < 1e-9:
        raise InputError(
            given=f"up {up!r} along the line of sight", wanted="an up direction across it"
        )
    right /= np.linalg.norm(right)
    return pose(
        rotation=np.column_stack([right, np.cross(forward, right), forward]), translation=position
    )


def angle_between_grasps(yaw_a: ArrayLike, yaw_b: ArrayLike) -> FloatArray:
    """(...) the smallest angles, rad in [0, pi/2], between closing directions of a symmetric
    gripper."""
    difference = np.abs(np.subtract(yaw_a, yaw_b)) % math.pi
    return np.minimum(difference, math.pi - difference)


def wrapped(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return float((angle + math.pi) % (2 * math.pi) - math.pi)


def smaller_turn(angle: float) -> float:
    """The turn in [-pi/2, pi/2) that gives a symmetric gripper the same closing direction."""
    return float((angle + math.pi / 2) % math.pi - math.pi / 2)
