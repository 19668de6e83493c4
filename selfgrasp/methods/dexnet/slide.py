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

_ANGLES = 16
_BELOW_TOP = (0.010, 0.020, 0.035)
"""m that fingertips go below the top of what is seen."""
_LOWEST_TOP = 0.006
"""m above the table, from where on something lies there."""


def slid(scene: Scene) -> Judged:
    """The grid's grasps on whatever rises above the table inside the workspace."""
    view, spec = scene.view, scene.context.spec
    surface = spec.workspace.surface
    assert view.depth is not None
    shown = heights(filled(view.depth), view.intrinsics, view.world_from_camera, surface)
    canvases = [_turned(scene, shown, index * math.pi / _ANGLES) for index in range(_ANGLES)]
    pictures = np.stack([canvas.picture for canvas in canvases])
    device = next(scene.network.parameters()).device
    features = scene.network.features(torch.from_numpy(pictures).to(device))
    rows, columns = features.shape[2:]
    middle = (scene.config.pixels - 1) // 2
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) * STRIDE
    tops = np.stack(
        [
            cv2.dilate(canvas.picture, np.ones((5, 5), np.uint8))[
                middle : middle + STRIDE * rows : STRIDE,
                middle : middle + STRIDE * columns : STRIDE,
            ]
            for canvas in canvases
        ]
    )
    angle, row, column = np.nonzero(tops > _LOWEST_TOP)
    found, seen = [], features.permute(0, 2, 3, 1)[angle, row, column]
    for below in _BELOW_TOP:
        raised = np.maximum(tops[angle, row, column] - below, spec.workspace.low[2] - surface)
        xy = np.zeros((len(angle), 2))
        for index, canvas in enumerate(canvases):
            mine = angle == index
            places = grid[row[mine], column[mine]] + (scene.config.pixels - 1) / 2
            xy[mine] = canvas.world_xy(scene, places, raised[mine] + surface)
        height = torch.from_numpy(raised.astype(np.float32)).to(device)
        logits = scene.network.judged(seen, height)
        poses = Poses(xy, angle * math.pi / _ANGLES, raised + surface)
        inside = np.asarray(
            ((xy >= spec.workspace.low[:2]) & (xy <= spec.workspace.high[:2])).all(axis=1)
        )
        found.append(scene.judged(poses.take(inside), logits[torch.from_numpy(inside).to(device)]))
    return Judged.joined(found)


@dataclass(frozen=True, eq=False)
class _Canvas:
    """The picture of heights, turned so that fingers close along its columns.

    Attributes:
        picture: (R, R) m.
        picture_from_canvas: (2, 3), between indices (column, row) of pixel centres.
    """

    picture: NDArray[np.float32]
    picture_from_canvas: FloatArray

    def world_xy(self, scene: Scene, places: FloatArray, z: FloatArray) -> FloatArray:
        """(N, 2) m of the points at world heights `z` (N,) m that are seen at `places` (N, 2)."""
        index = places @ self.picture_from_canvas[:, :2].T + self.picture_from_canvas[:, 2]
        intrinsics, camera = scene.view.intrinsics, scene.view.world_from_camera
        rays = np.column_stack([index + 0.5, np.ones(len(index))]) @ np.linalg.inv(intrinsics).T
        rays = rays @ camera[:3, :3].T
        along = (z - camera[2, 3]) / rays[:, 2]
        xy: FloatArray = camera[:2, 3] + along[:, None] * rays[:, :2]
        return xy


def _turned(scene: Scene, shown: NDArray[np.float32], yaw: float) -> _Canvas:
    config, view, workspace = scene.config, scene.view, scene.context.spec.workspace
    middle = np.array([*(workspace.low[:2] + workspace.high[:2]) / 2, workspace.surface + 0.03])
    camera_from_world = np.linalg.inv(view.world_from_camera)
    center = camera_from_world[:3, :3] @ middle + camera_from_world[:3, 3]
    axis = camera_from_world[:2, :3] @ np.array([math.cos(yaw), math.sin(yaw), 0.0])
    axis /= np.linalg.norm(axis)
    meters = config.crop_size / config.pixels
    across = np.linalg.norm(workspace.high[:2] - workspace.low[:2])
    side = STRIDE * math.ceil(across / meters / STRIDE) + config.pixels
    columns = np.stack([axis, [-axis[1], axis[0]]], axis=1)
    matrix = np.empty((2, 3))
    matrix[:, :2] = view.intrinsics[:2, :2] @ columns * (meters / center[2])
    projected = (view.intrinsics @ (center / center[2]))[:2] - 0.5
    matrix[:, 2] = projected - matrix[:, :2] @ np.full(2, (side - 1) / 2)
    picture = cv2.warpAffine(
        shown,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return _Canvas(np.asarray(picture, np.float32), matrix)
