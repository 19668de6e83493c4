"""The second half of a report: curves, the comparison, calibration, and how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from selfgrasp.common.parts import Pair
from selfgrasp.protocols.metric import Unit
from selfgrasp.report.chart import Axis, Interval, Series, axis_svg, interval_svg, line_chart
from selfgrasp.report.data import ReportData, Row
from selfgrasp.report.figures import add_figures
from selfgrasp.report.html import Page, code, details, facts, figure, grid, note, table
from selfgrasp.report.markup import EMPTY, element, join
from selfgrasp.report.policies import PolicyStyle, policy_styles
from selfgrasp.report.words import (
    difference_text,
    direction,
    duration,
    metric,
    objects_in_words,
    ordered_metrics,
    range_text,
    value_text,
)

_NAMES = {
    "loss": "training",
    "validation_loss": "validation",
    "validation_accuracy": "accuracy",
    "validation_auc": "AUC",
    "auc": "AUC",
    "accuracy": "training accuracy",
}


def add_numbers(page: Page, data: ReportData) -> Page:
    """Curves, comparison, the run's own tables, charts and pictures, calibration and provenance; a
    part without figures is left out."""
    charts = [*_success_curve(data), *_training_charts(data)]
    if charts:
        page = page.section("How it learned", grid(*charts))
    if data.rows:
        page = page.section("How good it is", *_comparison(data), lead=_COMPARISON_LEAD)
    page = add_figures(page, data)
    if data.calibration:
        page = page.section(
            "Can its scores be believed",
            grid(*_calibration(data)),
            lead="Where the line follows the diagonal, a score of 0.8 means eight in ten.",
        )
    return page.section("How it was made", *_provenance(data))


_COMPARISON_LEAD = Markup(
    "Every policy meets the same scenes. Dots are our figures with their 95 % intervals; a "
    "hollow dot reads what no robot can sense. "
    '<span class="diamond"></span> is the figure the paper published: another robot, other '
    "objects, a landmark rather than a race on one track."
)


def _training_charts(data: ReportData) -> list[Markup]:
    keys = list(dict.fromkeys(key for line in data.log for key in line))
    losses = [key for key in keys if key in ("loss", "validation_loss")]
    shares = [key for key in keys if key.endswith(("accuracy", "auc"))]
    charts = []
    if losses:
        charts.append(
            line_chart(
                _series(data, losses),
                x_label="training step",
                y_label="loss",
                label="loss against training step",
            )
        )
    if shares:
        charts.append(
            line_chart(
                _series(data, shares),
                x_label="training step",
                y_label="on held-out scenes",
                percent=True,
                label="accuracy against training step",
            )
        )
    return charts


def _series(data: ReportData, keys: Sequence[str]) -> list[Series]:
    found: list[Series] = []
    for key in keys:
        pairs = [(line["step"], line[key]) for line in data.log if key in line]
        # A noisy training curve drawn second would hide the validation curve.
        color = (
            0
            if key in ("loss", "training_loss", "accuracy") and len(keys) > 1
            else 1 + sum(s.color > 0 for s in found)
        )
        found.append(
            Series(
                _NAMES.get(key, key.replace("_", " ")),
                tuple(x for x, _ in pairs),
                tuple(y for _, y in pairs),
                color=color,
            )
        )
    return found


def _success_curve(data: ReportData) -> list[Markup]:
    points, known = data.part("curve"), policy_styles(data)
    if not points:
        return []
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        groups.setdefault(str(point.get("policy", "learned")), []).append(point)
    series = [
        Series(
            name,
            tuple(float(p["attempts"]) for p in some),
            tuple(float(p["value"]) for p in some),
            tuple(float(p["low"]) for p in some if "low" in p),
            tuple(float(p["high"]) for p in some if "high" in p),
            color=known.get(name, PolicyStyle(1 + i % 6)).color,
        )
        for i, (name, some) in enumerate(groups.items())
    ]
    widest = (min(x for s in series for x in s.x), max(x for s in series for x in s.x))
    base = next(
        (
            row
            for row in data.rows
            if row.policy == "random" and row.metric == points[0].get("metric", "success")
        ),
        None,
    )
    if base is not None:
        series.append(Series("random", widest, (base.value, base.value), color=0, dashed=True))
    return [
        line_chart(
            series,
            x_label="attempts",
            y_label="success",
            percent=True,
            label="success against attempts",
        )
    ]


def _comparison(data: ReportData) -> list[Markup]:
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


def _calibration(data: ReportData) -> list[Markup]:
    charts, known = [], policy_styles(data)
    for entry in data.calibration:
        bins = [b for b in entry.bins if b.n]
        ours = Series(
            entry.policy,
            tuple(b.predicted for b in bins),
            tuple(b.observed for b in bins),
            tuple(b.low for b in bins),
            tuple(b.high for b in bins),
            color=known.get(entry.policy, PolicyStyle(1)).color,
        )
        drawn = line_chart(
            [Series("perfect", (0.0, 1.0), (0.0, 1.0), color=0, dashed=True), ours],
            x_label="predicted success",
            y_label="observed success",
            percent=True,
            y_range=(0.0, 1.0),
        )
        words = f"Expected calibration error {entry.error:.3f}" if entry.error is not None else ""
        charts.append(figure(drawn, words) if words else drawn)
    return charts


def _provenance(data: ReportData) -> list[Markup]:
    report, env = data.report, data.env
    plain = [
        ("protocol", report.get("protocol")),
        ("cell", report.get("cell")),
        ("seed", report.get("seed", env.get("seed"))),
    ]
    plain += [(key.replace("_", " "), env[key]) for key in ("commit", "device") if key in env]
    parts = [facts([(name, value) for name, value in plain if value is not None])]
    if data.part("stages"):
        rows = [
            [stage["name"], duration(float(stage.get("seconds", 0.0))), stage.get("detail", "")]
            for stage in data.part("stages")
        ]
        parts.append(table(rows, head=("stage", "time", "what"), numbers=(1,)))
    if data.part("commands"):
        parts.append(code("\n".join(str(command) for command in data.part("commands"))))
    for title, key in (
        ("Judge against truth", "judge"),
        ("Frozen before any learned result was looked at", "frozen"),
        ("Versions", "versions"),
        ("Noise", "noise"),
    ):
        values = report.get(key) or (env.get(key) if key == "versions" else None)
        if isinstance(values, Mapping) and values:
            parts.append(
                details(
                    title,
                    facts(
                        [
                            (name.replace("_", " "), _plain(name, value))
                            for name, value in values.items()
                        ]
                    ),
                    opened=key == "judge",
                )
            )
    if data.config:
        parts.append(details("Configuration", code(json.dumps(data.config, indent=2, default=str))))
    if data.missing:
        parts.append(
            details(
                "Not in this run's folder",
                element("ul", *(element("li", text) for text in data.missing)),
            )
        )
    return parts or [EMPTY]


def _plain(name: str, value: object) -> str:
    if isinstance(value, float):
        rate = any(word in name for word in ("rate", "share", "disagree", "false"))
        return f"{value * 100:.1f} %" if rate and 0 <= value <= 1 else f"{value:.4g}"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
