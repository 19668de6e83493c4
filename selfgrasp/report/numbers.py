"""The second half of a report: curves, the comparison, calibration, and how it was made."""

from __future__ import annotations

from markupsafe import Markup

from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.comparison import COMPARISON_LEAD, comparison
from selfgrasp.report.data import ReportData
from selfgrasp.report.figures import add_figures
from selfgrasp.report.html import Page, figure, grid
from selfgrasp.report.learning import learning_charts
from selfgrasp.report.policies import PolicyStyle, policy_styles
from selfgrasp.report.provenance import provenance


def add_numbers(page: Page, data: ReportData) -> Page:
    """Curves, comparison, the run's own tables, charts and pictures, calibration and provenance; a
    part without figures is left out."""
    charts = learning_charts(data)
    if charts:
        page = page.section("How it learned", grid(*charts))
    if data.rows:
        page = page.section("How good it is", *comparison(data), lead=COMPARISON_LEAD)
    page = add_figures(page, data)
    if data.calibration:
        page = page.section(
            "Can its scores be believed",
            grid(*_calibration(data)),
            lead="Where the line follows the diagonal, a score of 0.8 means eight in ten.",
        )
    return page.section("How it was made", *provenance(data))


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
