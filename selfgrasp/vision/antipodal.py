"""Antipodal grasp candidates on a heightmap: opposing edges closer than the opening, and what a
grasp there would meet.

Antipodal: the closing line lies in the friction cones of both contacts (Nguyen 1988, "Constructing
force-closure grasps"; Chen & Burdick 1993).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import yaw_of
from selfgrasp.core.spec import GripperSpec, Workspace
from selfgrasp.vision.foreground import MINIMUM_HEIGHT
from selfgrasp.vision.grasp_pose import fingertip_height, turned
from selfgrasp.vision.heightmap import Heightmap

_STEEP = 0.7
"""m per m: heights that change faster than this are an edge."""
_MARGIN = 0.003
"""m between a finger and what it should not touch on the way down."""


@dataclass(frozen=True, eq=False)
class Closing:
    """What N grasps would meet between and under their fingers, measured on the map.

    Attributes:
        xy: (N, 2) m, moved along the closing direction to the middle of what lies between the
            fingers.
        yaw: (N,) rad.
        z: (N,) m, world height of the fingertips.
        width: (N,) m of what lies between the fingers, along the closing direction; NaN where
            nothing does or where it is wider than the opening.
        depth: (N,) m of it above the fingertips.
        gap: (N,) m of free way between the object and the outside of a finger on the worse side,
            beyond the finger's own thickness; below zero the finger lands on something.
        slant: (N,) |tan| of the angle between the worse contact's normal and the closing line;
            friction holds it while it stays below the coefficient.
        contact: (N,) share of the fingers' breadth that meets the object, 0..1.
        offset: (N,) m by which `xy` was moved.
        skew: (N,) rad by which the mean normal of both contacts is turned from the closing line;
            yaw + skew closes squarely.
    """

    xy: FloatArray
    yaw: FloatArray
    z: FloatArray
    width: FloatArray
    depth: FloatArray
    gap: FloatArray
    slant: FloatArray
    contact: FloatArray
    offset: FloatArray
    skew: FloatArray

    def __len__(self) -> int:
        return len(self.yaw)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Closing:
        """The grasps at `index`."""
        return Closing(*(getattr(self, field.name)[index] for field in fields(self)))

    def opening(self, gripper: GripperSpec) -> FloatArray:
        """(N,) m to open the fingers to on the way down: as wide as the free way allows, and never
        narrower than the object with a margin."""
        wanted = np.nan_to_num(self.width, nan=gripper.opening) + 2 * np.clip(
            self.gap - _MARGIN, 2 * _MARGIN, None
        )
        return np.clip(wanted, 0.0, gripper.opening)


def closings(
    heightmap: Heightmap,
    xy: NDArray[np.floating],
    yaw: NDArray[np.floating],
    gripper: GripperSpec,
    workspace: Workspace,
    *,
    z: NDArray[np.floating] | None = None,
) -> Closing:
    """Measure grasps at `xy` (N, 2) m with closing direction `yaw` (N,) rad, fingertips at `z` (N,)
    m or else at the height of `fingertip_height`."""
    points, angles = (
        np.asarray(xy, dtype=np.float64).reshape(-1, 2),
        np.asarray(yaw, dtype=np.float64).reshape(-1),
    )
    if len(angles) == 0:
        none = np.zeros(0)
        return Closing(np.zeros((0, 2)), none, none, none, none, none, none, none, none, none)
    z = (
        fingertip_height(heightmap, points, angles, gripper, workspace)
        if z is None
        else np.asarray(z, dtype=np.float64)
    )
    step = heightmap.pixel
    half = math.ceil((0.75 * gripper.opening + gripper.finger_thickness + _MARGIN) / step)
    along = np.arange(-half, half + 1, dtype=np.float64) * step
    across = np.linspace(-0.5, 0.5, 5) * gripper.finger_breadth
    offsets = np.stack(np.meshgrid(across, along), axis=-1)[..., ::-1].reshape(-1, 2)
    heights = heightmap.height_at(points[:, None] + turned(offsets, angles)).reshape(
        len(points), len(along), len(across)
    )
    left, right, present, top = _extents(heights, z, half, step)
    counted = present.sum(axis=1)
    with np.errstate(invalid="ignore"):
        near, far = _median(left, present), _median(right, present)
    reach = gripper.opening - 2 * _MARGIN
    good = (counted > 0) & (far - near > 0) & (far - near < reach)
    middle = np.where(good, (near + far) / 2, 0.0)
    width = np.where(good, far - near, np.nan)
    direction = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    near_slope, far_slope = _slope(left, present, across), _slope(right, present, across)
    return Closing(
        xy=points + middle[:, None] * direction,
        yaw=angles,
        z=z,
        width=width,
        depth=np.maximum(top - z, 0.0),
        gap=_gap(
            heights.max(axis=2), z, middle, _widest(left, right, present, middle), along, gripper
        ),
        slant=np.maximum(np.abs(near_slope), np.abs(far_slope)),
        contact=counted / present.shape[1],
        offset=np.abs(middle),
        # An edge that runs forwards with the breadth has its normal turned backwards.
        skew=-np.arctan((near_slope + far_slope) / 2),
    )


def antipodal(
    heightmap: Heightmap,
    gripper: GripperSpec,
    workspace: Workspace,
    *,
    friction: float = 0.5,
    minimum: float = MINIMUM_HEIGHT,
    most: int = 1000,
) -> Closing:
    """Candidates from pairs of opposing edges, at most `most`, evenly spread over the edges;
    thinnest grasps first, blocked ones last.

    From each edge cell the closing line is followed inwards along its normal and to both sides of
    it within the friction cone, until the surface falls again; the far edge must face the other
    way, within its own cone.

    Args:
        heightmap: the map.
        gripper: whose opening the object has to fit.
        workspace: grasp points outside it are left out.
        friction: coefficient; the cone's half angle is atan(friction).
        minimum: m above the workspace's surface below which there is no object.
        most: number of pairs that are measured.
    """
    smooth = np.asarray(cv2.GaussianBlur(heightmap.height, (3, 3), 0), dtype=np.float32)
    slope_x, slope_y = _slopes(smooth, heightmap.pixel)
    steep = np.hypot(slope_x, slope_y)
    high_nearby = cv2.dilate(smooth, np.ones((5, 5), np.uint8)) > workspace.surface + minimum
    rows, cols = np.nonzero((steep > _STEEP) & high_nearby)
    cone = math.atan(friction)
    turns = np.array([-0.6 * cone, 0.0, 0.6 * cone])
    keep = _spread(len(rows), 2 * most // len(turns))
    rows, cols = rows[keep], cols[keep]
    normal = np.arctan2(slope_y[rows, cols], slope_x[rows, cols])
    angle = (normal[:, None] + turns).reshape(-1).astype(np.float64)
    start = np.repeat(np.stack([cols, rows], axis=-1), len(turns), axis=0).astype(np.float64) + 0.5
    length, met = _march(
        smooth, start, angle, gripper.opening / heightmap.pixel, workspace.surface + 0.5 * minimum
    )
    end = start + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    facing = _faces(slope_x, slope_y, end, angle, cone)
    middle = (start + end) / 2
    map_yaw = yaw_of(heightmap.world_from_map)
    xy = heightmap.world_xy(middle)
    index = np.nonzero(
        met & facing & ((xy >= workspace.low[:2]) & (xy <= workspace.high[:2])).all(axis=1)
    )[0]
    index = index[_spread(len(index), most)]
    found = closings(heightmap, xy[index], (angle[index] + map_yaw) % math.pi, gripper, workspace)
    inside = ((found.xy >= workspace.low[:2]) & (found.xy <= workspace.high[:2])).all(axis=1)
    found = found.take(np.isfinite(found.width) & (found.slant < friction) & inside)
    return found.take(np.lexsort((found.width, found.gap < _MARGIN)))


def _slopes(
    height: NDArray[np.float32], pixel: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) m per m: how fast the surface rises along columns and along rows."""
    x, y = (
        cv2.Sobel(height, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / (8 * pixel)) for dx in (1, 0)
    )
    return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices below `count`, evenly spread."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)


