"""Which grasps a plan scores: antipodal pairs, those that the cross-entropy method finds, or a grid
over the whole picture (`config.Planner`).

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

from selfgrasp.core import Candidates, Context, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.dexnet.config import DexNetConfig, Ranking
from selfgrasp.methods.dexnet.network import STRIDE, QualityNetwork
from selfgrasp.methods.dexnet.pictures import crops_of, filled, heights
from selfgrasp.servo.search import failure_penalty
from selfgrasp.vision import Heightmap, antipodal, closings, diverse, heightmap
from selfgrasp.vision.cem import around_elites

_CELL = 0.0025
"""m, side of a cell of the map on which edges are paired."""
_RAISED = (0.0, 0.010, 0.020)
"""m above the usual height of the fingertips at which a pair is scored, too."""
_MISS = 2.0
"""Logits that a grasp loses where one failed before."""
_ROUNDS, _SAMPLES, _ELITES = 3, 100, 25
_DEVIATION = np.array([0.008, 0.008, 0.3, 0.008])
"""m, m, rad, m, of samples around an elite in the second round; halved in each further one."""
_ANGLES = 16
_BELOW_TOP = (0.010, 0.020, 0.035)
"""m that fingertips go below the top of what is seen, in a dense plan."""
_LOWEST_TOP = 0.006
_LEAST_DEPTH = 0.002
_REFINED = 64
"""Places of a dense plan that are scored again."""


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
        view: with depth.
        network: judges.
        config: of the network.
        map: the scene from above.
    """

    context: Context
    view: View
    network: QualityNetwork
    config: DexNetConfig
    map: Heightmap

    @staticmethod
    def of(context: Context, network: QualityNetwork, config: DexNetConfig) -> Scene | str:
        """The scene of a context, or why there is none."""
        views = context.observation.views
        chosen = (
            views[config.view]
            if config.view is not None
            else next((view for view in views.values() if view.depth is not None), None)
        )
        if chosen is None or chosen.depth is None:
            return "the view has no depth"
        if np.isnan(chosen.depth).all():
            return "the camera measured no depth anywhere"
        top = heightmap(chosen, context.spec.workspace, pixel=_CELL, colored=False)
        return Scene(context, chosen, network, config, top)

    def judge(self, poses: Poses) -> Judged:
        """The network's opinion of grasps, each seen in a crop of its own."""
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
        logits = self.network(
            torch.from_numpy(crops.picture).to(device), torch.from_numpy(crops.gripper).to(device)
        )
        return self.judged(poses, logits)

    def openings(self, poses: Poses) -> FloatArray:
        """(N,) m to which the fingers open: as wide as the free way allows."""
        spec = self.context.spec
        found = closings(self.map, poses.xy, poses.yaw, spec.gripper, spec.workspace, z=poses.z)
        return found.opening(spec.gripper)

    def pairs(self) -> Poses:
        """Antipodal pairs of edges, each at several heights."""
        spec = self.context.spec
        found = antipodal(self.map, spec.gripper, spec.workspace, most=self.config.pairs)
        each = []
        for raised in _RAISED:
            higher = found if raised == 0.0 else found.take(found.depth > raised)
            z = np.minimum(higher.z + raised, spec.workspace.high[2])
            each.append(np.column_stack([higher.xy, higher.yaw, z]))
        return Poses.of(np.concatenate(each))

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


def rank(scene: Scene, rng: np.random.Generator) -> Judged:
    """Antipodal pairs (sample and rank)."""
    return scene.judge(scene.pairs())


def cem(scene: Scene, rng: np.random.Generator) -> Judged:
    """Three rounds of the cross-entropy method, from antipodal pairs on."""
    pairs = scene.pairs()
    if not len(pairs):
        return scene.judge(pairs)
    kept = rng.choice(len(pairs), min(_SAMPLES, len(pairs)), replace=False)
    found = scene.judge(pairs.take(kept))
    for number in range(1, _ROUNDS):
        drawn = around_elites(
            found.poses.table,
            found.values,
            elites=_ELITES,
            count=_SAMPLES,
            deviation=_DEVIATION / 2 ** (number - 1),
            rng=rng,
        )
        found = Judged.joined([found, scene.judge(scene.inside(Poses.of(drawn)))])
    return found


def dense(scene: Scene, rng: np.random.Generator) -> Judged:
    """The network slid over the picture, turned to 16 angles; the best places moved to the middle
    of what they close on and scored again, with a crop of their own. Those between whose fingers
    the map has nothing that fits are left out."""
    grid = _slid(scene)
    if not len(grid.poses):
        return grid
    best = diverse(
        grid.poses.xy,
        grid.poses.yaw,
        grid.values,
        most=_REFINED,
        separation=0.012,
        another_yaw=0.25,
    )
    spec, poses = scene.context.spec, grid.poses.take(best)
    moved = closings(scene.map, poses.xy, poses.yaw, spec.gripper, spec.workspace, z=poses.z)
    fits = np.isfinite(moved.width) & (moved.depth > _LEAST_DEPTH)
    middle = scene.inside(Poses(moved.xy, poses.yaw, poses.z))
    return Judged.joined([scene.judge(poses.take(fits)), scene.judge(middle.take(fits))])


def _slid(scene: Scene) -> Judged:
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
