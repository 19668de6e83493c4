"""Square patches of heights about an object, which pictures of known objects are compared by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import looking_at, pose
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.model import ObjectModel
from selfgrasp.vision import MINIMUM_HEIGHT, Heightmap
from selfgrasp.vision.grasp_pose import turned

SIDE = 64
"""Cells of a patch's side."""
CELL = 0.003
"""m, side of a cell."""
COARSE = 2
"""Cells of a side that one cell of a coarse patch is the mean of."""
_ABOVE = 50.0
"""m that a camera is above the table whose rays count as parallel."""


def offsets() -> FloatArray:
    """(SIDE * SIDE, 2) m from a patch's middle to its cells' centres; rows run along +y, columns
    along +x."""
    steps = (np.arange(SIDE) + 0.5 - SIDE / 2) * CELL
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)


def known_patch(
    item: ObjectModel, table_from_object: FloatArray, middle: FloatArray
) -> NDArray[np.float32]:
    """(SIDE, SIDE) m, heights of an object on the table z = 0 as they are seen from above, about
    the point `middle` (2,) m."""
    placed = [(part, table_from_object) for part in item.parts]
    camera = looking_at((*middle, _ABOVE), (*middle, 0.0))
    focal, center = _ABOVE / CELL, SIDE / 2
    intrinsics = np.array([[focal, 0, center], [0, focal, center], [0, 0, 1.0]])
    depth = depth_picture(placed, camera, intrinsics, (SIDE, SIDE))
    # A picture's rows run along -y.
    heights: NDArray[np.float32] = np.float32(_ABOVE) - depth
    return heights[::-1].copy()


def seen_patches(
    above_table: Heightmap, middle: FloatArray, yaw: NDArray[np.floating]
) -> NDArray[np.float32]:
    """(N, SIDE, SIDE) m, heights of a map about the point `middle` (2,) m of the world, in axes
    turned by `yaw` (N,) rad."""
    places = middle + turned(offsets(), yaw)
    return above_table.height_at(places).reshape(-1, SIDE, SIDE)


def as_map(patch: NDArray[np.float32]) -> Heightmap:
    """A patch as a map about the origin."""
    corner = pose(translation=(-SIDE * CELL / 2, -SIDE * CELL / 2, 0.0))
    size = patch.shape
    return Heightmap(np.zeros((*size, 3), np.uint8), patch, np.ones(size, np.bool_), corner, CELL)


def middle_of(patch: NDArray[np.float32]) -> FloatArray:
    """(2,) m from a patch's middle to that of the object on it."""
    mean: FloatArray = offsets()[patch.reshape(-1) > MINIMUM_HEIGHT].mean(axis=0)
    return mean


def coarse(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, D) m, the same heights on a coarser grid, in a row."""
    side = SIDE // COARSE
    blocks = patches.reshape(-1, side, COARSE, side, COARSE)
    means: NDArray[np.float32] = blocks.mean(axis=(2, 4)).reshape(len(patches), -1)
    return means


def differences(
    one: NDArray[np.float32], others: NDArray[np.float32], most: float
) -> NDArray[np.float32]:
    """(N,) m, mean difference of heights, given in rows, over what rises above the table in either
    of two patches; each cell counts for at most `most` m."""
    risen = (one > MINIMUM_HEIGHT) | (others > MINIMUM_HEIGHT)
    apart = np.minimum(np.abs(one - others), np.float32(most)) * risen
    mean: NDArray[np.float32] = apart.sum(axis=-1) / np.maximum(risen.sum(axis=-1), 1)
    return mean
