"""Notes for evaluations which object each pixel shows, while attempts are played in a
simulation."""

from __future__ import annotations

import numpy as np

from selfgrasp.core import Context, InputError, Label, Plan, Policy
from selfgrasp.core.places import PLACES, Places
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.sim.camera import SimCamera


class NotingPlaces:
    """A policy that decides as another one does; when it is first asked in an attempt, what the
    first camera shows is noted. Nothing that the policy sees or that happens depends on it."""

    def __init__(self, policy: Policy, cell: SimCell) -> None:
        self._policy, self._cell = policy, cell
        self.name, self.privileged = policy.name, policy.privileged
        self._text = ""
        self._begins = True

    def plan(self, context: Context) -> Plan:
        """The policy's plan."""
        # What is tried and undone within an attempt asks again.
        if self._begins and context.step == 0:
            self._text, self._begins = shown(self._cell).to_text(), False
        return self._policy.plan(context)

    def labels(self, attempt: str) -> tuple[Label, ...]:
        """What was noted when the attempt that just ended began. Attempts that start from one
        restored state without asking have the same."""
        self._begins = True
        view = next(iter(self._cell.cell.drivers.cameras))
        return (Label(attempt, PLACES, self._text, "simulator", view=view),)


def shown(cell: SimCell) -> Places:
    """Which object each pixel of the cell's first camera shows now, from the camera's true pose.

    Raises:
        InputError: a camera that is not simulated.
    """
    camera = next(iter(cell.cell.drivers.cameras.values()))
    if not isinstance(camera, SimCamera):
        raise InputError(given=f"a {type(camera).__name__}", wanted="a simulated camera")
    geoms = camera.picture(segmentation=True).segmentation
    assert geoms is not None
    index_of_slot = np.full(cell.world.slots + 1, -1, np.int32)
    for index, placed in enumerate(cell.world.placed):
        index_of_slot[placed.slot] = index
    names = tuple(placed.model.name for placed in cell.world.placed)
    return Places(names, index_of_slot[cell.world.slots_of(geoms)])
