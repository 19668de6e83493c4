"""Line charts as inline SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from selfgrasp.report.axis import Axis
from selfgrasp.report.markup import EMPTY, element, join

WIDTH, HEIGHT = 480, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 42
_MOST_DOTS = 80


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: in the legend and in hover titles.
        x: (N,) places.
        y: (N,) values; not finite = a gap.
        low: (N,) lower ends of a band, or empty; not finite = no interval there.
        high: (N,) upper ends, or empty.
        color: number of a colour in the page's series; 0 is grey.
        dashed: for references.
        paper: figures that a paper published: dashed, with hollow diamonds, and called theirs in
            the legend.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    color: int = 1
    dashed: bool = False
    paper: bool = False


def line_chart(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    percent: bool = False,
    log_x: bool = False,
    y_range: tuple[float, float] | None = None,
    label: str = "",
) -> Markup:
    """Lines over x with bands, dots that say their value on hover, and a legend.

    Args:
        series: the lines; drawn in order.
        x_label: under the axis, with its unit.
        y_label: above the axis, with its unit.
        percent: whether y are shares written as per cent.
        log_x: whether x is logarithmic; places at 0 and below lie at its left end.
        y_range: ends of the y axis; from the data by default.
        label: what the chart shows, for those who cannot see it.
    """
    all_y = [v for s in series for part in (s.y, s.low, s.high) for v in part]
    bottom, top = y_range or (None, None)
    all_x = [v for s in series for v in s.x]
    x_axis = Axis.log_over(all_x) if log_x else Axis.over(all_x)
    y_axis = Axis.over(all_y, percent=percent, low=bottom, high=top)

    def at(x: float, y: float) -> tuple[float, float]:
        return _LEFT + x_axis.share(x) * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - y_axis.share(
            y
        ) * (HEIGHT - _TOP - _BOTTOM)

    body = [
        _grid(x_axis, y_axis, at, x_label),
        *(_band(s, at) for s in series if s.low),
        *(_line(s, at, x_axis, y_axis) for s in series),
    ]
    svg = element(
        "svg",
        *body,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=label or f"{y_label} against {x_label}",
        class_="chart",
    )
    return element(
        "div",
        element(
            "div", element("span", y_label, class_="y-label"), legend(series), class_="chart-head"
        ),
        svg,
        class_="chart-box",
    )


def legend(series: Sequence[Series]) -> Markup:
    """Names beside their colours; nothing where there is one line only and it is ours."""
    if len(series) < 2 and not any(s.paper for s in series):
        return EMPTY
    return element("ul", *(element("li", _swatch(s), _name_of(s)) for s in series), class_="legend")


def _swatch(series: Series) -> Markup:
    if series.paper:
        return element("i", class_=f"diamond s{series.color}")
    return element("i", class_=f"swatch s{series.color}" + (" dashed" if series.dashed else ""))


def _name_of(series: Series) -> str:
    """The series' name, which says whose figures they are."""
    return (
        f"{series.name} (the paper)"
        if series.paper and "paper" not in series.name.lower()
        else series.name
    )


def _grid(
    x_axis: Axis, y_axis: Axis, at: Callable[[float, float], tuple[float, float]], x_label: str
) -> Markup:
    parts = []
    for tick in y_axis.ticks:
        left, y = at(x_axis.low, tick)
        right, _ = at(x_axis.high, tick)
        parts += [element("line", x1=left, x2=right, y1=y, y2=y, class_="grid")]
        parts += [element("text", y_axis.text(tick), x=left - 8, y=y + 4, text_anchor="end")]
    for tick in x_axis.ticks:
        x, y = at(tick, y_axis.low)
        parts += [
            element("line", x1=x, x2=x, y1=y, y2=y + 4, class_="tick"),
            element("text", x_axis.text(tick), x=x, y=y + 18, text_anchor="middle"),
        ]
    left, base = at(x_axis.low, y_axis.low)
    right, _ = at(x_axis.high, y_axis.low)
    parts += [element("line", x1=left, x2=right, y1=base, y2=base, class_="tick")]
    parts += [
        element(
            "text",
            x_label,
            x=(left + right) / 2,
            y=HEIGHT - 6,
            text_anchor="middle",
            class_="axis-name",
        )
    ]
    return join(parts)


def _band(series: Series, at: Callable[[float, float], tuple[float, float]]) -> Markup:
    """The area between the ends, or, around a single place, a whisker."""
    known = [
        (x, *ends)
        for x, *ends in zip(series.x, series.low, series.high, strict=True)
        if all(map(math.isfinite, ends))
    ]
    lower, upper = [at(x, low) for x, low, _ in known], [at(x, high) for x, _, high in known]
    if len(known) == 1:
        ((x, bottom), (_, top)) = lower[0], upper[0]
        ends = [
            element("line", x1=x - 4, x2=x + 4, y1=y, y2=y, class_="whisker") for y in (bottom, top)
        ]
        return element(
            "g",
            element("line", x1=x, x2=x, y1=bottom, y2=top, class_="whisker"),
            *ends,
            class_=f"bar s{series.color}",
        )
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in upper + lower[::-1])
    return element("polygon", points=corners, class_=f"band s{series.color}") if known else EMPTY


def _line(
    series: Series, at: Callable[[float, float], tuple[float, float]], x_axis: Axis, y_axis: Axis
) -> Markup:
    known = [(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
    path = (
        "M" + " L".join(f"{px:.1f} {py:.1f}" for px, py in (at(x, y) for x, y in known))
        if known
        else ""
    )
    line = element(
        "path",
        d=path,
        class_=f"line s{series.color}" + (" dashed" if series.dashed or series.paper else ""),
    )
    if series.paper:
        return join([line, *(_diamond(series, x, y, at, x_axis, y_axis) for x, y in known)])
    if series.dashed:
        return line
    # A dot wherever a value can be read off by hovering; a few only stay visible.
    sparse = len(known) <= 24
    dots = [
        element(
            "circle",
            element("title", _hover(series, x, y, x_axis, y_axis)),
            cx=at(x, y)[0],
            cy=at(x, y)[1],
            r=3.2 if sparse else 4.5,
            class_=f"point s{series.color}" + ("" if sparse else " faint"),
        )
        for x, y in known[:: max(1, len(known) // _MOST_DOTS)]
    ]
    return join([line, *dots])


def _diamond(
    series: Series,
    x: float,
    y: float,
    at: Callable[[float, float], tuple[float, float]],
    x_axis: Axis,
    y_axis: Axis,
) -> Markup:
    px, py = at(x, y)
    title = element("title", _hover(series, x, y, x_axis, y_axis))
    return element(
        "path",
        title,
        d="M0 -5 L5 0 L0 5 L-5 0 Z",
        transform=f"translate({px:.1f} {py:.1f})",
        class_=f"theirs s{series.color}",
    )


def _hover(series: Series, x: float, y: float, x_axis: Axis, y_axis: Axis) -> str:
    return (
        f"{_name_of(series)}: {y * 100:.1f} % at {x_axis.text(x)}"
        if y_axis.percent
        else f"{_name_of(series)}: {y:.4g} at {x_axis.text(x)}"
    )
