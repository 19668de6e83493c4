"""The oracle: tries grasps in the simulation itself, puts everything back, and does the first one
that held. A ceiling, not a rival."""

from __future__ import annotations

import math

import numpy as np

from selfgrasp.core import Context, Grasp, InputError, Plan
from selfgrasp.core.pose import top_down
from selfgrasp.workcell.judge import feels_held
from selfgrasp.workcell.sim.scene import SimScene
from selfgrasp.workcell.workcell import Workcell

_TRIES = 80
_NEAR = 0.012
_INSERTION = 0.025


class OraclePolicy:
    """Knows every object's pose, and the future.

    Args:
        cell: the simulated workcell it acts in.

    Raises:
        InputError: a cell that is not simulated.
    """

    name = "oracle"
    privileged = ("truth.state", "truth.outcome")

    def __init__(self, cell: Workcell) -> None:
        scene = cell.drivers.scene
        if not isinstance(scene, SimScene):
            raise InputError(
                given=f"the oracle in the cell {cell.spec.name!r}",
                wanted="a simulated cell, whose truth it can read",
            )
        self._cell, self._scene = cell, scene

    def plan(self, context: Context) -> Plan:
        """The first of up to 80 grasps over the objects' true places that succeeds; if none does,
        the last one tried."""
        state = self._scene.save()
        candidates = self._candidates(context)
        for grasp in candidates:
            done = self._cell.do(grasp)
            held = feels_held(done, self._cell.judge, self._cell.spec.gripper.closed)
            self._scene.restore(state)
            if held:
                return Plan.only(grasp, 1.0)
        if not candidates:
            return Plan.nothing("no object is left in the workspace")
        return Plan.only(candidates[-1])

    def _candidates(self, context: Context) -> list[Grasp]:
        """Random points of the objects' true surfaces, each at a random angle, at the height of
        what lies under them."""
        workspace, opening = context.spec.workspace, context.spec.gripper.opening
        rng = context.rng()
        truths = self._scene.objects_truth()
        if not truths:
            return []
        surface = np.concatenate([truth.points for truth in truths])
        owners = np.repeat(np.arange(len(truths)), [len(truth.points) for truth in truths])
        order = rng.permutation(len(truths))
        grasps = []
        for attempt in range(_TRIES):
            owner = order[attempt % len(order)]
            own = surface[owners == owner]
            # Halfway to the middle of the object: on it more often than at its rim.
            xy = np.clip(
                own[rng.integers(len(own)), :2] * 0.5 + truths[owner].center[:2] * 0.5,
                workspace.low[:2],
                workspace.high[:2],
            )
            near = surface[np.linalg.norm(surface[:, :2] - xy, axis=1) < _NEAR]
            top = float(near[:, 2].max()) if len(near) else workspace.surface
            z = float(np.clip(top - _INSERTION, workspace.low[2], workspace.high[2]))
            grasps.append(Grasp(top_down((*xy, z), float(rng.uniform(0, math.pi))), opening))
        return grasps
