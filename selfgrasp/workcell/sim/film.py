"""Films of what the simulation does: a second camera beside the table, that no policy sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Attempt, Grasp, Label, Plan, Push, Watcher
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import looking_at
from selfgrasp.workcell.sim.render import make_renderer

if TYPE_CHECKING:
    from selfgrasp.workcell.cells.simulated import SimCell

FRAME_SECONDS = 0.04
"""s of simulated time between two frames."""

_EYE_FROM_TARGET = np.array([0.22, -0.38, 0.30])
"""m, from what is filmed to the camera."""


class Film(Watcher):
    """Films one attempt of a scene, from its first plan until it is judged. Pictures change nothing
    in the simulation.

    Free motion high above the table is not simulated, so there the hand jumps.

    Args:
        cell: the cell; call `close` before it is closed.
        index: number of the attempt since the film was made, from 0.
        pixels: side of the square frames.
    """

    def __init__(self, cell: SimCell, index: int, *, pixels: int = 320) -> None:

        self.frames: list[NDArray[np.uint8]] = []
        self._world, self._left = cell.world, index
        self._renderer = make_renderer(
            cell.world.model, pixels, pixels, str(cell.cell.spec.options.get("renderer", "auto"))
        )
        self._intrinsics = np.array(
            [[1.3 * pixels, 0, pixels / 2], [0, 1.3 * pixels, pixels / 2], [0, 0, 1.0]]
        )
        self._world_from_camera: FloatArray | None = None
        self._next = 0.0

    def on_plan(self, plan: Plan) -> None:
        """Point the camera at what will be done."""
        if self._left != 0 or self._world_from_camera is not None:
            return
        match plan.action:
            case Grasp(world_from_tool):
                target = world_from_tool[:3, 3]
            case Push(start):
                target = start
            case _:
                target = np.zeros(3)
        self._world_from_camera = looking_at(
            target + _EYE_FROM_TARGET, target + np.array([0.0, 0.0, 0.06])
        )
        self._world.after_step = self._watch
        self._take()

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """One attempt less to wait for, or the end of the film."""
        if self._left == 0 and self._world_from_camera is not None:
            self._take()
            self._world.after_step = None
        self._left -= 1

    def close(self) -> None:
        """Give the renderer back."""
        self._world.after_step = None
        self._renderer.close()

    def _watch(self) -> None:
        if self._world.data.time >= self._next:
            self._take()

    def _take(self) -> None:
        assert self._world_from_camera is not None
        self._next = self._world.data.time + FRAME_SECONDS
        self.frames.append(
            self._renderer.render(
                self._world.data, self._world_from_camera, self._intrinsics
            ).color.copy()
        )
