"""`selfgrasp report`: one page from the runs of several policies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


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
    from selfgrasp.report.run_page import write_report

    path = write_report(args.runs, args.out)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0
