"""The demo's heat: how good a grasp would be at every place of a scene."""

from __future__ import annotations

import cv2
import numpy as np

from selfgrasp.core import Context, Grasp, Heat
from selfgrasp.core.pose import top_down
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.vision import heightmap

CELL = 0.005
"""m, between places."""
YAWS = 8
BELOW_TOP = 0.020
"""m that fingertips go below the top of what lies at a place."""
_LEAST = 0.006
"""m above the table, from where on a place is asked about."""
_AT_ONCE = 1024


def heat_of(method: DexNet, context: Context) -> Heat:
    """The network's probability of a robust grasp at every place that rises above the table, in
    `YAWS` directions; NaN elsewhere."""
    workspace, gripper = context.spec.workspace, context.spec.gripper
    view = context.observation.view(method.config.view)
    top = heightmap(view, workspace, pixel=CELL, margin=0.0, colored=False)
    highest = cv2.dilate(top.height, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(top.height > workspace.surface + _LEAST)
    xy = top.world_xy(np.stack([columns, rows], axis=1) + 0.5)
    z = np.maximum(highest[rows, columns] - BELOW_TOP, workspace.low[2])
    yaws = np.arange(YAWS) * np.pi / YAWS
    grasps = [
        Grasp(top_down((*place, height), yaw), gripper.opening)
        for yaw in yaws
        for place, height in zip(xy, z, strict=True)
    ]
    scores = [
        method.score(context, grasps[at : at + _AT_ONCE]) for at in range(0, len(grasps), _AT_ONCE)
    ]
    values = np.full((YAWS, *top.height.shape), np.nan, np.float32)
    if grasps:
        values[:, rows, columns] = np.concatenate(scores).reshape(YAWS, -1)
    return Heat(values, yaws, top.world_from_map, top.pixel)
