"""A baseline that grasps the middle of the workspace."""

from dataclasses import dataclass

import numpy as np

from selfgrasp.core import Context, Grasp, Plan
from selfgrasp.core.pose import top_down


@dataclass(frozen=True)
class MiddlePolicy:
    """The same grasp, whatever it sees."""

    name: str = "middle"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        workspace = context.spec.workspace
        x, y = (workspace.low[:2] + workspace.high[:2]) / 2
        pose = top_down((x, y, workspace.low[2]), 0.0)
        return Plan.only(Grasp(np.asarray(pose), context.spec.gripper.opening))


POLICY = MiddlePolicy
