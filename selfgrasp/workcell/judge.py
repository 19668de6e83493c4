"""What came of an attempt, from what a robot can sense: finger width, force, image change. Never
from the simulator's truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core.attempt import Fault, Outcome
from selfgrasp.core.observation import Observation
from selfgrasp.workcell.motions import Done

_COLOR_CHANGE = 30
_DEPTH_CHANGE = 0.008


@dataclass(frozen=True)
class JudgeConfig:
    """Thresholds.

    Attributes:
        min_width: m beyond the width of closed fingers; closer ones hold nothing.
        min_force: N; a softer press holds nothing.
        drop_test: whether a hand that feels empty is opened over the workspace all the same, and
            the pictures before and after compared: what fingers do not feel falls out of them
            (Levine et al. 2016).
        min_changed: share of the pixels that must have changed for something to have fallen.
    """

    min_width: float = 0.0025
    min_force: float = 2.0
    drop_test: bool = False
    min_changed: float = 1e-3


def holds(width: float, force: float, config: JudgeConfig, closed: float) -> bool:
    """Whether fingers `width` m apart that press with `force` N hold something.

    `closed` is `GripperSpec.closed`: where fully closed fingers press with full force on nothing.
    """
    return width > closed + config.min_width and force > config.min_force


def feels_held(done: Done, config: JudgeConfig, closed: float) -> bool:
    """Whether the hand could rise and holds something after it did; `closed` as in `holds`."""
    return done.lifted and holds(done.hand.width, done.hand.force, config, closed)


def judge(
    done: Done,
    before: Observation | None,
    after: Observation | None,
    config: JudgeConfig,
    closed: float,
    *,
    fell: bool = False,
) -> Outcome:
    """Width and force after the lift decide, if there was one; a grip that was there before the
    lift and is not after it slipped.

    Args:
        done: the motion that ended the attempt.
        before, after: looks with the arm away.
        config: thresholds.
        closed: m between fully closed fingers.
        fell: whether the drop test saw something fall.
    """
    width, force = done.hand.width, done.hand.force
    grasped = feels_held(done, config, closed) or fell
    fault = done.fault
    if grasped and fault in (Fault.BLOCKED, Fault.UNREACHABLE):
        fault = None
    if (
        not grasped
        and fault is None
        and done.closed_width is not None
        and done.closed_width > closed + config.min_width
    ):
        fault = Fault.SLIPPED
    if fault is None and (before is None or after is None):
        fault = Fault.NO_IMAGE
    return Outcome(grasped, width, force, changed_share(before, after), fault)


def saw_fall(before: Observation | None, after: Observation | None, config: JudgeConfig) -> bool:
    """Whether the pictures before and after the hand was opened say that something fell."""
    return changed_share(before, after) > config.min_changed


def changed_share(before: Observation | None, after: Observation | None) -> float:
    """Share of the first view's pixels whose color or depth changed; 0 where a picture is
    missing."""
    if before is None or after is None:
        return 0.0
    a, b = before.view(), after.view()
    changed = np.abs(a.color.astype(np.int16) - b.color).max(axis=2) > _COLOR_CHANGE
    if a.depth is not None and b.depth is not None:
        changed |= np.abs(a.depth - b.depth) > _DEPTH_CHANGE
    return float(changed.mean())
