"""A servoing attempt as a film: at every look what the policy might do, how good it thinks each is,
and what it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfgrasp.core import Action, Attempt, Close, Grasp, Hand, Move, Observation, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.viz.animate import Frame
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.kinds import color_of, kind_of
from selfgrasp.viz.patches import score_color
from selfgrasp.viz.picture import Color, Picture, upscale, write_text

_BAR = 34
_BAR_COLOR: Color = (22, 24, 29)
_TEXT_COLOR: Color = (232, 230, 224)
_LOOK_MS, _DECIDE_MS, _END_MS = 500, 1300, 2200


def reach_frames(
    attempt: Attempt, plans: Sequence[Plan], *, opening: float, scale: int = 4
) -> list[Frame]:
    """Frames of one attempt: each look as it was seen, then with the ends of the best motions in
    the colours of their scores and an arrow to the chosen one; at the end what came of it; where
    nothing was tried, the look and why.

    Args:
        attempt: with its pictures.
        plans: one a step.
        opening: m between the fingers on the way down.
        scale: pixels of the film a pixel of the camera.
    """
    frames: list[Frame] = []
    for index, (step, plan) in enumerate(zip(attempt.steps, plans, strict=False)):
        seen = attempt.observation_of(index)
        if seen is None:
            continue
        words = f"look {index + 1}: {_told(step.action)}, chance {plan.score:.2f}"
        frames.append(
            Frame(_captioned(upscale(seen.view().color, scale), f"look {index + 1}"), _LOOK_MS)
        )
        frames.append(Frame(_captioned(_opinion(seen, plan, opening, scale), words), _DECIDE_MS))
    if not attempt.steps and attempt.before is not None:
        why = next((plan.reason for plan in plans), "")
        return [
            Frame(
                _captioned(upscale(attempt.before.view().color, scale), why or "nothing is tried"),
                _END_MS,
            )
        ]
    kind = kind_of(attempt)
    last = [
        view
        for view in (attempt.present, None if attempt.after is None else attempt.after.view())
        if view is not None
    ]
    return frames + [
        Frame(_captioned(upscale(view.color, scale), kind, color_of(kind)), _END_MS)
        for view in last
    ]


def _opinion(seen: Observation, plan: Plan, opening: float, scale: int) -> Picture:
    canvas = Canvas(seen.view(), scale=scale)
    ends = [
        (end, float(score))
        for action, score in zip(plan.actions, plan.scores, strict=True)
        if (end := _end(seen.hand, action)) is not None
    ]
    for end, score in reversed(ends[1:]):
        canvas.grasp(Grasp(end, opening), score_color(score), weight=0.6)
    here = seen.hand.world_from_tool
    if ends:
        end, score = ends[0]
        canvas.grasp(Grasp(end, opening), score_color(score), weight=1.2)
        if np.linalg.norm(end[:3, 3] - here[:3, 3]) > 0.01:
            canvas.arrow(here[:3, 3], end[:3, 3], _TEXT_COLOR)
    return canvas.picture


def _end(hand: Hand, action: Action) -> FloatArray | None:
    """(4, 4) where the tool is after an action; None for those that end elsewhere."""
    here = hand.world_from_tool
    match action:
        case Move(translation, yaw):
            return top_down(here[:3, 3] + translation, yaw_of(here) + yaw)
        case Close():
            return here
        case Grasp(world_from_tool):
            return world_from_tool
    return None


def _told(action: Action) -> str:
    match action:
        case Close():
            return "close"
        case Move(translation):
            down, side = -float(translation[2]), float(np.linalg.norm(translation[:2]))
            return (
                f"{side * 100:.0f} cm aside, {abs(down) * 100:.0f} cm "
                f"{'down' if down >= 0 else 'up'}"
            )
    return type(action).__name__.lower()


def _captioned(picture: Picture, words: str, color: Color = _TEXT_COLOR) -> Picture:
    strip = np.full((_BAR, picture.shape[1], 3), _BAR_COLOR, np.uint8)
    write_text(strip, words, at=(10, _BAR // 2), size=15, color=color, anchor="lm")
    return np.vstack([picture, strip])
