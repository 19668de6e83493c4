"""What became of an attempt, in one word, with its colour and its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from selfgrasp.core import Attempt, Close, Fault, Grasp, Label, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.record import AttemptKind, AttemptRecord
from selfgrasp.viz.picture import Color

HELD, MISSED, PUSHED = "held", "missed", "pushed"

KIND_COLORS: Mapping[str, Color] = MappingProxyType(
    {
        HELD: (46, 204, 130),
        MISSED: (240, 82, 72),
        PUSHED: (84, 160, 255),
        Fault.BLOCKED.value: (245, 170, 40),
        Fault.SLIPPED.value: (186, 120, 255),
        Fault.UNREACHABLE.value: (245, 130, 60),
    }
)
"""Bright on pictures; the page's own colours for the same words are in style.css."""

OTHER_COLOR: Color = (180, 186, 196)

KIND_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        HELD: "The fingers stayed apart after the lift: something is in the hand.",
        MISSED: "The fingers closed on nothing.",
        PUSHED: "A push: it succeeds by changing the scene, not by holding.",
        Fault.BLOCKED.value: "The hand met something on the way down and stopped.",
        Fault.SLIPPED.value: "Held at first, lost during the lift.",
        Fault.UNREACHABLE.value: "No motion of the arm leads there.",
        Fault.NOTHING.value: "The policy found nothing to do.",
        Fault.NO_IMAGE.value: "The camera gave no usable picture.",
        Fault.UNSTABLE.value: "The simulation or the arm did not come to rest.",
        Fault.STOPPED.value: "Stopped on request.",
        Fault.RUNAWAY.value: "The policy went on moving and never closed the fingers.",
    }
)


def kind_of(attempt: Attempt) -> str:
    """held, pushed, a fault's name, or missed."""
    return _kind(attempt.outcome.grasped, attempt.outcome.fault, push_of(attempt) is not None)


def kind_of_record(record: AttemptRecord) -> str:
    """As `kind_of`, of what a benchmark keeps of an attempt."""
    return _kind(record.grasped, record.fault, record.kind is AttemptKind.PUSH)


def _kind(grasped: bool, fault: Fault | None, pushed: bool) -> str:
    if grasped:
        return HELD
    if fault is not None:
        return fault.value
    return PUSHED if pushed else MISSED


def color_of(kind: str) -> Color:
    """The colour that stands for a kind on pictures."""
    return KIND_COLORS.get(kind, OTHER_COLOR)


def label_values(labels: Sequence[Label]) -> dict[str, object]:
    """Labels of a whole attempt by name; labels of single steps or views are left out."""
    return {
        label.name: label.value for label in labels if label.step is None and label.view is None
    }


def grasp_of(attempt: Attempt) -> Grasp | None:
    """Where the fingers closed, or were meant to: the last grasp, or the hand's pose where a
    servoing attempt closed."""
    if not attempt.steps:
        return None
    last = attempt.steps[-1]
    match last.action:
        case Grasp():
            return last.action
        case Close():
            seen = attempt.observation_of(len(attempt.steps) - 1)
            hand = last.hand_after if seen is None else seen.hand
            return Grasp(hand.world_from_tool, max(hand.width, 0.0))
    return None


def push_of(attempt: Attempt) -> Push | None:
    """The attempt's push, where it was one."""
    action = attempt.steps[-1].action if attempt.steps else None
    return action if isinstance(action, Push) else None


def path_of(attempt: Attempt) -> FloatArray:
    """(N, 3) m, the positions of the point between the fingertips along a servoing attempt; empty
    for a single action."""
    if len(attempt.steps) < 2:
        return np.zeros((0, 3))
    positions = [
        step.observation.hand.world_from_tool[:3, 3]
        for step in attempt.steps
        if step.observation is not None
    ]
    return np.array(positions).reshape(-1, 3)
