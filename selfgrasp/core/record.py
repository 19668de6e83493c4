"""What a benchmark keeps of an attempt: everything but its pictures and motions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from selfgrasp.core.action import Grasp, Push, Release
from selfgrasp.core.attempt import Attempt, Fault
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import Verdict


class AttemptKind(StrEnum):
    """What an attempt did last: a grasp; a push; servoing (moves, and perhaps a close); letting go;
    or none of them, where the policy saw nothing to do or a camera returned nothing."""

    GRASP = "grasp"
    PUSH = "push"
    SERVO = "servo"
    RELEASE = "release"
    NONE = "none"


@dataclass(frozen=True)
class ObjectRef:
    """Which object: its name, and its family, which is its category."""

    name: str
    family: str


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt, as the metrics of a benchmark see it.

    Attributes:
        kind: what was done.
        grasped: whether something is held, as the robot senses it.
        changed: share of the first view's pixels that changed, 0..1.
        fault: see there.
        score: of the action that was done last; None where the policy proposed none.
        calibrated: whether that score is a probability of success.
        goal: what was asked for, in words; empty for anything.
        true: whether something was lifted by the simulator's count; None where there is no truth.
        lifted: which objects; None where there is no truth.
        lost: how many objects left the workspace without ever having been lifted; None where there
            is no truth.
        worth: of a push, where it was measured: whether the best grasp would have held before it,
            and whether the best one after it does.
        verdict: what the policy said of what it held; None where it was not asked.
    """

    kind: AttemptKind
    grasped: bool
    changed: float = 0.0
    fault: Fault | None = None
    score: float | None = None
    calibrated: bool = False
    goal: str = ""
    true: bool | None = None
    lifted: tuple[ObjectRef, ...] | None = None
    lost: int | None = None
    worth: tuple[bool, bool] | None = None
    verdict: Verdict | None = None

    @staticmethod
    def of(
        attempt: Attempt,
        plans: Sequence[Plan],
        *,
        true: bool | None,
        lifted: tuple[ObjectRef, ...] | None,
        lost: int | None,
        worth: tuple[bool, bool] | None = None,
    ) -> AttemptRecord:
        """The record of an attempt and the plans that led to it; the rest is truth, or None."""
        decided = [plan for plan in plans if plan.action is not None]
        return AttemptRecord(
            kind=kind_of(attempt),
            grasped=attempt.outcome.grasped,
            changed=attempt.outcome.changed,
            fault=attempt.outcome.fault,
            score=decided[-1].score if decided else None,
            calibrated=bool(decided) and decided[-1].calibrated,
            goal=attempt.goal.words,
            true=true,
            lifted=lifted,
            lost=lost,
            worth=worth,
        )

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> AttemptRecord:
        """The inverse of `dataclasses.asdict` and JSON."""
        fault, lifted, verdict = values["fault"], values["lifted"], values.get("verdict")
        return AttemptRecord(
            **{
                **values,
                "kind": AttemptKind(values["kind"]),
                "fault": None if fault is None else Fault(fault),
                "lifted": None if lifted is None else tuple(ObjectRef(**one) for one in lifted),
                "worth": None if values.get("worth") is None else tuple(values["worth"]),
                "verdict": None if verdict is None else Verdict(**verdict),
            }
        )


def kind_of(attempt: Attempt) -> AttemptKind:
    """What the attempt did last."""
    if not attempt.steps:
        return AttemptKind.NONE
    match attempt.steps[-1].action:
        case Grasp():
            return AttemptKind.GRASP
        case Push():
            return AttemptKind.PUSH
        case Release():
            return AttemptKind.RELEASE
        case _:
            return AttemptKind.SERVO
