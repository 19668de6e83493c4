"""From a place on the map to a grasp: one rule for the fingertips' height, shared by all
policies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.action import Grasp
from selfgrasp.core.arrays import FloatArray, checked
from selfgrasp.core.pose import top_down
from selfgrasp.core.spec import GripperSpec, Workspace
from selfgrasp.vision.heightmap import Heightmap

INSERTION = 0.025
"""m that the fingertips go below the top of what they close on."""
PALM_CLEARANCE = 0.005
"""m between the palm and the highest point under it."""
_REACH = 0.012
"""m around the grasp point, across the closing direction and along it, in which the object's top is
looked for."""


def fingertip_height(
    heightmap: Heightmap,
    xy: NDArray[np.floating],
    yaw: NDArray[np.floating],
    gripper: GripperSpec,
    workspace: Workspace,
) -> FloatArray:
    """(N,) m, world z of the fingertips for grasps at `xy` (N, 2) m with closing direction `yaw`
    (N,) rad.

    The top is the 90th percentile of the heights in a small disc, so that one noisy cell decides
    nothing. The fingertips go `INSERTION` below it, less for shorter fingers and less where
    something higher between the fingers would touch the palm; never below or above the workspace.
    """
    points = checked(xy, (None, 2), np.float64, "xy (m)")
    angles = checked(yaw, (len(points),), np.float64, "yaw (rad)")
    steps = np.linspace(-1.0, 1.0, 7)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    disc = grid[(grid**2).sum(axis=1) <= 1.05] * _REACH
    top = _upper(heightmap.height_at(points[:, None] + disc), 0.9)
    z = top - min(INSERTION, 0.8 * gripper.finger_length)
    along = np.linspace(-0.5, 0.5, 13)[:, None] * gripper.opening * np.array([1.0, 0.0])
    across = np.linspace(-0.5, 0.5, 5)[:, None] * gripper.finger_breadth * np.array([0.0, 1.0])
    palm = (along[:, None] + across[None]).reshape(-1, 2)
    under_palm = _upper(heightmap.height_at(points[:, None] + turned(palm, angles)), 0.98)
    z = np.maximum(z, under_palm + PALM_CLEARANCE - gripper.finger_length)
    height: FloatArray = np.clip(z, workspace.low[2], workspace.high[2])
    return height


def grasps_at(
    heightmap: Heightmap,
    xy: NDArray[np.floating],
    yaw: NDArray[np.floating],
    gripper: GripperSpec,
    workspace: Workspace,
    *,
    width: NDArray[np.floating] | None = None,
) -> tuple[Grasp, ...]:
    """Top-down grasps at `xy` (N, 2) m with closing directions `yaw` (N,) rad, at the heights of
    `fingertip_height`.

    The fingers are `width` (N,) m apart on the way down, fully open without it.
    """
    opened = (
        np.full(len(yaw), gripper.opening) if width is None else np.minimum(width, gripper.opening)
    )
    heights = fingertip_height(heightmap, xy, yaw, gripper, workspace)
    each = zip(xy, heights, yaw, opened, strict=True)
    return tuple(
        Grasp(top_down((float(x), float(y), float(z)), float(a)), float(w))
        for (x, y), z, a, w in each
    )


def grasp_at(
    heightmap: Heightmap,
    xy: NDArray[np.floating],
    yaw: float,
    gripper: GripperSpec,
    workspace: Workspace,
    *,
    width: float | None = None,
) -> Grasp:
    """The one grasp of `grasps_at` at `xy` (2,) m."""
    widths = None if width is None else np.array([width])
    return grasps_at(
        heightmap,
        np.asarray(xy, dtype=np.float64)[None],
        np.array([yaw]),
        gripper,
        workspace,
        width=widths,
    )[0]


def turned(offsets: NDArray[np.floating], yaw: NDArray[np.floating]) -> FloatArray:
    """(N, K, 2) m: offsets (K, 2) given along and across the closing direction, in the world, for
    each of `yaw` (N,) rad."""
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y = offsets[None, :, 0], offsets[None, :, 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=-1)


def _upper(values: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """(N,) the value that `share` of each row (N, K) lies at or below; a partition is several times
    faster than a percentile."""
    rank = round(share * (values.shape[1] - 1))
    return np.partition(values, rank, axis=1)[:, rank]
