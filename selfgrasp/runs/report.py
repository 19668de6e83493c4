"""`selfgrasp report`: one self-contained page from the runs of one policy or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

if TYPE_CHECKING:
    from selfgrasp.runs.report_data import ReportData
    from selfgrasp.viz.page import Page

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Args:
    """One page from the runs of several policies: pictures, curves, and the comparison. Several
    runs must be of one protocol."""

    runs: Positional[tuple[Path, ...]]
    """The runs' folders."""

    out: Path | None = None
    """File to write; without it report.html in the first run's folder."""


def run(args: Args) -> int:
    """Write the page and say where it is."""
    path = write_report(args.runs, args.out)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def write_report(runs: Sequence[Path], out: Path | None = None) -> Path:
    """Writes the page of one or several runs' folders, and says where.

    Raises:
        InputError: no run, a folder that does not exist, a file in it that cannot be read, or runs
            of different protocols.
    """
    from selfgrasp.runs.report_data import joined, read_run

    data = joined([read_run(run) for run in runs])
    path = out or runs[0] / REPORT_FILE
    report_page(data).write(path)
    return path


def report_page(data: ReportData) -> Page:
    """The whole story: what happened, where it tried, what came of it, what it learned, how good it
    is, how it was made."""
    from selfgrasp.runs.report_numbers import add_numbers
    from selfgrasp.runs.report_story import add_story, hero
    from selfgrasp.viz.page import Page

    page = Page(
        title=f"{data.report.get('protocol', 'run')} · {data.name} · selfgrasp", hero=hero(data)
    )
    return add_numbers(add_story(page, data), data)
