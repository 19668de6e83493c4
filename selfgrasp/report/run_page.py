"""One page from the folders of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfgrasp.report.data import ReportData, joined, read_run
from selfgrasp.report.hero import hero
from selfgrasp.report.html import Page
from selfgrasp.report.numbers import add_numbers
from selfgrasp.report.story import add_story

REPORT_FILE = "report.html"


def write_report(runs: Sequence[Path], out: Path | None = None) -> Path:
    """Writes the page of one or several runs' folders, and says where.

    Raises:
        InputError: no run, a folder that does not exist, a file in it that cannot be read, or runs
            of different protocols.
    """

    data = joined([read_run(run) for run in runs])
    path = out or runs[0] / REPORT_FILE
    report_page(data).write(path)
    return path


def report_page(data: ReportData) -> Page:
    """The whole story: what happened, where it tried, what came of it, what it learned, how good it
    is, how it was made."""

    page = Page(
        title=f"{data.report.get('protocol', 'run')} · {data.name} · selfgrasp", hero=hero(data)
    )
    return add_numbers(add_story(page, data), data)
