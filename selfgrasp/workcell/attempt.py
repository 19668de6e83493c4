"""What an attempt is made of while it is under way, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from selfgrasp.core.attempt import Attempt, Label, Outcome, Step
from selfgrasp.core.observation import Observation, View
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import Context, Goal
from selfgrasp.core.record import ObjectRef

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ids:
    """Where an attempt belongs: what makes its id and its seed, whoever plays it."""

    session: str
    scene: int
    index: int
    round: int = 0
    state_group: str = ""

    @property
    def attempt(self) -> str:
        """The attempt's id."""
        return f"{self.session}-{self.scene:06d}-{self.index:03d}"

    @property
    def seed(self) -> int:
        """Of the policy's choices in this attempt."""
        return int(
            np.random.SeedSequence([self.scene, self.index, *self.session.encode()]).generate_state(
                1
            )[0]
        )


@dataclass(frozen=True, eq=False)
class Played:
    """An attempt, what the simulator knows of it, and the plans that led to it.

    Attributes:
        attempt: see there.
        labels: what is known of it at once.
        plans: the policy's answers, in order.
        there: objects in the scene when it began; None where there is no truth.
        lifted: objects held after the lift; None where there is no truth.
        worth: of a push, where it was measured: whether the best grasp would have held before it,
            and whether the best one after it does.
    """

    attempt: Attempt
    labels: tuple[Label, ...]
    plans: tuple[Plan, ...]
    there: tuple[ObjectRef, ...] | None = None
    lifted: tuple[ObjectRef, ...] | None = None
    worth: tuple[bool, bool] | None = None

    @property
    def true(self) -> bool | None:
        """Whether something was lifted, by the label `truth.grasped` or by what was lifted; None
        where there is no truth."""
        for label in self.labels:
            if label.name == "truth.grasped":
                return bool(label.value)
        return None if self.lifted is None else bool(self.lifted)


@dataclass(frozen=True, eq=False)
class Underway:
    """An attempt that has not ended: whose it is, what it was asked for, and what was done so far.

    Attributes:
        ids: see there.
        policy: its name.
        goal: what was asked for.
        first: the look before; None when a camera returned nothing.
        there: objects in the scene when it began; None where there is no truth.
        steps: looks and actions so far.
        plans: the policy's answers so far; one more than steps where the last one was empty.
    """

    ids: Ids
    policy: str
    goal: Goal
    first: Observation | None
    there: tuple[ObjectRef, ...] | None = None
    steps: list[Step] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    def ended(
        self, outcome: Outcome, after: Observation | None = None, present: View | None = None
    ) -> Attempt:
        """The attempt as it is kept."""
        return Attempt(
            id=self.ids.attempt,
            session=self.ids.session,
            scene=self.ids.scene,
            index=self.ids.index,
            round=self.ids.round,
            state_group=self.ids.state_group or self.ids.attempt,
            policy=self.policy,
            goal=self.goal,
            before=self.first,
            steps=tuple(self.steps),
            outcome=outcome,
            after=after,
            present=present,
        )


def answered(asking: Generator[Context, Plan, Result], plan: Callable[[Context], Plan]) -> Result:
    """What a generator returns in the end, when `plan` answers each context that it yields."""
    try:
        context = next(asking)
        while True:
            context = asking.send(plan(context))
    except StopIteration as end:
        result: Result = end.value
        return result
