"""A depth heuristic: antipodal edges, thin and well inside the fingers, free on both sides, near
the middle of the object, high objects first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Action, Context, Grasp, Plan, Workspace, draw
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.vision import Closing, antipodal, closings, diverse, regions
from selfgrasp.vision.grasp_pose import INSERTION
from selfgrasp.vision.heat import spots
from selfgrasp.vision.scene_map import SceneMap, evenly_over_objects, scene_map

_NO_GRASP = -3.0
_TURN = math.radians(15)
"""How far a candidate is turned at most to close squarely on both edges."""

_CLEARANCE = 0.010
"""m of free way beside the object from which a finger has room enough."""
_END = 0.04
"""m from the middle of an object at which a grasp counts as at its end."""
# A score is 1 less the sum of costs, each the largest of its kind.
_WIDTH_COST = 0.15
"""Of an object as wide as the opening."""
_SLANT_COST = 0.20
"""Of contacts at the rim of the friction cone."""
_CONTACT_COST = 0.25
"""Of fingers that meet the object with none of their breadth."""
_DEPTH_COST = 0.20
"""Of fingertips that reach no deeper than the object's top."""
_CLEARANCE_COST = 0.20
"""Of a finger without free way."""
_CENTRE_COST = 0.25
"""Of a grasp at the end of an object."""
_LOW_COST = 0.15
"""Of an object as low as the table."""
_BLOCKED_COST = 1.0
"""Of a finger that would land on something, or of nothing that fits between the fingers."""


@dataclass(frozen=True)
class HeuristicConfig:
    """The heuristic's parameters.

    Attributes:
        view: name of the view; None takes the first with depth.
        pixel: m, side of a heightmap cell.
        friction: coefficient assumed at the contacts; edges slanted more than its cone are not
            candidates.
        candidates: how many a plan holds.
        separation: m between two of them, unless their angles differ by more than 40 deg.
        temperature: with which one of them is drawn, see `core.draw`; 0 takes the best.
    """

    view: str | None = None
    pixel: float = 0.0025
    friction: float = 0.5
    candidates: int = 16
    separation: float = 0.018
    temperature: float = 0.0


