"""Somebody kicks the bin while the hand is over it: what open loop cannot see and closed loop must."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfgrasp.core.attempt import Attempt, Label, Step
from selfgrasp.core.watcher import Watcher
from selfgrasp.workcell.sim.hand import CLEAR_HEIGHT
from selfgrasp.workcell.sim.world import World

_SECONDS = 0.3


class Bump(Watcher):
    """Knocks all objects once in every attempt, after the first motion that ends over the bin, in a random horizontal direction.

    Args:
        world: whose objects.
        speed: m/s.
    """

    def __init__(self, world: World, speed: float) -> None:
        self._world, self._speed, self._done = world, speed, False
        self._rng = np.random.default_rng(0)

    def randomise(self, rng: np.random.Generator) -> None:
        """Go on drawing from `rng`."""
        self._rng = rng

    def on_step(self, step: Step) -> None:
        """The kick, if it has not come yet in this attempt and the hand is still above everything."""
        if self._done or self._world.hand_height < CLEAR_HEIGHT:
            return
        self._done = True
        direction = self._rng.uniform(0, 2 * np.pi)
        self._world.bump(self._speed * np.array([np.cos(direction), np.sin(direction), 0.0]), _SECONDS)

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """The next attempt gets a kick of its own."""
        self._done = False
