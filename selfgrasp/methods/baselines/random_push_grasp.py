"""Random pushes and grasps, where they can move or meet something: how VPG collects its first
data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core import Context, Plan
from selfgrasp.vision import heightmap
from selfgrasp.vision.random_actions import random_action
from selfgrasp.vision.scene_map import NO_DEPTH, view_with_depth


@dataclass(frozen=True)
class RandomPushGraspConfig:
    """How they are drawn.

    Attributes:
        view: name of the view; None takes the first with depth.
        pixel: m, side of a map cell.
        pushes: share of pushes.
    """

    view: str | None = None
    pixel: float = 0.004
    pushes: float = 0.5


@dataclass(frozen=True)
class RandomPushGraspPolicy:
    """A random primitive, at a random place and in a random direction of those where it makes
    sense: epsilon-greedy with an epsilon of 1, over primitive and place."""

    config: RandomPushGraspConfig = field(default_factory=RandomPushGraspConfig)
    name: str = "random_push_grasp"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """One action; none where nothing stands in the workspace."""
        spec, rng = context.spec, context.rng()
        view = view_with_depth(context.observation, self.config.view)
        if view.depth is None:
            return Plan.nothing(NO_DEPTH)
        top = heightmap(view, spec.workspace, pixel=self.config.pixel, margin=0.0, colored=False)
        drawn = random_action(top, spec, rng, pushes=self.config.pushes)
        if drawn is None:
            return Plan.nothing("nothing stands in the workspace")
        return Plan((drawn.action,), np.zeros(1), chosen=0, probability=drawn.probability)


POLICY = RandomPushGraspPolicy
