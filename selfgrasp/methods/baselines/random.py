"""Random grasps on what is not table: how Pinto & Gupta collected their first data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core import Context, Plan
from selfgrasp.vision import grasps_at, regions
from selfgrasp.vision.scene_map import scene_map


@dataclass(frozen=True)
class RandomConfig:
    """How random grasps are drawn.

    Attributes:
        view: name of the view; None takes the first with depth.
        pixel: m, side of a map cell.
        candidates: how many are drawn; the first is done.
        narrowest: share of the full opening; how wide the fingers are on the way down is uniform
            from there to fully open. 1 leaves them open, as published.
    """

    view: str | None = None
    pixel: float = 0.004
    candidates: int = 10
    narrowest: float = 0.35


@dataclass(frozen=True)
class RandomPolicy:
    """One region of interest at random, a uniform point in it, a uniform angle in [0, pi): Pinto &
    Gupta 2016, section III.A.

    Regions are what rises above the table.
    """

    config: RandomConfig = field(default_factory=RandomConfig)
    name: str = "random"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """Candidates drawn independently of each other, all with score 0; the first is chosen."""
        config, spec = self.config, context.spec
        seen = scene_map(context, view=config.view, pixel=config.pixel)
        if seen.reason:
            return Plan.nothing(seen.reason)
        rng = context.rng()
        found = regions(seen.mask, minimum_px=1)
        cells = [np.argwhere(found.labels == r + 1)[:, ::-1] for r in range(len(found))]
        chosen = [cells[rng.integers(len(cells))] for _ in range(config.candidates)]
        where = np.array([region[rng.integers(len(region))] for region in chosen]) + rng.random(
            (config.candidates, 2)
        )
        xy = np.clip(seen.map.world_xy(where), spec.workspace.low[:2], spec.workspace.high[:2])
        yaw = rng.uniform(0, math.pi, config.candidates)
        width = spec.gripper.opening * rng.uniform(config.narrowest, 1.0, config.candidates)
        actions = grasps_at(seen.map, xy, yaw, spec.gripper, spec.workspace, width=width)
        return Plan(actions, np.zeros(len(actions)), chosen=0, probability=1 / len(actions))


POLICY = RandomPolicy
