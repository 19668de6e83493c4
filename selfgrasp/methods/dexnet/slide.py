"""The network slid over the picture, turned to 16 angles (Satish et al. 2019, FC-GQ-CNN)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.dexnet.network import STRIDE
from selfgrasp.methods.dexnet.pictures import filled, heights
from selfgrasp.methods.dexnet.scene import Judged, Poses, Scene
from selfgrasp.vision.grasp_crops import cut, picture_from_crop

_ANGLES = 16
_BELOW_TOP = (0.010, 0.020, 0.035)
"""m that fingertips go below the top of what is seen."""
_LOWEST_TOP = 0.006
"""m above the table, from where on something lies there."""
_TOP = np.ones((6, 6), np.uint8)
"""Where a crop's top is looked for: around its middle, which lies between two pixels."""


def slid(scene: Scene) -> Judged:
    """The grid's grasps on whatever rises above the table inside the workspace."""
    looks = [look for canvas in _canvases(scene) if (look := _look(scene, canvas)) is not None]
    if not looks:
        return scene.judge(Poses(np.zeros((0, 2)), np.zeros(0), np.zeros(0)))
    features = torch.cat([look.features for look in looks])
    found = []
    for level in range(len(_BELOW_TOP)):
        poses = Poses.of(np.concatenate([look.poses[level].table for look in looks]))
        raised = (poses.z - scene.context.spec.workspace.surface).astype(np.float32)
        height = torch.from_numpy(raised).to(features.device)
        found.append(scene.judged(poses, scene.network.judged(features, height)))
    return Judged.joined(found)


@dataclass(frozen=True, eq=False)
class _Canvas:
    """The picture of heights, turned so that fingers close along its columns.

    Attributes:
        picture: (R, R) m.
        picture_from_canvas: (2, 3), between indices (column, row) of pixel centres.
        yaw: rad, of the closing direction.
    """

    picture: NDArray[np.float32]
    picture_from_canvas: FloatArray
    yaw: float

    def world_xy(self, scene: Scene, places: FloatArray, z: FloatArray) -> FloatArray:
        """(..., 2) m of the points at world heights `z` (...,) m that are seen at the indices
        (column, row) `places` (..., 2)."""
        index = places @ self.picture_from_canvas[:, :2].T + self.picture_from_canvas[:, 2]
        intrinsics, camera = scene.view.intrinsics, scene.view.world_from_camera
        ahead = np.concatenate([index + 0.5, np.ones((*index.shape[:-1], 1))], axis=-1)
        rays = ahead @ np.linalg.inv(intrinsics).T @ camera[:3, :3].T
        along = (z - camera[2, 3]) / rays[..., 2]
        xy: FloatArray = camera[:2, 3] + along[..., None] * rays[..., :2]
        return xy


@dataclass(frozen=True, eq=False)
class _Look:
    """What the network sees on one canvas.

    Attributes:
        features: (N, F) of N places.
        poses: of N grasps at these places, for each depth below the top.
    """

    features: torch.Tensor
    poses: tuple[Poses, ...]


def _look(scene: Scene, canvas: _Canvas) -> _Look | None:
    """The places of the grid where something lies inside the workspace, and nothing else of the
    canvas; None without any."""
    pixels, workspace = scene.config.pixels, scene.context.spec.workspace
    count = (len(canvas.picture) - pixels) // STRIDE + 1
    tops = cv2.dilate(canvas.picture, _TOP)[pixels // 2 :: STRIDE, pixels // 2 :: STRIDE]
    tops = tops[:count, :count]
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), axis=-1) * STRIDE
    places: FloatArray = (grid + (pixels - 1) / 2).astype(np.float64)
    lowest = float(workspace.low[2])
    levels = [
        np.maximum(tops + (workspace.surface - below), lowest).astype(np.float64)
        for below in _BELOW_TOP
    ]
    xy = [canvas.world_xy(scene, places, z) for z in levels]
    inside = [((one >= workspace.low[:2]) & (one <= workspace.high[:2])).all(axis=-1) for one in xy]
    wanted = (tops > _LOWEST_TOP) & np.all(inside, axis=0) & scene.on_something(xy[0])
    rows, columns = np.nonzero(wanted)
    if not len(rows):
        return None
    top, left = rows.min(), columns.min()
    part = canvas.picture[
        STRIDE * top : STRIDE * rows.max() + pixels, STRIDE * left : STRIDE * columns.max() + pixels
    ]
    device = next(scene.network.parameters()).device
    features = scene.network.features(torch.from_numpy(part.copy())[None].to(device))[0]
    yaw = np.full(len(rows), canvas.yaw)
    return _Look(
        features[:, rows - top, columns - left].T,
        tuple(
            Poses(one[rows, columns], yaw, z[rows, columns])
            for one, z in zip(xy, levels, strict=True)
        ),
    )


def _canvases(scene: Scene) -> list[_Canvas]:
    """One for each angle; each covers the workspace."""
    config, view, workspace = scene.config, scene.view, scene.context.spec.workspace
    assert view.depth is not None
    shown = filled(
        heights(view.depth, view.intrinsics, view.world_from_camera, workspace.surface), beyond=0.0
    )
    camera_from_world = np.linalg.inv(view.world_from_camera)
    middle = np.array([*(workspace.low[:2] + workspace.high[:2]) / 2, workspace.surface + 0.03])
    center = camera_from_world[:3, :3] @ middle + camera_from_world[:3, 3]
    yaws = np.arange(_ANGLES) * math.pi / _ANGLES
    axes = np.stack([np.cos(yaws), np.sin(yaws), np.zeros(_ANGLES)], axis=1)
    axes = (axes @ camera_from_world[:3, :3].T)[:, :2]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    meters = config.crop_size / config.pixels
    across = np.linalg.norm(workspace.high[:2] - workspace.low[:2])
    side = STRIDE * math.ceil(across / meters / STRIDE) + config.pixels
    matrices = picture_from_crop(
        np.repeat(view.intrinsics[None], _ANGLES, axis=0),
        np.repeat(center[None], _ANGLES, axis=0),
        axes,
        side * meters,
        side,
    )
    pictures = cut(shown[None], np.zeros(_ANGLES, np.int64), matrices, side)
    return [_Canvas(*one) for one in zip(pictures, matrices, yaws.tolist(), strict=True)]