def _march(
    height: NDArray[np.float32], start: FloatArray, angle: FloatArray, longest: float, floor: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(N,) cells from each edge to where the surface falls again below the level halfway up the
    edge, and whether it does within `longest` cells."""
    steps = np.arange(1, math.ceil(longest) + 3)
    x = np.rint(start[:, 0, None] - 0.5 + np.cos(angle)[:, None] * steps).astype(np.int32)
    y = np.rint(start[:, 1, None] - 0.5 + np.sin(angle)[:, None] * steps).astype(np.int32)
    rows, cols = height.shape
    inside = (x >= 0) & (x < cols) & (y >= 0) & (y < rows)
    profile = np.where(inside, height[np.clip(y, 0, rows - 1), np.clip(x, 0, cols - 1)], np.inf)
    # The first centimetre tells how high this edge is; a higher object behind it belongs to another
    # grasp.
    top = np.where(np.isfinite(profile[:, :4]), profile[:, :4], -np.inf).max(axis=1)
    level = np.maximum(top - 0.012, (top + floor) / 2)
    below = (profile < level[:, None]) & (steps > 2)
    return below.argmax(axis=1) + 0.5, below.any(axis=1)


def _faces(
    slope_x: NDArray[np.float32],
    slope_y: NDArray[np.float32],
    cells: FloatArray,
    angle: FloatArray,
    cone: float,
) -> NDArray[np.bool_]:
    """(N,) whether the surface at `cells` falls along `angle` within the friction cone."""
    col = np.clip(cells[:, 0].astype(np.int64), 0, slope_x.shape[1] - 1)
    row = np.clip(cells[:, 1].astype(np.int64), 0, slope_x.shape[0] - 1)
    gx, gy = slope_x[row, col], slope_y[row, col]
    falling = -(gx * np.cos(angle) + gy * np.sin(angle))
    steep = np.hypot(gx, gy)
    return (steep > _STEEP) & (falling > steep * math.cos(cone))


def _extents(
    heights: NDArray[np.float32], z: FloatArray, half: int, step: float
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], FloatArray]:
    """Where the object between the fingers begins and ends, for each line (N, B) along the closing
    direction: m from the grasp point.

    Also whether the line meets the object at all, and the object's top (N,) m. Ends lie halfway
    between the fingertips and the object's top, between samples.
    """
    seed = heights[:, half - 2 : half + 3].max(axis=1)
    top = np.median(seed, axis=1)
    level = ((z + top) / 2)[:, None, None]
    above = heights - level
    solid = above > 0
    present = solid[:, half - 2 : half + 3].any(axis=1)
    # A line whose centre sample is just beside the object starts from the nearest of the five that
    # is on it.
    order = np.array([0, -1, 1, -2, 2]) + half
    first = order[solid[:, order].argmax(axis=1)]
    index = np.arange(heights.shape[1])[None, :, None]
    right_free = ~solid & (index > first[:, None])
    left_free = ~solid & (index < first[:, None])
    last = heights.shape[1] - 1
    right = np.where(right_free.any(axis=1), right_free.argmax(axis=1), last)
    left = np.where(left_free.any(axis=1), last - left_free[:, ::-1].argmax(axis=1), 0)
    return (
        _crossing(above, left, 1, step, half),
        _crossing(above, right, -1, step, half),
        present,
        top,
    )


def _crossing(
    above: NDArray[np.floating], outside: NDArray[np.int64], inwards: int, step: float, half: int
) -> FloatArray:
    """(N, B) m from the grasp point where `above` crosses zero between the sample `outside` and its
    neighbour inwards."""
    out = np.take_along_axis(above, outside[:, None], axis=1)[:, 0]
    inner = np.take_along_axis(
        above, np.clip(outside + inwards, 0, above.shape[1] - 1)[:, None], axis=1
    )[:, 0]
    share = np.clip(-out / np.maximum(inner - out, 1e-6), 0.0, 1.0)
    return (outside - half + inwards * share) * step


def _median(values: FloatArray, present: NDArray[np.bool_]) -> FloatArray:
    """(N,) median over the lines (N, B) that meet the object; zero where none does."""
    ordered = np.sort(np.where(present, values, np.inf), axis=1)
    count = present.sum(axis=1)
    middle = np.maximum(count - 1, 0)
    low = np.take_along_axis(ordered, (middle // 2)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(ordered, ((middle + 1) // 2)[:, None], axis=1)[:, 0]
    return np.where(count > 0, (low + high) / 2, 0.0)


def _widest(
    left: FloatArray, right: FloatArray, present: NDArray[np.bool_], middle: FloatArray
) -> FloatArray:
    """(N,) m from the middle to the object's furthest end on any line."""
    reach = np.maximum(middle[:, None] - left, right - middle[:, None])
    widest: FloatArray = np.where(present, reach, 0.0).max(axis=1)
    return widest


def _slope(edge: FloatArray, present: NDArray[np.bool_], across: FloatArray) -> FloatArray:
    """(N,) slope of an edge (N, B) against the fingers' breadth, by least squares over the lines
    that meet the object."""
    weight = present.astype(np.float64)
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    x = across[None] - (weight * across).sum(axis=1, keepdims=True) / total
    y = edge - (weight * edge).sum(axis=1, keepdims=True) / total
    slope: FloatArray = (weight * x * y).sum(axis=1) / np.maximum(
        (weight * x * x).sum(axis=1), 1e-9
    )
    return slope


def _gap(
    highest: NDArray[np.float32],
    z: FloatArray,
    middle: FloatArray,
    reach: FloatArray,
    along: FloatArray,
    gripper: GripperSpec,
) -> FloatArray:
    """(N,) m of free way beside the object on the worse side, less a finger's thickness.

    `highest` (N, S) is the highest surface over the fingers' breadth. The way is free from the
    object's side outwards until something is above the fingertips.
    """
    blocked = highest > (z + 0.002)[:, None]
    distance = along[None] - middle[:, None]
    # The object's own rounded side reaches a little beyond the level its width was measured at; its
    # last cell is no obstacle.
    edge = reach + 2 * (along[1] - along[0])
    outside = gripper.opening / 2 + gripper.finger_thickness
    right = np.where(blocked & (distance > edge[:, None]), distance, outside).min(axis=1)
    left = np.where(blocked & (distance < -edge[:, None]), -distance, outside).min(axis=1)
    free: FloatArray = (
        np.minimum(np.minimum(left, right), outside) - reach - gripper.finger_thickness
    )
    return free
