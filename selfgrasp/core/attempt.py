"""An attempt: what was seen, done and felt, and what came of it. The unit of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from selfgrasp.core.action import Action
from selfgrasp.core.arrays import checked_number
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import Hand, Observation, View
from selfgrasp.core.policy import Goal
from selfgrasp.core.spec import CellSpec


class Fault(StrEnum):
    """Why an attempt failed other than by closing on nothing. A fault is data, not an exception.

    blocked: something stopped the hand; unreachable: out of bounds, nothing moved; slipped:
    gripped, but not after the lift; no_image: a camera returned nothing; unstable: the simulation
    broke; stopped: on request; nothing: the policy saw nothing to do; runaway: the policy went on
    moving and never closed.
    """

    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"
    SLIPPED = "slipped"
    NO_IMAGE = "no_image"
    UNSTABLE = "unstable"
    STOPPED = "stopped"
    NOTHING = "nothing"
    RUNAWAY = "runaway"


UNINFORMATIVE_FAULTS = frozenset(
    {Fault.NO_IMAGE, Fault.UNSTABLE, Fault.STOPPED, Fault.NOTHING, Fault.RUNAWAY}
)
"""Faults that say nothing about whether the action would have worked; blocked, unreachable and
slipped ones are failures."""


@dataclass(frozen=True)
class Outcome:
    """What the judge made of what the robot sensed.

    Attributes:
        grasped: whether something is held after the lift.
        width: m between the fingers after the lift.
        force: N that the fingers press with after the lift.
        changed: share of the first view's pixels whose colour or depth changed, 0..1.
        fault: why not, or None.
    """

    grasped: bool
    width: float
    force: float
    changed: float
    fault: Fault | None = None

    def __post_init__(self) -> None:
        checked_number(self.width, -0.01, 1.0, "width (m)")
        checked_number(self.force, 0.0, 1e4, "force (N)")
        checked_number(self.changed, 0.0, 1.0, "changed")


@dataclass(frozen=True, eq=False)
class Step:
    """One look and one action.

    Attributes:
        observation: what the policy saw; None where it equals the attempt's `before`, so that no
            picture is stored twice.
        action: what was asked for.
        executed: what really happened (clipped, blocked); None if nothing moved.
        hand_after: the hand when the motion ended.
        score: the policy's score of the action.
        probability: with which the policy chose it.
    """

    observation: Observation | None
    action: Action
    executed: Action | None
    hand_after: Hand
    score: float
    probability: float = 1.0

    def __post_init__(self) -> None:
        checked_number(self.probability, 0.0, 1.0, "probability")


@dataclass(frozen=True, eq=False)
class Session:
    """What many attempts share, stored once: the cell, software versions, and which policy and
    objects were used.

    Attributes:
        spec: the cell.
        versions: names to version strings (selfgrasp, mujoco, numpy ...).
        policy: name of the policy, with its checkpoint's hash where it has one.
        objects: name of the object set, with its hash.
        seed: of the collection.
        options: plain JSON values of the collector (angles_per_point ...).
    """

    spec: CellSpec
    versions: Mapping[str, str]
    policy: str
    objects: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)


LabelValue = bool | int | float | str | tuple[float, ...]
"""What a label can say."""


@dataclass(frozen=True)
class Label:
    """A column beside the attempts, added by anybody at any time without rewriting data.

    Attributes:
        attempt: the attempt's id.
        name: dotted, for example "truth.object"; `truth.*` is what the simulator knows and a robot
            does not.
        value: a scalar, a string, or a list of numbers.
        by: who says so.
        step: index of the step, or None for the whole attempt.
        view: name of the view, or None.
    """

    attempt: str
    name: str
    value: LabelValue
    by: str
    step: int | None = None
    view: str | None = None


@dataclass(frozen=True, eq=False)
class Attempt:
    """One try, from the look before to the look after.

    Attributes:
        id: unique, and the same for the same seed: `<session seed>-<scene>-<index>`.
        session: key of the `Session` it belongs to.
        scene: number of the seeded drop of objects.
        index: which attempt on that scene.
        round: of collection and training (0 = before any training).
        state_group: attempts that start from one restored state share it; they never part over a
            split.
        policy: name.
        goal: what was asked for.
        before: look with the arm away; None only with a fault.
        steps: what was done; empty only with a fault.
        outcome: what came of it.
        after: look with the arm away, before the held object is put down; None only with a fault.
        present: view of what is held, where it was presented.
    """

    id: str
    session: str
    scene: int
    index: int
    round: int
    state_group: str
    policy: str
    goal: Goal
    before: Observation | None
    steps: tuple[Step, ...]
    outcome: Outcome
    after: Observation | None
    present: View | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        if self.outcome.fault is None and (
            self.before is None or self.after is None or not self.steps
        ):
            raise InputError(
                given=f"attempt {self.id} without a look before, a step or a look after, and "
                "without a fault",
                wanted="all of them, or the fault",
            )

    def observation_of(self, step: int) -> Observation | None:
        """What the policy saw at `step`."""
        seen = self.steps[step].observation
        return self.before if seen is None else seen
