"""Attempts as cards: where the fingers closed, what the place looked like afterwards, and what was
felt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from markupsafe import Markup

from selfgrasp.core import Attempt, Grasp, Observation
from selfgrasp.core.arrays import FloatArray
from selfgrasp.report.markup import element, join
from selfgrasp.viz.draw import FINGER_BREADTH, Canvas, Window
from selfgrasp.viz.kinds import color_of, grasp_of, kind_of, path_of, push_of
from selfgrasp.viz.picture import Picture

CARD_SIDE = 0.2
"""Metres that one half of a card shows."""

CARD_PIXELS = 208
_PAPER = (64, 68, 76)


@dataclass(frozen=True)
class CardText:
    """What a card says in words.

    Attributes:
        id: the attempt's.
        kind: held, missed, pushed or a fault.
        policy: name.
        round: of collection and training.
        score: the policy's, of the last action; None if not finite.
        width: m between the fingers after the lift.
        force: N after the lift.
        labels: whole-attempt labels by name, as text.
    """

    id: str
    kind: str
    policy: str
    round: int
    score: float | None
    width: float
    force: float
    labels: Mapping[str, str]

    @staticmethod
    def of(attempt: Attempt, labels: Mapping[str, object]) -> CardText:
        """From the attempt and its labels."""
        score = attempt.steps[-1].score if attempt.steps else float("nan")
        return CardText(
            id=attempt.id,
            kind=kind_of(attempt),
            policy=attempt.policy,
            round=attempt.round,
            score=float(score) if np.isfinite(score) else None,
            width=attempt.outcome.width,
            force=attempt.outcome.force,
            labels={name: _short(value) for name, value in labels.items()},
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)

    @property
    def figures(self) -> str:
        """Width and force after the lift, in one line."""
        return f"{self.width * 1000:.0f} mm · {self.force:.1f} N"


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
    what is held, where it was presented).

    Args:
        attempt: what happened.
        labels: whole-attempt labels by name; a label "truth.grasped" that contradicts the judge is
            marked by a frame.
        view: name of the camera; the first one by default.
        side: m that one half shows.
        pixels: of one half's side.
        breadth: m of a finger across the closing direction.
    """
    before = _square_before(attempt, view, side, pixels, breadth)
    after = _square_after(attempt, view, side, pixels)
    truth = (labels or {}).get("truth.grasped")
    if truth is not None and bool(truth) != attempt.outcome.grasped:
        cv2.rectangle(after, (3, 3), (pixels - 4, pixels - 4), (255, 214, 60), 4)
    before[:, -2:] = (16, 18, 22)
    return np.hstack([before, after])


def card(picture: Markup, text: CardText) -> Markup:
    """One attempt: a two-part picture above its words."""
    thing = next(
        (
            value
            for name, value in text.labels.items()
            if name in ("truth.object", "object") and value
        ),
        "",
    )
    words = join(
        [element("b", text.kind, class_=f"kind kind-{text.kind}"), element("span", text.figures)]
    )
    who = " · ".join(
        part
        for part in (
            text.policy,
            f"round {text.round}" if text.round else "",
            "" if text.score is None else f"score {text.score:.2f}",
            thing,
        )
        if part
    )
    caption = element(
        "figcaption",
        element("div", words, class_="felt"),
        element("div", who, class_="who"),
        element("code", text.id),
    )
    return element("figure", element("div", picture, class_="pair"), caption, class_="card")


def _square_before(
    attempt: Attempt, name: str | None, side: float, pixels: int, breadth: float
) -> Picture:
    if attempt.before is None:
        return _blank(pixels)
    view, grasp, push = attempt.before.view(name), grasp_of(attempt), push_of(attempt)
    window = _window(attempt, attempt.before, name, side)
    canvas = Canvas(view, scale=max(1, -(-pixels // window.height)), window=window)
    color = color_of(kind_of(attempt))
    path = path_of(attempt)
    if len(path) > 1:
        canvas.line(path, (235, 235, 235), width=2.0)
    if grasp is not None:
        canvas.grasp(grasp, color, breadth=breadth, solid=attempt.outcome.grasped, weight=1.5)
    if push is not None:
        canvas.push(push, color)
    return _resized(canvas.picture, pixels)


def _square_after(attempt: Attempt, name: str | None, side: float, pixels: int) -> Picture:
    if attempt.outcome.grasped and attempt.present is not None:
        height, width = attempt.present.size
        short = min(height, width)
        left, top = (width - short) // 2, (height - short) // 2
        return _resized(attempt.present.color[top : top + short, left : left + short], pixels)
    if attempt.after is None or attempt.before is None:
        return _blank(pixels)
    window = _window(attempt, attempt.before, name, side)
    view = attempt.after.view(name)
    return _resized(
        Canvas(view, scale=max(1, -(-pixels // window.height)), window=window).picture, pixels
    )


def _window(attempt: Attempt, before: Observation, name: str | None, side: float) -> Window:
    view, place = before.view(name), _place_of(attempt)
    return Window.around(view, place, side) if place is not None else _middle(view.size)


def _place_of(attempt: Attempt) -> FloatArray | None:
    grasp: Grasp | None = grasp_of(attempt)
    if grasp is not None:
        place: FloatArray = grasp.world_from_tool[:3, 3]
        return place
    push = push_of(attempt)
    return None if push is None else push.start


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
    return np.full((pixels, pixels, 3), _PAPER, np.uint8)


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    text = ", ".join(f"{v:.3g}" for v in value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
