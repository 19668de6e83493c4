"""The tables, charts and pictures that a run puts into its report.json, as sections of its page."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from markupsafe import Markup

from selfgrasp.common.parts import Chart, Line, Table
from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.data import ReportData
from selfgrasp.report.html import Page, figure, gallery, grid, image, table
from selfgrasp.report.markup import EMPTY, element, join
from selfgrasp.report.story_parts import Gallery

THEIRS = re.compile(r"\bpaper\b", re.IGNORECASE)
"""A column whose title says so holds the paper's figures."""

_NUMBER = re.compile(r"(?:[\d.,+\u2212\u00b1\u2013%\[\]()\s-]|\bto\b)*")
_FULL_WIDTH, _SIDE_BY_SIDE = 1, 4
_COLORS = 6


def add_figures(page: Page, data: ReportData) -> Page:
    """Tables, then charts, then pictures; a kind of which there are none is left out."""
    if data.tables:
        page = page.section("In tables", *(_table(entry) for entry in data.tables))
    if data.charts:
        papers = any(line.paper for entry in data.charts for line in entry.series)
        page = page.section(
            "In charts",
            grid(*(_chart(entry) for entry in data.charts)),
            lead=_CHARTS_LEAD if papers else "",
        )
    if data.story.galleries:
        pictures = [_pictures(entry) for entry in data.story.galleries]
        page = page.section("In pictures", *pictures)
    return page


_CHARTS_LEAD = Markup(
    'Lines with dots are ours, with 95 % intervals. <span class="diamond"></span> on broken '
    "lines are the figures the paper published: "
    "another robot, other objects, landmarks rather than a race on one track."
)


def _heading(entry: Table | Gallery) -> Markup:
    lead = element("p", entry.note, class_="lead") if entry.note else EMPTY
    return join([element("h3", entry.title), lead])


def _table(entry: Table) -> Markup:
    columns, rows = entry.columns, entry.rows
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


def _chart(entry: Chart) -> Markup:
    colors = _colors(entry.series)
    drawn = line_chart(
        [_series(line, color) for line, color in zip(entry.series, colors, strict=True)],
        x_label=entry.x,
        y_label=entry.y,
        percent=entry.percent,
        log_x=entry.log_x,
        label=f"{entry.title}: {entry.y} against {entry.x}",
    )
    return element("div", element("h3", entry.title), figure(drawn, entry.note))


def _series(line: Line, color: int) -> Series:
    points = sorted(line.points, key=lambda point: point.x)
    low, high = (
        tuple(math.nan if end is None else end for end in ends)
        for ends in ([p.low for p in points], [p.high for p in points])
    )
    bounded = any(top > bottom for bottom, top in zip(low, high, strict=True))
    return Series(
        line.name,
        tuple(p.x for p in points),
        tuple(p.y for p in points),
        low if bounded else (),
        high if bounded else (),
        color=color,
        paper=line.paper,
    )


def _colors(series: Sequence[Line]) -> list[int]:
    """Ours in the page's order; the paper's in the colour of ours of the same name, and grey where
    we have none."""
    ours = list(dict.fromkeys(line.name for line in series if not line.paper))
    return [1 + ours.index(line.name) % _COLORS if line.name in ours else 0 for line in series]


def _pictures(entry: Gallery) -> Markup:
    """One picture over the full width, few side by side, many as a gallery."""
    shown = [
        figure(image(file, caption or entry.title), caption)
        for file, caption in zip(entry.files, entry.captions, strict=True)
    ]
    if len(shown) <= _FULL_WIDTH:
        return join([_heading(entry), *shown])
    return join([_heading(entry), grid(*shown) if len(shown) <= _SIDE_BY_SIDE else gallery(shown)])
