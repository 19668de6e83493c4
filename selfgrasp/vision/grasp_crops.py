"""Depth around a grasp as the gripper will see it: what a grasp quality network judges (Mahler et
al. 2017, Dex-Net 2.0, section V)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Candidates, InputError
from selfgrasp.core.arrays import FloatArray, checked_number


@dataclass(frozen=True, eq=False)
class GraspCrops:
    """N crops.

    Attributes:
        depth: (N, p, p) float32 m along the camera's optical axis, or whatever else was cut; NaN
            where a pixel that it is made of has no return.
        gripper_depth: (N,) float32 m, the depth of the point between the fingertips.
    """

    depth: NDArray[np.float32]
    gripper_depth: NDArray[np.float32]


def grasp_crops(
    candidates: Candidates,
    *,
    size: float,
    pixels: int,
    pictures: NDArray[np.float32] | None = None,
) -> GraspCrops:
    """Square crops of `size` m at the gripper's depth and `pixels` px a side, centred on the point
    between the fingertips.

    Columns run along the closing direction as the camera sees it; rows along that direction turned
    by +90 deg about the optical axis. A crop covers `size` m whatever the camera's distance and
    focal length: 0.128 m are the 96 px of the published network, seen from 0.7 m with 525 px.
    Beyond the picture its border is repeated.

    Args:
        candidates: the grasps and the pictures that they are seen in.
        size: m.
        pixels: of a side.
        pictures: (V, H, W) what is cut instead of the depth, as the heights of its pixels.

    Raises:
        InputError: a grasp behind its camera, or one that closes along the optical axis.
    """
    checked_number(size, 1e-4, 10.0, "size (m)")
    view = candidates.view
    camera_from_tool = np.linalg.inv(candidates.world_from_camera)[view] @ (
        candidates.world_from_tool
    )
    depth = camera_from_tool[:, 2, 3]
    closing = camera_from_tool[:, :2, 0]
    length = np.linalg.norm(closing, axis=1)
    if len(view) and (depth.min() <= 0 or length.min() < 1e-3):
        raise InputError(
            given=f"{int((depth <= 0).sum())} grasps behind the camera and "
            f"{int((length < 1e-3).sum())} that close along its optical axis",
            wanted="grasps in front of the camera that close across its picture",
        )
    axis = closing / length[:, None]
    matrices = picture_from_crop(
        candidates.intrinsics[view], camera_from_tool[:, :3, 3], axis, size, pixels
    )
    shown = candidates.depth if pictures is None else pictures
    return GraspCrops(cut(shown, view, matrices, pixels), depth.astype(np.float32))


def cut(
    pictures: NDArray[np.float32], view: NDArray[np.int64], matrices: FloatArray, pixels: int
) -> NDArray[np.float32]:
    """(N, p, p) crops, each of the picture (V, H, W) at its `view` (N,) by its matrix."""
    crops = np.empty((len(view), pixels, pixels), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Bilinear sampling would skip pixels where a crop's pixel covers several: those are averaged.
    steps = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    sides = np.floor(steps + 0.5).astype(np.int64) | 1
    pairs, members = np.unique(np.stack([view, sides], axis=1), axis=0, return_inverse=True)
    for pair, (shown, side) in enumerate(pairs):
        picture = pictures[shown]
        if side > 1:
            picture = cv2.blur(picture, (int(side), int(side)))
        for i in np.flatnonzero(members == pair):
            cv2.warpAffine(
                picture, matrices[i], (pixels, pixels), crops[i], flags, cv2.BORDER_REPLICATE
            )
    return crops


def picture_from_crop(
    intrinsics: FloatArray, centers: FloatArray, axis: FloatArray, size: float, pixels: int
) -> FloatArray:
    """(N, 2, 3) maps from crop indices (column, row) to picture indices; indices are of pixel
    centres. `centers` (N, 3) and `axis` (N, 2) are in camera axes."""
    scale = (size / pixels / centers[:, 2])[:, None]
    columns = np.stack([axis, np.stack([-axis[:, 1], axis[:, 0]], axis=1)], axis=2)
    out = np.empty((len(centers), 2, 3))
    out[:, :, :2] = intrinsics[:, :2, :2] @ columns * scale[:, None]
    projected = np.einsum("nij,nj->ni", intrinsics, centers / centers[:, 2:])[:, :2]
    half = (pixels - 1) / 2
    out[:, :, 2] = projected - 0.5 - half * out[:, :, :2].sum(axis=2)
    return out
