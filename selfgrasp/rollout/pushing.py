"""Any grasping policy, with a random push after each grasp that closed on nothing: what learned
pushes have to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core import Context, Plan, Policy
from selfgrasp.vision import heightmap
from selfgrasp.vision.random_actions import random_push

PUSHES = "push"
"""The variant of any policy, as in heuristic+push."""
_PIXEL = 0.004


@dataclass(frozen=True)
class PushAfterMiss:
    """The policy, and a random push in place of its answer where the last grasp missed."""

    policy: Policy

    @property
    def name(self) -> str:
        """As in reports."""
        return f"{self.policy.name}-{PUSHES}"

    @property
    def privileged(self) -> tuple[str, ...]:
        """What the policy itself knows."""
        return self.policy.privileged

    def plan(self, context: Context) -> Plan:
        """A push, where something was missed since the last one and something can be pushed; what
        the policy would do stands beside it."""
        plan = self.policy.plan(context)
        if not context.misses:
            return plan
        spec = context.spec
        view = context.observation.view(None)
        top = heightmap(view, spec.workspace, pixel=_PIXEL, margin=0.0, colored=False)
        push = random_push(top, spec, context.rng())
        if push is None:
            return plan
        return Plan(
            (*plan.actions, push.action),
            np.append(plan.scores, 0.0),
            chosen=len(plan.actions),
            probability=push.probability,
            maps=plan.maps,
        )
