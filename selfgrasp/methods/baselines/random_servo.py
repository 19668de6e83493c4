"""Random motions with the hand over the bin, then a grasp: how Levine et al. 2016 collected their
first data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core import Close, Context, Move, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import smaller_turn, yaw_of


@dataclass(frozen=True)
class RandomServoConfig:
    """How random attempts are drawn.

    Attributes:
        steps: fewest and most motions before the fingers close; the last one goes down to the bin's
            floor.
        hover: m above the floor, lowest and highest of the fingertips between the first motion and
            the last.
        nearby: m and rad, standard deviations of where every second attempt's last motion ends from
            where the one before ended; the others' end anywhere.
    """

    steps: tuple[int, int] = (2, 3)
    hover: tuple[float, float] = (0.10, 0.22)
    nearby: tuple[float, float] = (0.03, 0.5)


@dataclass(frozen=True)
class RandomServoPolicy:
    """Moves to random places over the bin, goes down at one, and closes. It looks at nothing."""

    config: RandomServoConfig = field(default_factory=RandomServoConfig)
    name: str = "random_servo"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """The next motion, with score 0."""
        config, workspace, step = self.config, context.spec.workspace, context.step
        # What holds for the whole attempt comes first, so that every step draws it alike.
        rng = context.rng()
        count, near = (
            int(rng.integers(config.steps[0], config.steps[1] + 1)),
            bool(rng.random() < 0.5),
        )
        if step >= count:
            return Plan.only(Close())
        rng = np.random.default_rng([context.seed, step])
        here, low, high = context.observation.hand.world_from_tool, workspace.low, workspace.high
        where, yaw = (
            np.array([*rng.uniform(low[:2], high[:2]), high[2]]),
            rng.uniform(-math.pi / 2, math.pi / 2),
        )
        if step == count - 1:
            where[2] = low[2]
            if near:
                where[:2] = np.clip(
                    here[:2, 3] + rng.normal(0, config.nearby[0], 2), low[:2], high[:2]
                )
                yaw = yaw_of(here) + rng.normal(0, config.nearby[1])
        elif step:
            where[2] = workspace.surface + rng.uniform(*config.hover)
        # The first motion, from where the hand waits, goes through free air.
        return Plan.only(move_to(here, where, yaw))


def move_to(world_from_tool: FloatArray, where: FloatArray, yaw: float) -> Move:
    """The motion from a tool pose (4, 4) to `where` (3,) m with closing direction `yaw` rad or its
    opposite, whichever is the smaller turn."""
    turn = smaller_turn(yaw - yaw_of(world_from_tool))
    return Move(where - world_from_tool[:3, 3], turn)


POLICY = RandomServoPolicy
