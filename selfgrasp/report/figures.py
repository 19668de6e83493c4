"""The tables, charts and pictures that a run puts into its report.json, as sections of its page.

tables: title, note, columns (C texts), rows (each of C texts, numbers or null). charts: title,
note, x and y (labels), log_x, percent (y are shares), series of name, paper (whose figures) and
points of x, y, low and high. pictures: title, note, files (names in the run's `pictures/`),
captions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from selfgrasp.core import InputError
from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.data import ReportData
from selfgrasp.report.html import Page, figure, gallery, grid, image, table
from selfgrasp.report.markup import EMPTY, Markup, element, join

THEIRS = re.compile(r"\bpaper\b", re.IGNORECASE)
"""A column whose title says so holds the paper's figures."""

_NUMBER = re.compile(r"(?:[\d.,+\u2212\u00b1\u2013%\[\]()\s-]|\bto\b)*")
_FULL_WIDTH, _SIDE_BY_SIDE = 1, 4
_COLORS = 6


def add_figures(page: Page, data: ReportData) -> Page:
    """Tables, then charts, then pictures; a kind of which there are none is left out.

    Raises:
        InputError: an entry that lacks a part, a row of another length than the columns, or 0 and
            below on a logarithmic axis.
    """
    tables, charts = (
        [_checked(entry, name) for entry in data.part(name)] for name in ("tables", "charts")
    )
    if tables:
        page = page.section("In tables", *(_table(entry) for entry in tables))
    if charts:
        page = page.section(
            "In charts",
            grid(*(_chart(entry) for entry in charts)),
            lead=_CHARTS_LEAD if _any_paper(charts) else "",
        )
    if data.pictures:
        page = page.section("In pictures", *(_pictures(entry) for entry in data.pictures))
    return page


_CHARTS_LEAD = Markup(
    'Lines with dots are ours, with 95 % intervals. <span class="diamond"></span> on broken '
    "lines are the figures the paper published: "
    "another robot, other objects, landmarks rather than a race on one track."
)
_WANTED = {"tables": ("title", "columns", "rows"), "charts": ("title", "x", "y", "series")}


def _checked(entry: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    lacking = [key for key in _WANTED[part] if key not in entry]
    if lacking:
        raise InputError(
            given=f"an entry of {part} in report.json without {', '.join(lacking)}",
            wanted=", ".join(_WANTED[part]),
            exists=", ".join(entry),
        )
    return entry


def _heading(entry: Mapping[str, Any]) -> Markup:
    words = entry.get("note")
    return join(
        [element("h3", entry["title"]), element("p", words, class_="lead") if words else EMPTY]
    )


def _table(entry: Mapping[str, Any]) -> Markup:
    columns, rows = [str(column) for column in entry["columns"]], entry["rows"]
    for row in rows:
        if len(row) != len(columns):
            raise InputError(
                given=f"a row of {len(row)} cells in the table {entry['title']!r}: {row}",
                wanted=f"{len(columns)}: {', '.join(columns)}",
            )
    by_column = [_column([row[index] for row in rows]) for index in range(len(columns))]
    theirs = [bool(THEIRS.search(column)) for column in columns]
    numbers = [
        index
        for index, cells in enumerate(by_column)
        if all(_NUMBER.fullmatch(cell) for cell in cells) and any(cells)
    ]
    body = [
        [_cell(cell, theirs[index]) for index, cell in enumerate(row)]
        for row in zip(*by_column, strict=True)
    ]
    head = [_cell(column, theirs[index]) for index, column in enumerate(columns)]
    return join([_heading(entry), table(body, head=head, numbers=numbers, class_="listed")])


def _cell(text: str, theirs: bool) -> Markup:
    return element("span", text, class_="theirs") if theirs else join([text])


def _column(cells: Sequence[object]) -> list[str]:
    """A column's cells as text: its fractions with equally many digits after the point."""
    largest = max(
        (abs(cell) for cell in cells if isinstance(cell, float) and math.isfinite(cell)),
        default=0.0,
    )
    digits = 3 if largest < 10 else 1 if largest < 1000 else 0
    return [_text(cell, digits) for cell in cells]


def _text(cell: object, digits: int) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.{digits}f}" if math.isfinite(cell) else "\u2013"
    return str(cell)


def _chart(entry: Mapping[str, Any]) -> Markup:
    log_x = bool(entry.get("log_x"))
    colors = _colors(entry["series"])
    lines = [_series(part, color) for part, color in zip(entry["series"], colors, strict=True)]
    if log_x and (lowest := min((x for line in lines for x in line.x), default=1.0)) <= 0:
        raise InputError(
            given=f"a point at {lowest:g} in the chart {entry['title']!r}, whose axis is "
            "logarithmic",
            wanted="places above 0, or log_x false",
        )
    label = f"{entry['title']}: {entry['y']} against {entry['x']}"
    drawn = line_chart(
        lines,
        x_label=str(entry["x"]),
        y_label=str(entry["y"]),
        percent=bool(entry.get("percent")),
        log_x=log_x,
        label=label,
    )
    return element("div", element("h3", entry["title"]), figure(drawn, entry.get("note") or ""))


def _series(part: Mapping[str, Any], color: int) -> Series:
    points = sorted(part["points"], key=lambda point: float(point["x"]))
    x, y, low, high = (
        tuple(_number(point.get(key)) for point in points) for key in ("x", "y", "low", "high")
    )
    bounded = any(top > bottom for bottom, top in zip(low, high, strict=True))
    return Series(
        str(part["name"]),
        x,
        y,
        low if bounded else (),
        high if bounded else (),
        color=color,
        paper=bool(part.get("paper")),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _colors(series: Sequence[Mapping[str, Any]]) -> list[int]:
    """Ours in the page's order; the paper's in the colour of ours of the same name, and grey where
    we have none."""
    ours = list(dict.fromkeys(str(part["name"]) for part in series if not part.get("paper")))
    return [
        1 + ours.index(str(part["name"])) % _COLORS if str(part["name"]) in ours else 0
        for part in series
    ]


def _pictures(entry: Mapping[str, Any]) -> Markup:
    """One picture over the full width, few side by side, many as a gallery."""
    captioned = zip(entry["files"], entry["captions"], strict=True)
    shown = [
        figure(image(file, str(caption) or str(entry["title"])), caption)
        for file, caption in captioned
    ]
    if len(shown) <= _FULL_WIDTH:
        return join([_heading(entry), *shown])
    return join([_heading(entry), grid(*shown) if len(shown) <= _SIDE_BY_SIDE else gallery(shown)])


def _any_paper(charts: Sequence[Mapping[str, Any]]) -> bool:
    return any(part.get("paper") for entry in charts for part in entry["series"])
