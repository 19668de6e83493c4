"""Between pixels, camera points and world points of a pinhole view.

Pixels are continuous (u, v) = (column, row) coordinates; the centre of the top-left pixel is (0.5,
0.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import View
from selfgrasp.core.pose import apply, inverse


def rays(height: int, width: int, intrinsics: FloatArray) -> NDArray[np.float32]:
    """(H, W, 3) float32 camera-frame rays through the pixel centres, scaled to z = 1; times depth
    they are camera points."""
    u = np.arange(width, dtype=np.float32) + np.float32(0.5)
    v = np.arange(height, dtype=np.float32) + np.float32(0.5)
    y = (v - np.float32(intrinsics[1, 2])) / np.float32(intrinsics[1, 1])
    x = (u - np.float32(intrinsics[0, 2])) / np.float32(intrinsics[0, 0])
    out = np.empty((height, width, 3), np.float32)
    out[..., 0] = x[None, :] - np.float32(intrinsics[0, 1] / intrinsics[0, 0]) * y[:, None]
    out[..., 1] = y[:, None]
    out[..., 2] = 1.0
    return out


def deproject(depth: NDArray[np.float32], intrinsics: FloatArray) -> NDArray[np.float32]:
    """(H, W, 3) float32 camera points, m, of a (H, W) depth picture, m along the optical axis; NaN
    where depth is NaN."""
    return rays(depth.shape[0], depth.shape[1], intrinsics) * depth[..., None]


def project(camera_points: NDArray[np.floating], intrinsics: FloatArray) -> FloatArray:
    """(..., 2) pixels (u, v) of camera points (..., 3) m; NaN for points that are not in front of
    the camera."""
    points = np.asarray(camera_points, dtype=np.float64)
    z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
    uvw = points @ intrinsics.T
    return uvw[..., :2] / z[..., None]


def project_world(world_points: NDArray[np.floating], view: View) -> FloatArray:
    """(..., 2) pixels (u, v) of world points (..., 3) m in `view`."""
    return project(
        apply(inverse(view.world_from_camera), np.asarray(world_points, dtype=np.float64)),
        view.intrinsics,
    )


def world_points(view: View) -> FloatArray:
    """(H, W, 3) world points, m, of a view with depth; NaN where there is no return.

    Raises:
        InputError: a view without depth.
    """
    if view.depth is None:
        raise InputError(given="a view without depth", wanted="a view with depth")
    return apply(view.world_from_camera, deproject(view.depth, view.intrinsics))


def on_plane(
    view: View, pixels: NDArray[np.floating], z: float | NDArray[np.floating]
) -> FloatArray:
    """(..., 3) world points where the sight lines through `pixels` (..., 2) meet the plane at world
    height `z` m; NaN where they do not."""
    return on_plane_from(view.world_from_camera, view.intrinsics, pixels, z)


def on_plane_from(
    world_from_camera: FloatArray,
    intrinsics: FloatArray,
    pixels: NDArray[np.floating],
    z: float | NDArray[np.floating],
) -> FloatArray:
    """As `on_plane`, of a camera with the pose (4, 4), for example an estimated one."""
    uv = np.asarray(pixels, dtype=np.float64)
    homogeneous = np.concatenate([uv, np.ones_like(uv[..., :1])], axis=-1)
    directions = homogeneous @ np.linalg.inv(intrinsics).T @ world_from_camera[:3, :3].T
    eye = world_from_camera[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (np.asarray(z) - eye[2]) / directions[..., 2]
    along = np.where(np.isfinite(along) & (along > 0), along, np.nan)
    points: FloatArray = eye + along[..., None] * directions
    return points
