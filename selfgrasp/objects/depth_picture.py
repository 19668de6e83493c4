"""Depth pictures of objects on a table, without a simulator."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.rays import ConvexMesh, meet
from selfgrasp.objects.solids import planes

_CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))


def depth_picture(
    placed: Iterable[tuple[Part, FloatArray]],
    table_from_camera: FloatArray,
    intrinsics: FloatArray,
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """(H, W) m along the optical axis: the parts, and the table z = 0 below them without end; NaN
    above the horizon, where no part is.

    Args:
        placed: parts, each with table_from_object (4, 4) of the object that it is a part of.
        table_from_camera: (4, 4) camera axes x right, y down, z forward; above the table.
        intrinsics: (3, 3) px, without skew.
        size: height and width, px.
    """
    height, width = size
    x = (np.arange(width) + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (np.arange(height) + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    depth = _table(table_from_camera, x, y)
    camera_from_table = inverse(table_from_camera)
    for part, table_from_object in placed:
        mesh = _convex(part) if part.shape is Shape.MESH else None
        camera_from_part = camera_from_table @ table_from_object @ part.object_from_part
        rows, columns = _rectangle(part, mesh, camera_from_part, intrinsics, size)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        part_from_camera = inverse(camera_from_part)
        met = meet(
            part.shape,
            part.size,
            mesh,
            part_from_camera[:3, 3],
            part_from_camera[:3, :3],
            x[columns],
            y[rows],
        )
        depth[rows, columns] = np.minimum(depth[rows, columns], met.depth)
    return np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)


def _table(table_from_camera: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    down = table_from_camera[2, :3]
    slope = down[0] * x + (down[1] * y + down[2])[:, None]
    with np.errstate(divide="ignore"):
        return np.where(slope < 0.0, -table_from_camera[2, 3] / slope, np.inf)


@lru_cache(maxsize=8192)
def _convex(part: Part) -> ConvexMesh:
    low, high = part.hull.vertices.min(axis=0), part.hull.vertices.max(axis=0)
    return ConvexMesh(*planes(part), (low + high) / 2, (high - low) / 2)


def _rectangle(
    part: Part,
    mesh: ConvexMesh | None,
    camera_from_part: FloatArray,
    intrinsics: FloatArray,
    size: tuple[int, int],
) -> tuple[slice, slice]:
    """Rows and columns that a part can cover."""
    a, b, _ = part.size
    middle = np.zeros(3)
    match part.shape:
        case Shape.SPHERE:
            half = np.full(3, a)
        case Shape.CYLINDER:
            half = np.array([a, a, b])
        case Shape.CAPSULE:
            half = np.array([a, a, a + b])
        case _:
            half = part.size
    if mesh is not None:
        middle, half = mesh.middle, mesh.half
    corners = (middle + half * _CORNERS) @ camera_from_part[:3, :3].T + camera_from_part[:3, 3]
    pixels = corners @ intrinsics.T
    pixels = pixels[:, :2] / np.maximum(pixels[:, 2:], 1e-3)
    low = np.clip(np.floor(pixels.min(axis=0)), 0, (size[1], size[0])).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)), 0, (size[1], size[0])).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])
