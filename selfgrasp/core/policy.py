"""Everything that decides is a `Policy`: random, heuristic, learned, remote, oracle; the benchmark
cannot tell them apart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from selfgrasp.core.action import Action
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.observation import Observation, View
from selfgrasp.core.plan import Plan
from selfgrasp.core.spec import CellSpec


@dataclass(frozen=True, eq=False)
class Goal:
    """What to fetch. With neither category nor images nor parts: anything.

    Attributes:
        category: a category's name.
        image: a picture of the wanted thing: a present image, or any picture that shows it alone
            (`View.uncalibrated`).
        any_of: a composite goal; any one of the parts counts.
    """

    category: str | None = None
    image: View | None = None
    any_of: tuple[Goal, ...] = ()

    @property
    def is_anything(self) -> bool:
        """Whether every object will do."""
        return self.category is None and self.image is None and not self.any_of

    @property
    def words(self) -> str:
        """The goal in words: its category, "picture" for an image, parts joined by " or "; empty
        for anything."""
        if self.any_of:
            return " or ".join(part.words for part in self.any_of)
        return self.category or ("" if self.image is None else "picture")


ANYTHING = Goal()


@dataclass(frozen=True, eq=False)
class Context:
    """What a policy is given.

    Attributes:
        observation: now.
        spec: the cell.
        goal: what to fetch.
        first: the attempt's first look, arm away (I_0 of Levine et al. 2016); equals `observation`
            on step 0.
        step: how many moves this attempt has made.
        seed: of every random choice the policy makes: same context, same plan.
        misses: (4, 4) poses of the hand each, oldest first: where it closed and nothing was held,
            since the scene began or a push changed it.
        pushes: made since the scene began or something was held.
        rejected: present images of what was held for this goal and was not accepted, oldest first,
            see `Verifies`.
    """

    observation: Observation
    spec: CellSpec
    goal: Goal = field(default_factory=Goal)
    first: Observation | None = None
    step: int = 0
    seed: int = 0
    misses: tuple[FloatArray, ...] = ()
    pushes: int = 0
    rejected: tuple[View, ...] = ()

    def rng(self) -> np.random.Generator:
        """A fresh generator from `seed`."""
        return np.random.default_rng(self.seed)


@runtime_checkable
class Policy(Protocol):
    """Decides. Reads the context, changes nothing in it; the same context gives the same plan."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    @property
    def privileged(self) -> tuple[str, ...]:
        """What it reads that a real robot cannot sense, for example "truth.state"; reports print
        it."""
        ...

    def plan(self, context: Context) -> Plan:
        """Candidates, scores and a choice for one context."""
        ...


@dataclass(frozen=True, eq=False)
class Fixed:
    """A policy that does one given action, whatever it sees."""

    action: Action
    name: str
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """The action."""
        return Plan.only(self.action)


@runtime_checkable
class Scorer(Protocol):
    """A policy that can judge actions it did not propose; what the `prediction` protocol needs."""

    def score(self, context: Context, actions: Sequence[Action]) -> FloatArray:
        """(N,) scores, higher is better, for `actions` in `context`."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What a policy says of what it holds.

    Attributes:
        accepted: whether it takes it for the goal.
        similarity: to the goal, by which it decided; None where it compared nothing.
    """

    accepted: bool
    similarity: float | None = None


@runtime_checkable
class Verifies(Protocol):
    """A policy that looks at what it holds; what the `fetch` protocol asks. A policy that does not
    accepts whatever it lifts."""

    def verdict(self, present: View, goal: Goal, spec: CellSpec) -> Verdict:
        """Whether what a present image shows is the goal."""
        ...


class Timed:
    """A policy with a stopwatch: `seconds` of planning so far."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name, self.privileged = policy.name, policy.privileged
        self.seconds = 0.0

    def plan(self, context: Context) -> Plan:
        """The policy's plan."""
        start = time.perf_counter()
        plan = self._policy.plan(context)
        self.seconds += time.perf_counter() - start
        return plan
