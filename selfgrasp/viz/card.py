"""Pictures of one attempt: a card with the place before and afterwards, and a frame of a strip."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from selfgrasp.core import Attempt, Goal, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.viz.draw import FINGER_BREADTH, Canvas, Window
from selfgrasp.viz.kinds import color_of, grasp_of, kind_of, path_of, push_of
from selfgrasp.viz.picture import Picture

CARD_SIDE = 0.2
"""Metres that one half of a card shows."""

CARD_PIXELS = 208
FRAME_PIXELS = 224
_GOAL = 0.3
"""Side of a goal's picture in the corner, as a share of a half's."""
_EMPTY = (64, 68, 76)
"""Colour of what nobody saw."""


def attempt_card(
    attempt: Attempt,
    labels: Mapping[str, object] | None = None,
    *,
    view: str | None = None,
    side: float = CARD_SIDE,
    pixels: int = CARD_PIXELS,
    breadth: float = FINGER_BREADTH,
) -> Picture:
    """(pixels, 2 pixels, 3): before, with the action drawn, beside the same place afterwards (or
    what is held, where it was presented). Pictures that asked for something are in the corner.

    Args:
        attempt: what happened.
        labels: whole-attempt labels by name; a label "truth.grasped" that contradicts the judge is
            marked by a frame.
        view: name of the camera; the first one by default.
        side: m that one half shows.
        pixels: of one half's side.
        breadth: m of a finger across the closing direction.
    """
    before = _with_goal(_square_before(attempt, view, side, pixels, breadth), attempt.goal)
    after = _square_after(attempt, view, side, pixels)
    truth = (labels or {}).get("truth.grasped")
    if truth is not None and bool(truth) != attempt.outcome.grasped:
        cv2.rectangle(after, (3, 3), (pixels - 4, pixels - 4), (255, 214, 60), 4)
    before[:, -2:] = (16, 18, 22)
    return np.hstack([before, after])


def attempt_frame(
    attempt: Attempt,
    *,
    view: str | None = None,
    pixels: int = FRAME_PIXELS,
    breadth: float = FINGER_BREADTH,
) -> Picture:
    """(pixels, pixels, 3): the whole look before the attempt, with the action in the colour of what
    became of it; of a picture that is wider than high, its middle. Pictures that asked for
    something are in the corner.

    Args:
        attempt: what happened.
        view: name of the camera; the first one by default.
        pixels: of a side.
        breadth: m of a finger across the closing direction.
    """
    if attempt.before is None:
        return _blank(pixels)
    seen = attempt.before.view(view)
    window = _middle(seen.size)
    canvas = Canvas(seen, scale=_scale(window, pixels), window=window)
    frame = _resized(_drawn(attempt, canvas, breadth).picture, pixels)
    return _with_goal(frame, attempt.goal)


def _with_goal(picture: Picture, goal: Goal) -> Picture:
    """The picture with those of the goal's parts in its corner, side by side."""
    shown = [part.image for part in (goal.any_of or (goal,)) if part.image is not None]
    side = round(_GOAL * len(picture))
    for index, view in enumerate(shown[: len(picture) // (side + 2)]):
        left = index * (side + 2)
        picture[: side + 2, left : left + side + 2] = 255
        picture[1 : side + 1, left + 1 : left + side + 1] = _resized(_squared(view), side)
    return picture


def _squared(view: View) -> Picture:
    """The middle of a view, as wide as high."""
    height, width = view.size
    short = min(height, width)
    left, top = (width - short) // 2, (height - short) // 2
    return view.color[top : top + short, left : left + short]


def _square_before(
    attempt: Attempt, name: str | None, side: float, pixels: int, breadth: float
) -> Picture:
    if attempt.before is None:
        return _blank(pixels)
    window = _window(attempt, attempt.before, name, side)
    canvas = Canvas(attempt.before.view(name), scale=_scale(window, pixels), window=window)
    return _resized(_drawn(attempt, canvas, breadth).picture, pixels)


def _drawn(attempt: Attempt, canvas: Canvas, breadth: float) -> Canvas:
    """The canvas with the way of the hand and the action that ended the attempt."""
    color, path = color_of(kind_of(attempt)), path_of(attempt)
    if len(path) > 1:
        canvas.line(path, (235, 235, 235), width=2.0)
    if (grasp := grasp_of(attempt)) is not None:
        canvas.grasp(grasp, color, breadth=breadth, solid=attempt.outcome.grasped, weight=1.5)
    if (push := push_of(attempt)) is not None:
        canvas.push(push, color)
    return canvas


def _scale(window: Window, pixels: int) -> int:
    """Canvas pixels a camera pixel, for at least `pixels` over the window."""
    return max(1, -(-pixels // window.height))


def _square_after(attempt: Attempt, name: str | None, side: float, pixels: int) -> Picture:
    if attempt.outcome.grasped and attempt.present is not None:
        return _resized(_squared(attempt.present), pixels)
    if attempt.after is None or attempt.before is None:
        return _blank(pixels)
    window = _window(attempt, attempt.before, name, side)
    view = attempt.after.view(name)
    return _resized(Canvas(view, scale=_scale(window, pixels), window=window).picture, pixels)


def _window(attempt: Attempt, before: Observation, name: str | None, side: float) -> Window:
    view, place = before.view(name), _place_of(attempt)
    return Window.around(view, place, side) if place is not None else _middle(view.size)


def _place_of(attempt: Attempt) -> FloatArray | None:
    grasp = grasp_of(attempt)
    if grasp is not None:
        return grasp.world_from_tool[:3, 3]
    push = push_of(attempt)
    return None if push is None else (push.start + push.end) / 2


def _middle(size: tuple[int, int]) -> Window:
    short = min(size)
    return Window((size[1] - short) // 2, (size[0] - short) // 2, short, short)


def _resized(picture: Picture, pixels: int) -> Picture:
    smaller = cv2.INTER_AREA if picture.shape[0] > pixels else cv2.INTER_CUBIC
    return np.ascontiguousarray(
        cv2.resize(np.ascontiguousarray(picture), (pixels, pixels), interpolation=smaller),
        dtype=np.uint8,
    )


def _blank(pixels: int) -> Picture:
    return np.full((pixels, pixels, 3), _EMPTY, np.uint8)
