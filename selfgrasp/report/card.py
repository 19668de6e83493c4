"""One attempt on a page: its picture above what was felt, who tried, and its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from selfgrasp.core import Attempt
from selfgrasp.core.watcher import VERDICT
from selfgrasp.report.markup import element, join
from selfgrasp.viz.kinds import kind_of


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
    def of(attempt: Attempt, labels: Mapping[str, object], policy: str = "") -> CardText:
        """From the attempt and its labels; `policy` is what rows call its policy, by default as
        the attempt does."""
        score = attempt.steps[-1].score if attempt.steps else float("nan")
        return CardText(
            id=attempt.id,
            kind=kind_of(attempt),
            policy=policy or attempt.policy,
            round=attempt.round,
            score=float(score) if np.isfinite(score) else None,
            width=attempt.outcome.width,
            force=attempt.outcome.force,
            labels={name: _short(value) for name, value in labels.items()},
        )

    @property
    def figures(self) -> str:
        """Width and force after the lift, in one line."""
        return f"{self.width * 1000:.0f} mm · {self.force:.1f} N"


def kind_mark(kind: str) -> Markup:
    """What became of an attempt, in its colour."""
    return element("b", kind, class_=f"kind kind-{kind}")


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
    words = join([kind_mark(text.kind), element("span", text.figures)])
    who = " · ".join(
        part
        for part in (
            text.policy,
            f"round {text.round}" if text.round else "",
            # A policy without an opinion scores 0.
            f"score {text.score:.2f}" if text.score else "",
            thing,
            text.labels.get(VERDICT, ""),
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


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    text = ", ".join(f"{v:.3g}" for v in value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
