"""Other ways to decide with VPG's networks: exploring, and learning on while it is tested."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from selfgrasp.core import Attempt, Context, Grasp, Observation, Outcome, Plan, Step
from selfgrasp.core.spec import CellSpec
from selfgrasp.learn.source import MemorySource
from selfgrasp.vision.random_actions import random_action

if TYPE_CHECKING:
    from selfgrasp.methods.vpg.method import VPG

_RANDOM_PUSHES = 0.75
"""Of the random actions of `+explore`."""
_RATE, _MOMENTUM = 1e-5, 0.9
"""Of learning at test time (section IV-F)."""
_RECENT = 6
"""Transitions of a run that are learned from after each action."""


@dataclass(frozen=True)
class Exploring:
    """Epsilon-greedy over primitive and place: random ones are drawn among all that the masks
    allow."""

    method: VPG

    @property
    def name(self) -> str:
        """As in reports."""
        return f"{self.method.name}-explore"

    @property
    def privileged(self) -> tuple[str, ...]:
        """As of the method."""
        return self.method.privileged

    def plan(self, context: Context) -> Plan:
        """The method's plan, or a random action of a random kind."""
        method, rng = self.method, context.rng()
        epsilon = method.config.epsilon
        if rng.random() < epsilon:
            pushes = _RANDOM_PUSHES if method.config.pushes else 0.0
            drawn = random_action(method.map_of(context), context.spec, rng, pushes=pushes)
            if drawn is not None:
                probability = epsilon * drawn.probability
                return Plan((drawn.action,), np.zeros(1), chosen=0, probability=probability)
        return replace(method.plan(context), probability=1.0 - epsilon)


class LearningOn:
    """Goes on learning from what it does, and forgets it when another scene begins (section IV-F).

    A scene has begun when the observation's time is no later than the last one's. Who is asked of
    the same observation again, as while it is measured what pushes are worth, has done nothing in
    between. Whether a grasp held is read off the context: one that did not stands among the misses.

    Args:
        method: whose weights it begins with; they stay as they are.
    """

    def __init__(self, method: VPG) -> None:
        self._method = method
        self._learner = _Learner(method)
        self._seen: Observation | None = None
        self._recent: deque[Attempt] = deque(maxlen=_RECENT)
        self._last: tuple[Context, Plan] | None = None
        self._done = 0

    @property
    def name(self) -> str:
        """As in reports."""
        return f"{self._method.name}-learn"

    @property
    def privileged(self) -> tuple[str, ...]:
        """As of the method."""
        return self._method.privileged

    def plan(self, context: Context) -> Plan:
        """Learn from what came of the last plan, then plan."""
        now, seen = context.observation, self._seen
        if seen is None or (now is not seen and now.time <= seen.time):
            self._learner, self._last, self._done = _Learner(self._method), None, 0
            self._recent.clear()
        if self._last is not None and now is not seen:
            self._recent.append(self._attempt(*self._last, context))
            self._learner.learn(tuple(self._recent), context.spec, self._done)
        self._seen = now
        plan = self._learner.method.plan(context)
        self._last = (context, plan) if plan.action is not None else None
        return plan

    def _attempt(self, before: Context, plan: Plan, after: Context) -> Attempt:
        action = plan.action
        assert action is not None
        missed = len(after.misses) > len(before.misses)
        held = isinstance(action, Grasp) and not missed
        hand = after.observation.hand
        self._done += 1
        return Attempt(
            id=f"test-000000-{self._done:03d}",
            session="test",
            scene=0,
            index=self._done,
            round=0,
            state_group=f"test-000000-{self._done:03d}",
            policy=self.name,
            goal=before.goal,
            before=before.observation,
            steps=(Step(None, action, action, hand, plan.score, 1.0),),
            outcome=Outcome(held, hand.width, hand.force, 0.0),
            after=after.observation,
        )


class _Learner:
    """A copy that learns."""

    def __init__(self, method: VPG) -> None:
        self.method = copy.deepcopy(method)
        parameters = self.method.networks.parameters()
        self._optimizer = torch.optim.SGD(parameters, lr=_RATE, momentum=_MOMENTUM)

    def learn(self, attempts: tuple[Attempt, ...], spec: CellSpec, seed: int) -> None:
        """One step from these attempts of a scene."""
        method, rng = self.method, np.random.default_rng(seed)
        source = MemorySource(attempts, spec, shares=(1.0, 0.0, 0.0))
        rows = method.gather(source, "train", rng)
        if not len(rows):
            return
        batch = method.batch(rows, np.arange(len(rows)), rng, augment=False)
        # Numbers of rows change from call to call.
        method.forget_states()
        method.train()
        self._optimizer.zero_grad(set_to_none=True)
        method.loss(batch).value.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        method.eval()