@dataclass(frozen=True)
class HeuristicPolicy:
    """Ranks antipodal candidates, and even ones over every object, by one formula, which scores any
    grasp."""

    config: HeuristicConfig = field(default_factory=HeuristicConfig)
    name: str = "heuristic"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """Diverse candidates, best first, with a map of the scores named "quality"."""
        config, spec = self.config, context.spec
        seen = self._scene_map(context)
        if seen.reason:
            return Plan.nothing(seen.reason)
        pairs = antipodal(
            seen.map,
            spec.gripper,
            spec.workspace,
            friction=config.friction,
        )
        xy, yaw = evenly_over_objects(seen)
        rough = _joined(pairs, closings(seen.map, xy, yaw, spec.gripper, spec.workspace))
        rough = rough.take(_inside(rough.xy, spec.workspace))
        best = diverse(
            rough.xy,
            rough.yaw,
            self._scores(rough, seen, context),
            most=3 * config.candidates,
            separation=config.separation / 3,
        )
        # Measured again, moved to the middle and turned square: the first measurement was taken
        # where the edges happened to be.
        yaw = (
            rough.yaw[best]
            + np.where(rough.contact[best] > 0.5, np.clip(rough.skew[best], -_TURN, _TURN), 0.0)
        ) % math.pi
        found = closings(seen.map, rough.xy[best], yaw, spec.gripper, spec.workspace)
        found = found.take(_inside(found.xy, spec.workspace))
        scores = self._scores(found, seen, context)
        best = diverse(
            found.xy,
            found.yaw,
            scores,
            most=config.candidates,
            separation=config.separation,
        )
        opening = found.opening(spec.gripper)
        actions = tuple(
            Grasp(top_down((*found.xy[i], found.z[i]), float(found.yaw[i])), float(opening[i]))
            for i in best
        )
        if not actions:
            return Plan.nothing(
                "every object lies at the edge of the workspace, with its middle outside"
            )
        drawn = draw(scores[best], config.temperature, context.rng())
        return Plan(
            actions,
            scores[best],
            chosen=drawn.index,
            probability=drawn.probability,
            maps={"quality": spots(seen.map, found.xy, found.yaw, scores)},
        )

    def score(self, context: Context, actions: Sequence[Action]) -> FloatArray:
        """(N,) scores of any actions by the formula of `plan`; what is not a grasp gets the
        lowest."""
        scores = np.full(len(actions), _NO_GRASP)
        grasps = [(i, action) for i, action in enumerate(actions) if isinstance(action, Grasp)]
        seen = self._scene_map(context)
        if not grasps or seen.reason:
            return scores
        poses = np.stack([grasp.world_from_tool for _, grasp in grasps])
        yaw = np.array([yaw_of(pose) for pose in poses])
        found = closings(
            seen.map,
            poses[:, :2, 3],
            yaw,
            context.spec.gripper,
            context.spec.workspace,
            z=poses[:, 2, 3],
        )
        opened = np.array([grasp.width for _, grasp in grasps])
        # The room on the worse side shrinks by as much as the grasp is off the object's middle.
        room = (opened - np.nan_to_num(found.width)) / 2 - found.offset
        values = self._scores(found, seen, context) - _BLOCKED_COST * (room < 0)
        scores[[i for i, _ in grasps]] = values
        return scores

    def _scene_map(self, context: Context) -> SceneMap:
        return scene_map(
            context,
            view=self.config.view,
            pixel=self.config.pixel,
        )

    def _scores(self, found: Closing, seen: SceneMap, context: Context) -> FloatArray:
        """(N,) 1 less the weighted costs."""
        config, gripper, surface = self.config, context.spec.gripper, context.spec.workspace.surface
        tallest = max(float(seen.map.height[seen.mask].max()) - surface, 1e-3)
        fits = np.isfinite(found.width) & (found.depth > 0.002)
        costs = (
            _WIDTH_COST * np.nan_to_num(found.width / gripper.opening, nan=1.0)
            + _SLANT_COST * np.minimum(found.slant / config.friction, 2.0)
            + _CONTACT_COST * (1 - found.contact)
            + _DEPTH_COST * (1 - np.minimum(found.depth / INSERTION, 1.0))
            + _CLEARANCE_COST * (1 - np.clip(found.gap / _CLEARANCE, 0.0, 1.0))
            + _CENTRE_COST * np.minimum(_off_centre(seen, found.xy) / _END, 1.0)
            + _LOW_COST * (1 - np.clip((found.z + found.depth - surface) / tallest, 0.0, 1.0))
            + _BLOCKED_COST * ((found.gap < 0) | ~fits)
        )
        return 1 - costs


def _inside(xy: FloatArray, workspace: Workspace) -> NDArray[np.bool_]:
    """(N,) whether points (N, 2) m lie in the workspace."""
    return np.asarray(((xy >= workspace.low[:2]) & (xy <= workspace.high[:2])).all(axis=1))


def _off_centre(seen: SceneMap, xy: FloatArray) -> FloatArray:
    """(N,) m from each point to the middle of the object it lies on; touching objects are
    separated by the steep cells between them."""
    height = cv2.GaussianBlur(seen.map.height, (3, 3), 0)
    kernel = np.ones((3, 3), np.uint8)
    steep = (cv2.dilate(height, kernel) - cv2.erode(height, kernel)) > 1.2 * seen.map.pixel * 2
    things = regions(seen.mask & ~steep, minimum_px=6)
    whole = regions(seen.mask, minimum_px=1)
    cells = seen.map.cells(xy)
    rows, cols = seen.mask.shape
    col, row = (
        np.clip(cells[:, 0].astype(np.int64), 0, cols - 1),
        np.clip(cells[:, 1].astype(np.int64), 0, rows - 1),
    )
    own = cv2.dilate(things.labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int64)[
        row, col
    ]
    distance = np.full(len(xy), np.inf)
    for label, group in ((whole.labels[row, col], whole), (own, things)):
        known = label > 0
        distance[known] = (
            np.linalg.norm(cells[known] - group.centroid[label[known] - 1], axis=1) * seen.map.pixel
        )
    return distance


def _joined(a: Closing, b: Closing) -> Closing:
    return Closing(
        *(np.concatenate([x, y]) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))
    )


POLICY = HeuristicPolicy
