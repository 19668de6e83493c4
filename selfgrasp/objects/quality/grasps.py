"""Antipodal grasps of an object as it lies on a table, from above, as the cell executes them: the
closing axis is horizontal, the fingertips go below the contacts, and the hand does not tilt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse, top_down
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.epsilon import force_closure
from selfgrasp.objects.quality.fingers import close_fingers, thickness

BELOW_CONTACT = 0.010
"""m that fingertips go below the contacts: of 1, 4, 10 and 18 mm the shallowest that holds best."""
SPARE = 0.030
"""m by which the fingers are further apart on the way down than what they close on."""
STEPS = (0.0, 0.012, 0.020, 0.024)
"""m by which the fingers are opened less where something is in their way."""
_AT_ONCE = 128


@dataclass(frozen=True)
class SamplerConfig:
    """How grasps are drawn.

    Attributes:
        friction: coefficient of the cone that both contacts' axis lies in.
        wide_share: of grasps whose second contact may lie outside of that cone, so that a network
            sees what it has to refuse.
        lowest: m, where the fingertips stay above the table.
        tries: points drawn for each grasp that is wanted; what lies steeper than the cone, is wider
            than the opening or has no second contact is dropped.
    """

    friction: float = 0.5
    wide_share: float = 0.25
    lowest: float = 0.004
    tries: int = 6


@dataclass(frozen=True, eq=False)
class Grasps:
    """N grasps in the frame of the table, whose surface is z = 0.

    Attributes:
        centers: (N, 3) m, the middle between the contacts.
        axes: (N, 3) horizontal unit vectors from one finger to the other.
        openings: (N,) m between the fingers on the way down.
        tips: (N,) m, height of the fingertips.
    """

    centers: FloatArray
    axes: FloatArray
    openings: FloatArray
    tips: FloatArray

    def __len__(self) -> int:
        return len(self.centers)

    def __getitem__(self, rows: NDArray[np.generic] | slice) -> Grasps:
        return Grasps(self.centers[rows], self.axes[rows], self.openings[rows], self.tips[rows])

    @property
    def yaws(self) -> FloatArray:
        """(N,) rad of the closing axis about the table's normal, from -pi / 2 to pi / 2."""
        yaws: FloatArray = np.arctan2(self.axes[:, 1], self.axes[:, 0])
        return (yaws + np.pi / 2) % np.pi - np.pi / 2

    @property
    def table_from_tool(self) -> FloatArray:
        """(N, 4, 4) of the hand, whose origin is between the fingertips."""
        places = np.column_stack([self.centers[:, :2], self.tips])
        tools = [top_down(place, yaw) for place, yaw in zip(places, self.yaws, strict=True)]
        return np.array(tools).reshape(-1, 4, 4)

    def in_object(self, table_from_object: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Centers and axes in the object's frame."""
        centers = apply(inverse(table_from_object), self.centers)
        return centers, self.axes @ table_from_object[:3, :3]


def sample_grasps(
    item: ObjectModel,
    table_from_object: FloatArray,
    count: int,
    gripper: GripperSpec,
    rng: np.random.Generator,
    config: SamplerConfig | None = None,
) -> Grasps:
    """Up to `count` grasps by pairs of contacts: first contacts uniform over the surface, the axis
    uniform over the horizontal directions in the friction cone there; in random order.

    None where the object is wider than the opening in every direction, or offers no such pair.
    """
    config = config or SamplerConfig()
    surface = item.surface(config.tries * count, rng)
    points = apply(table_from_object, surface.points)
    normals = surface.normals @ table_from_object[:3, :3].T
    axes, within = _horizontal(-normals, np.arctan(config.friction), rng)
    points, axes = points[within], axes[within]
    object_points = apply(inverse(table_from_object), points)
    object_axes = axes @ table_from_object[:3, :3]
    width = thickness(item.parts, object_points, object_axes)
    # A wall by itself, or across the hollow to the last wall.
    far = close_fingers(
        item.parts,
        object_points + object_axes * (gripper.opening / 2 - 1e-4),
        object_axes,
        gripper.opening,
    )
    span = np.linalg.norm(far.contacts.points[:, 1] - object_points, axis=1)
    whole = far.touching & (span > width) & (rng.random(len(points)) < 0.5)
    width = np.where(whole, span, width)
    openings = np.minimum(width + SPARE, gripper.opening)
    closed = close_fingers(
        item.parts, object_points + 0.5 * width[:, None] * object_axes, object_axes, openings
    )
    antipodal = force_closure(closed.contacts, np.full(len(points), config.friction))
    wide = rng.random(len(points)) < config.wide_share
    fits = closed.touching & (width < gripper.opening)
    # Across a corner there are wide ones of anything, be it as large as it may.
    wide &= bool((fits & antipodal).any())
    kept = np.flatnonzero(fits & (antipodal | wide))[:count]
    met = apply(table_from_object, closed.contacts.points[kept].mean(axis=1))
    tips = np.maximum(met[:, 2] - BELOW_CONTACT, config.lowest)
    return Grasps(met, axes[kept], openings[kept], tips)[met[:, 2] > config.lowest]


def _horizontal(
    inward: FloatArray, half_angle: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Unit vectors (N, 3), each horizontal and within a cone about another, and (N,) whether the
    cone reaches that far."""
    level = np.hypot(inward[:, 0], inward[:, 1])
    within = level > np.cos(half_angle)
    reach = np.arccos(np.clip(np.cos(half_angle) / np.maximum(level, 1e-12), -1.0, 1.0))
    yaw = np.arctan2(inward[:, 1], inward[:, 0]) + reach * rng.uniform(-1.0, 1.0, len(inward))
    return np.column_stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))]), within


def widest_free(
    points: FloatArray,
    grasps: Grasps,
    gripper: GripperSpec,
    *,
    others: FloatArray | None = None,
    margin: float = 0.0,
) -> FloatArray:
    """(N,) m, the widest opening, up to the grasp's own and in steps of `STEPS`, with which the
    hand comes down straight without meeting anything, and closes on this object alone; 0 where
    there is none.

    Args:
        points: (P, 3) m, spread over the object's surface, in the table's frame.
        grasps: N of them.
        gripper: whose fingers and palm come down.
        others: (Q, 3) m, points of what else lies there.
        margin: m by which fingers and palm are thicker.
    """
    everything = points if others is None else np.concatenate([points, others])
    is_other = np.arange(len(everything)) >= len(points)
    above_tips = everything[:, 2] > grasps.tips.min(initial=np.inf) - margin
    everything, is_other = everything[above_tips].astype(np.float32), is_other[above_tips]
    found = np.zeros(len(grasps))
    for at in range(0, len(grasps), _AT_ONCE):
        some = slice(at, at + _AT_ONCE)
        found[some] = _widest(everything, is_other, grasps[some], gripper, margin)
    return found


def collision_free(
    points: FloatArray, grasps: Grasps, gripper: GripperSpec, margin: float = 0.0
) -> NDArray[np.bool_]:
    """(N,) whether the hand, opened as each grasp says, comes down straight without meeting the
    object or the table; see `widest_free`."""
    free: NDArray[np.bool_] = (
        widest_free(points, grasps, gripper, margin=margin) > grasps.openings - 1e-9
    )
    return free


_PALM, _PALM_ACROSS = 0.025, 0.03
"""m by which the palm is wider than the opening on each side, and half of it across."""


def _widest(
    points: FloatArray,
    is_other: NDArray[np.bool_],
    grasps: Grasps,
    gripper: GripperSpec,
    margin: float,
) -> FloatArray:
    axes, centers = grasps.axes[:, :2].astype(np.float32), grasps.centers[:, :2].astype(np.float32)
    sideways = np.stack([-axes[:, 1], axes[:, 0]], axis=1)
    flat = points[:, :2].T
    along = np.abs(axes @ flat - (axes * centers).sum(axis=1)[:, None])
    across = np.abs(sideways @ flat - (sideways * centers).sum(axis=1)[:, None])
    above = points[None, :, 2] - grasps.tips[:, None].astype(np.float32)
    palm = (along < gripper.opening / 2 + _PALM + margin) & (across < _PALM_ACROSS + margin)
    palm &= above > gripper.finger_length - margin
    beside = (across < gripper.finger_breadth / 2 + margin) & (above > -margin)
    possible = ~palm.any(axis=1) & (grasps.tips > 0.0)
    found = np.zeros(len(grasps))
    for step in STEPS:
        openings = grasps.openings - step
        inner = openings[:, None] / 2
        finger = beside & (along > inner - margin)
        finger &= along < inner + gripper.finger_thickness + margin
        between = beside & (along < inner) & is_other
        free = possible & ~(finger | between).any(axis=1) & (openings > 0.0)
        found = np.where((found == 0.0) & free, openings, found)
    return found
