"""The oracle: tries grasps in the simulation itself, puts everything back, and does the first one that held. A ceiling, not a rival."""

from __future__ import annotations

import math

import numpy as np

from selfgrasp.core import Context, Grasp, Plan
from selfgrasp.core.pose import top_down
from selfgrasp.workcell.judge import holds
from selfgrasp.workcell.workcell import Workcell

_TRIES = 24
_OFFSETS = (0.0, 0.02, -0.02)


class OraclePolicy:
    """Knows every object's pose, and the future.

    Args:
        cell: the simulated workcell it acts in.
    """

    name = "oracle"
    privileged = ("truth.state", "truth.outcome")

    def __init__(self, cell: Workcell) -> None:
        self._cell = cell

    def plan(self, context: Context) -> Plan:
        """The first of up to 24 grasps over the objects' true places that succeeds; if none does, the last one tried."""
        scene = self._cell.drivers.scene
        state = scene.save()
        candidates = self._candidates(context)
        tried = 0
        for tried, grasp in enumerate(candidates[:_TRIES], start=1):
            done = self._cell.do(grasp)
            held = done.closed_width is not None and holds(done.hand.width, done.hand.force, self._cell.judge)
            scene.restore(state)
            if held:
                return Plan((grasp,), np.ones(1))
        if not tried:
            return Plan.nothing("no object is left in the workspace")
        return Plan((candidates[tried - 1],), np.zeros(1))

    def _candidates(self, context: Context) -> list[Grasp]:
        """Over each object, highest first: four angles through its middle, then beside it."""
        workspace = context.spec.workspace
        rng = context.rng()
        boxes = sorted(self._cell.drivers.scene.objects_truth(), key=lambda box: -box.top)  # type: ignore[attr-defined]
        grasps = []
        for offset in _OFFSETS:
            for quarter in range(4):
                for box in boxes:
                    along = box.yaw + quarter * math.pi / 4
                    shift = offset * np.array([-math.sin(along), math.cos(along)])
                    xy = np.clip(box.center[:2] + shift, workspace.low[:2], workspace.high[:2])
                    z = float(np.clip(box.top - 0.025, workspace.low[2], workspace.high[2]))
                    grasps.append(Grasp(top_down((*xy, z), along), context.spec.gripper.opening))
        first = 4 * len(boxes)
        order = np.concatenate([rng.permutation(first), first + rng.permutation(len(grasps) - first)]).astype(int)
        return [grasps[i] for i in order]
