"""Intervals and shares on one line each, as inline SVG that stretches with the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from selfgrasp.report.axis import Axis
from selfgrasp.report.markup import element


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval, and the published figure where there is one."""

    value: float
    low: float
    high: float
    paper: float | None = None
    color: int = 1
    hollow: bool = False
    title: str = ""


def interval_svg(interval: Interval, axis: Axis) -> Markup:
    """Dot and whisker on one line; it stretches with the page, since all its places are per cent of
    the width."""

    def place(value: float) -> str:
        return f"{2 + 96 * axis.share(value):.2f}%"

    grid = [
        element("line", x1=place(t), x2=place(t), y1=0, y2=28, class_="grid") for t in axis.ticks
    ]
    zero = (
        [element("line", x1=place(0.0), x2=place(0.0), y1=0, y2=28, class_="zero")]
        if axis.low < 0 < axis.high
        else []
    )
    whisker = [
        element(
            "line", x1=place(interval.low), x2=place(interval.high), y1=14, y2=14, class_="whisker"
        )
    ]
    whisker += [
        element("line", x1=place(end), x2=place(end), y1=10, y2=18, class_="whisker")
        for end in (interval.low, interval.high)
    ]
    dot = element(
        "circle",
        cx=place(interval.value),
        cy=14,
        r=5,
        class_="hollow" if interval.hollow else "dot",
    )
    theirs = []
    if interval.paper is not None:
        mark = element(
            "svg",
            element("path", d="M0 -6 L6 0 L0 6 L-6 0 Z", class_="paper"),
            x=place(interval.paper),
            y=14,
            overflow="visible",
            width=1,
            height=1,
        )
        theirs = [mark]
    return element(
        "svg",
        element("title", interval.title),
        *grid,
        *zero,
        *theirs,
        *whisker,
        dot,
        class_=f"interval s{interval.color}",
        height=28,
        role="img",
    )


def axis_svg(axis: Axis) -> Markup:
    """The numbers under a column of `interval_svg`."""
    anchors = {0: "start", len(axis.ticks) - 1: "end"}
    ticks = [
        element(
            "text",
            axis.text(t),
            x=f"{2 + 96 * axis.share(t):.2f}%",
            y=12,
            text_anchor=anchors.get(i, "middle") if not 0.02 <= axis.share(t) <= 0.98 else "middle",
        )
        for i, t in enumerate(axis.ticks)
    ]
    return element("svg", *ticks, class_="interval-axis", height=16, aria_hidden="true")


def stacked_bar(parts: Sequence[tuple[str, int]]) -> Markup:
    """Shares of a whole on one line: (kind, count) pairs, each in its kind's colour with its count
    as hover title."""
    total = sum(count for _, count in parts) or 1
    segments, start = [], 0.0
    for kind, count in parts:
        share = 100.0 * count / total
        segments.append(
            element(
                "rect",
                element("title", f"{kind}: {count} of {total}"),
                x=f"{start:.2f}%",
                width=f"{share:.2f}%",
                y=0,
                height=16,
                class_=f"kind-{kind}",
            )
        )
        start += share
    return element(
        "svg",
        *segments,
        class_="stacked",
        height=16,
        role="img",
        aria_label=", ".join(f"{k} {n}" for k, n in parts),
    )
