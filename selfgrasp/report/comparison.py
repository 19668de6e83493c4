"""How good policies are: every metric, and differences on the same scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from selfgrasp.common.parts import Pair
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.metric import Unit
from selfgrasp.report.axis import Axis
from selfgrasp.report.bars import Interval, axis_svg, interval_svg
from selfgrasp.report.data import ReportData
from selfgrasp.report.html import note
from selfgrasp.report.markup import element, join
from selfgrasp.report.policies import PolicyStyle, policy_styles
from selfgrasp.report.words import (
    difference_text,
    direction,
    metric,
    objects_in_words,
    ordered_metrics,
    range_text,
    value_text,
)

COMPARISON_LEAD = Markup(
    "Every policy meets the same scenes. Dots are our figures with their 95 % intervals; a "
    "hollow dot reads what no robot can sense. "
    '<span class="diamond"></span> is the figure the paper published: another robot, other '
    "objects, a landmark rather than a race on one track."
)


def comparison(data: ReportData) -> list[Markup]:
    """A table for each metric and set of objects, paired differences, and what to keep in mind."""
    known = policy_styles(data)
    parts = []
    for name, objects in ordered_metrics(data.rows):
        rows = [row for row in data.rows if row.metric == name and row.objects == objects]
        parts.append(_metric_table(name, objects, rows, known))
    parts += _paired(data)
    reductions = [str(text) for text in (*data.part("reductions"), *data.part("notes"))]
    if reductions:
        parts.append(element("h3", "What to keep in mind"))
        parts += [note(text) for text in reductions]
    return parts


def _metric_table(
    name: str, objects: str, rows: Sequence[Row], known: Mapping[str, PolicyStyle]
) -> Markup:
    m = metric(name)
    values = [
        v
        for row in rows
        for v in (row.low, row.high, row.value, *([] if row.paper is None else [row.paper]))
    ]
    axis = Axis.over(
        [*values, 0.0],
        percent=m.unit is Unit.FRACTION,
        low=0.0 if min(values) >= 0 else None,
        high=1.0 if m.unit is Unit.FRACTION and max(values) <= 1 else None,
        wanted=4,
    )
    words = " · ".join(filter(None, (objects_in_words(objects), m.meaning, direction(m))))
    with_paper = any(row.paper is not None for row in rows)
    head = ("", axis_svg(axis), "ours", "95 % interval", "paper" if with_paper else "", "trials")
    body = [_row(row, axis, known.get(row.policy, PolicyStyle(1)), name) for row in rows]
    titles = element(
        "thead",
        element(
            "tr",
            *(
                element("th", cell, class_="number" if i > 1 else None)
                for i, cell in enumerate(head)
            ),
        ),
    )
    grid_table = element("table", titles, element("tbody", *body), class_="compare")
    return join(
        [
            element("h3", m.title, element("small", words)),
            element("div", grid_table, class_="scroll"),
        ]
    )


def _row(row: Row, axis: Axis, style: PolicyStyle, name: str) -> Markup:
    m = metric(name)
    title = (
        f"{row.policy}: {value_text(m, row.value)}, 95 % interval {value_text(m, row.low)} to "
        f"{value_text(m, row.high)}, {row.n} trials"
    )
    if row.paper is not None:
        title += f"; the paper: {value_text(m, row.paper)}"
    badges = [
        element(
            "span",
            "reads ",
            label,
            class_="badge",
            title="a privileged label: a real robot cannot sense it",
        )
        for label in row.privileged
    ]
    drawn = interval_svg(
        Interval(row.value, row.low, row.high, row.paper, style.color, style.hollow, title), axis
    )
    theirs = "" if row.paper is None else value_text(m, row.paper)
    cells = [
        element("td", element("b", row.policy), *badges),
        element("td", drawn),
        element("td", element("b", value_text(m, row.value)), class_="number"),
        element("td", range_text(m, row.low, row.high), class_="number", data_name=""),
        element("td", theirs, class_="number", data_name="paper"),
        element("td", f"{row.n:,}", class_="number", data_name="n ="),
    ]
    return element("tr", *cells)


def _paired(data: ReportData) -> list[Markup]:
    """Differences on the same scenes: an interval that keeps clear of zero is a difference."""
    parts: list[Markup] = []
    for name, objects in dict.fromkeys((pair.metric, pair.objects) for pair in data.paired):
        some = [pair for pair in data.paired if (pair.metric, pair.objects) == (name, objects)]
        m = metric(name)
        ends = [end for pair in some for end in (pair.low, pair.high)]
        axis = Axis.over([0.0, *ends], percent=m.unit is Unit.FRACTION, wanted=4)
        rows = [_pair(pair, axis) for pair in some]
        head = ("", axis_svg(axis), "difference", "95 % interval", "", "pairs")
        titles = element(
            "thead",
            element(
                "tr",
                *(
                    element("th", cell, class_="number" if i > 1 else None)
                    for i, cell in enumerate(head)
                ),
            ),
        )
        words = (
            f"{objects_in_words(objects)} · the same scenes, by how much one policy is better "
            f"than the other{', in percentage points' if m.unit is Unit.FRACTION else ''}"
        )
        parts.append(element("h3", f"{m.title}: paired differences", element("small", words)))
        parts.append(
            element(
                "div",
                element("table", titles, element("tbody", *rows), class_="compare"),
                class_="scroll",
            )
        )
    return parts


def _pair(pair: Pair, axis: Axis) -> Markup:
    m = metric(pair.metric)
    title = (
        f"{pair.a} over {pair.b}: better by {value_text(m, pair.difference)}, from "
        f"{value_text(m, pair.low)} to {value_text(m, pair.high)}"
    )
    color = 1 if pair.low > 0 or pair.high < 0 else 0
    drawn = interval_svg(
        Interval(pair.difference, pair.low, pair.high, color=color, title=title), axis
    )
    names = element("td", element("b", pair.a), element("span", f" over {pair.b}", class_="who"))
    figures = [
        difference_text(m, pair.difference),
        f"{difference_text(m, pair.low)} to {difference_text(m, pair.high)}",
        "",
        f"{pair.n:,}",
    ]
    cells = [
        element("td", text, class_="number", data_name="n =" if i == 3 else "")
        for i, text in enumerate(figures)
    ]
    return element("tr", names, element("td", drawn), *cells)
