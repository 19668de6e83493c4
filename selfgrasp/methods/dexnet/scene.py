"""What a plan sees, and the network's opinion of grasps in it.

N grasps, T outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import Candidates, Context, Heat, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.dexnet.config import DexNetConfig, Ranking
from selfgrasp.methods.dexnet.network import QualityNetwork
from selfgrasp.methods.dexnet.pictures import crops_of
from selfgrasp.servo.search import failure_penalty
from selfgrasp.vision import Heightmap, antipodal, closings
from selfgrasp.vision.heat import spots
from selfgrasp.vision.scene_map import SceneMap, evenly_over_objects, scene_map

_CELL = 0.0025
"""m, side of a cell of the map on which edges are paired."""
_RAISED = (0.0, 0.010, 0.020)
"""m above the usual height of the fingertips at which a pair is scored, too."""
_BESIDE = np.ones((9, 9), np.uint8)
"""1 cm about each cell."""
_EVENLY = 20
"""Places spread over the objects, each at 8 angles."""
_MISS = 2.0
"""Logits that a grasp loses where one failed before."""


@dataclass(frozen=True, eq=False)
class Poses:
    """N grasps from above.

    Attributes:
        xy: (N, 2) m in the world.
        yaw: (N,) rad, of the closing direction.
        z: (N,) m in the world, of the fingertips.
    """

    xy: FloatArray
    yaw: FloatArray
    z: FloatArray

    def __len__(self) -> int:
        return len(self.z)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Poses:
        """The grasps at `index`."""
        return Poses(self.xy[index], self.yaw[index], self.z[index])

    @property
    def table(self) -> FloatArray:
        """(N, 4): x, y, yaw, z."""
        return np.column_stack([self.xy, self.yaw, self.z])

    @staticmethod
    def of(table: FloatArray) -> Poses:
        """The inverse of `table`."""
        return Poses(table[:, :2], table[:, 2], table[:, 3])

    @property
    def world_from_tool(self) -> FloatArray:
        """(N, 4, 4)."""
        tools = np.zeros((len(self), 4, 4))
        tools[:, 0, 0], tools[:, 1, 0] = np.cos(self.yaw), np.sin(self.yaw)
        tools[:, 0, 1], tools[:, 1, 1] = np.sin(self.yaw), -np.cos(self.yaw)
        tools[:, 2, 2], tools[:, 3, 3] = -1.0, 1.0
        tools[:, :2, 3], tools[:, 2, 3] = self.xy, self.z
        return tools


@dataclass(frozen=True, eq=False)
class Judged:
    """Grasps and the network's opinion.

    Attributes:
        poses: N of them.
        robust: (N,) the first output's probability.
        values: (N,) logits by which they are ranked, less what a grasp loses where one failed
            before.
    """

    poses: Poses
    robust: FloatArray
    values: FloatArray

    @staticmethod
    def joined(parts: Sequence[Judged]) -> Judged:
        """All of them."""
        return Judged(
            Poses.of(np.concatenate([part.poses.table for part in parts])),
            np.concatenate([part.robust for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """What is seen, and who judges it.

    Attributes:
        context: of the plan.
        network: judges.
        config: of the network.
        seen: the scene from above, from a view with depth.
    """

    context: Context
    network: QualityNetwork
    config: DexNetConfig
    seen: SceneMap

    @staticmethod
    def of(context: Context, network: QualityNetwork, config: DexNetConfig) -> Scene | str:
        """The scene of a context, or why there is none."""
        seen = scene_map(context, view=config.view, pixel=_CELL)
        return seen.reason or Scene(context, network, config, seen)

    @property
    def view(self) -> View:
        """What the camera sees."""
        return self.seen.view

    @property
    def map(self) -> Heightmap:
        """The scene from above."""
        return self.seen.map

    def judge(self, poses: Poses, *, mirrored: bool = False) -> Judged:
        """The network's opinion of grasps, each seen in a crop of its own, or in its four
        mirrorings."""
        if not len(poses):
            return Judged(poses, np.zeros(0), np.zeros(0))
        assert self.view.depth is not None
        candidates = Candidates(
            depth=self.view.depth[None],
            intrinsics=self.view.intrinsics[None],
            world_from_camera=self.view.world_from_camera[None],
            objects=("",),
            view=np.zeros(len(poses), np.int64),
            world_from_tool=poses.world_from_tool,
            width=np.zeros(len(poses)),
        )
        crops = crops_of(candidates, self.config, table=self.context.spec.workspace.surface)
        device = next(self.network.parameters()).device
        judge = self.network.mirrored if mirrored else self.network
        logits = judge(
            torch.from_numpy(crops.picture).to(device), torch.from_numpy(crops.gripper).to(device)
        )
        return self.judged(poses, logits)

    def openings(self, poses: Poses) -> FloatArray:
        """(N,) m to which the fingers open: as wide as the free way allows."""
        spec = self.context.spec
        found = closings(self.map, poses.xy, poses.yaw, spec.gripper, spec.workspace, z=poses.z)
        return found.opening(spec.gripper)

    def on_something(self, xy: FloatArray) -> NDArray[np.bool_]:
        """(...,) whether places (..., 2) m lie on what rises above the table, or beside it."""
        near = cv2.dilate(self.seen.mask.astype(np.uint8), _BESIDE)
        rows, columns = near.shape
        cells = np.floor(self.map.cells(xy)).astype(np.int64)
        column, row = (
            np.clip(cells[..., 0], 0, columns - 1),
            np.clip(cells[..., 1], 0, rows - 1),
        )
        return np.asarray(near[row, column] > 0)

    def heat(self, shown: Judged) -> Heat:
        """The probabilities of robust grasps on the map."""
        return spots(self.map, shown.poses.xy, shown.poses.yaw, shown.robust)

    def pairs(self) -> Poses:
        """Antipodal pairs of edges, each at several heights, and grasps evenly over the objects,
        for those without clean edges."""
        spec = self.context.spec
        found = antipodal(self.map, spec.gripper, spec.workspace, most=self.config.pairs)
        each = []
        for raised in _RAISED:
            higher = found if raised == 0.0 else found.take(found.depth > raised)
            z = np.minimum(higher.z + raised, spec.workspace.high[2])
            each.append(np.column_stack([higher.xy, higher.yaw, z]))
        xy, yaw = evenly_over_objects(self.seen, points=_EVENLY)
        over = closings(self.map, xy, yaw, spec.gripper, spec.workspace)
        each.append(np.column_stack([over.xy, over.yaw, over.z])[np.isfinite(over.width)])
        return self.inside(Poses.of(np.concatenate(each)))

    def inside(self, poses: Poses) -> Poses:
        """The grasps moved into the workspace."""
        workspace = self.context.spec.workspace
        low, high = workspace.low, workspace.high
        return Poses(
            np.clip(poses.xy, low[:2], high[:2]),
            poses.yaw % math.pi,
            np.clip(poses.z, low[2], high[2]),
        )

    def judged(self, poses: Poses, logits: torch.Tensor) -> Judged:
        """Grasps with the network's logits (N, T) of them."""
        chances = torch.sigmoid(logits.double()).cpu().numpy()
        first = self.config.ranking is Ranking.FIRST
        ranked = np.clip(chances[:, 0] if first else chances.mean(axis=1), 1e-9, 1.0 - 1e-9)
        penalty = failure_penalty(poses.table[:, :3], self.context.misses)
        return Judged(poses, chances[:, 0], np.log(ranked / (1.0 - ranked)) - _MISS * penalty)
