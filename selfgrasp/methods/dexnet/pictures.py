"""What the network sees of grasps: crops of depth, or of heights above the table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Candidates
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.dexnet.config import DexNetConfig, Reference
from selfgrasp.vision.grasp_crops import grasp_crops

_HOLE = 5
"""px of the neighbourhood whose mean fills a pixel without return."""


@dataclass(frozen=True, eq=False)
class Crops:
    """N crops.

    Attributes:
        picture: (N, P, P) m: depths, or heights above the table.
        gripper: (N,) m: the depth or height of the point between the fingertips.
        distance: (N,) m of that point from the camera, along the optical axis.
    """

    picture: NDArray[np.float32]
    gripper: NDArray[np.float32]
    distance: NDArray[np.float32]


def crops_of(candidates: Candidates, config: DexNetConfig, *, table: float = 0.0) -> Crops:
    """The crops of all candidates.

    Args:
        candidates: grasps in depth pictures.
        config: of the network.
        table: m, the table's height in the world.
    """
    if config.reference is Reference.TABLE:
        views = zip(
            candidates.depth, candidates.intrinsics, candidates.world_from_camera, strict=True
        )
        shown = np.stack([filled(heights(*view, table), beyond=0.0) for view in views])
    else:
        shown = np.stack([filled(depth) for depth in candidates.depth])
    cut = grasp_crops(candidates, size=config.crop_size, pixels=config.pixels, pictures=shown)
    if config.reference is Reference.CAMERA:
        return Crops(cut.depth, cut.gripper_depth, cut.gripper_depth)
    raised = (candidates.world_from_tool[:, 2, 3] - table).astype(np.float32)
    return Crops(cut.depth, raised, cut.gripper_depth)


def heights(
    depth: NDArray[np.float32],
    intrinsics: FloatArray,
    world_from_camera: FloatArray,
    table: float = 0.0,
) -> NDArray[np.float32]:
    """(H, W) m above the plane z = `table` of what a depth picture (H, W) shows."""
    rows, columns = depth.shape
    x = (np.arange(columns) + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (np.arange(rows) + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    up = world_from_camera[2, :3]
    slope = (up[0] * x + (up[1] * y + up[2])[:, None]).astype(np.float32)
    raised: NDArray[np.float32] = depth * slope + np.float32(world_from_camera[2, 3] - table)
    return raised


def filled(picture: NDArray[np.float32], beyond: float | None = None) -> NDArray[np.float32]:
    """(H, W) what has no value has the mean of its neighbours', or `beyond` where they have none
    either; without it the largest of the picture, or 1."""
    missing = np.isnan(picture)
    if not missing.any():
        return picture
    known = np.where(missing, 0.0, picture).astype(np.float32)
    if beyond is None:
        beyond = 1.0 if missing.all() else float(known.max())
    count = cv2.blur((~missing).astype(np.float32), (_HOLE, _HOLE))
    mean = cv2.blur(known, (_HOLE, _HOLE)) / np.maximum(count, 1e-6)
    fill = np.where(count > 1e-3, mean, beyond)
    return np.where(missing, fill, picture).astype(np.float32)
