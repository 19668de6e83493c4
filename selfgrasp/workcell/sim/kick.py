"""Somebody kicks the bin while the hand is on its way: what open loop cannot see and closed loop
must."""

from __future__ import annotations

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import Workspace
from selfgrasp.workcell.drivers import Arm, Control, Reached
from selfgrasp.workcell.sim.hand import CLEAR_HEIGHT
from selfgrasp.workcell.sim.world import World

_SECONDS = 0.3


class KickedArm:
    """An arm driver under which all objects are knocked, in a random horizontal direction, when the
    hand begins to come down: once between two `away`.

    Args:
        arm: that moves.
        world: whose objects.
        speed: m/s that they are knocked to.
    """

    def __init__(self, arm: Arm, world: World, speed: float) -> None:
        self._arm, self._world, self._speed, self._done = arm, world, speed, False
        self._rng = np.random.default_rng(0)

    def randomise(self, rng: np.random.Generator) -> None:
        """Go on drawing from `rng`."""
        self._rng, self._done = rng, False

    @property
    def workspace(self) -> Workspace:
        """The arm's."""
        return self._arm.workspace

    def pose(self) -> FloatArray:
        """The arm's."""
        return self._arm.pose()

    def joints(self) -> FloatArray | None:
        """The arm's."""
        return self._arm.joints()

    def away(self, *, control: Control) -> Reached:
        """As the arm does; the next way down gets a kick of its own."""
        self._done = False
        return self._arm.away(control=control)

    def move(self, world_from_tool: FloatArray, *, speed: float, control: Control) -> Reached:
        """As the arm does, after the kick where this is the way down."""
        if not self._done and self._world.hand_height >= CLEAR_HEIGHT > world_from_tool[2, 3]:
            self._done = True
            direction = self._rng.uniform(0, 2 * np.pi)
            self._world.knock(
                self._speed * np.array([np.cos(direction), np.sin(direction), 0.0]), _SECONDS
            )
        return self._arm.move(world_from_tool, speed=speed, control=control)
