"""`selfgrasp check`: read a whole dataset and say what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Read a whole dataset and say what is wrong with it. Exit code 1 if anything is."""

    dataset: Positional[Path]
    """The dataset's folder."""


def run(args: Args) -> int:
    """Print the findings; 0 if there are none."""
    from selfgrasp.dataset import check

    report = check(args.dataset)
    parts = ", ".join(f"{count} {part}" for part, count in report.split_counts)
    print(
        f"{report.attempts} attempts ({parts}), {report.steps} steps, {report.labels} labels, "
        f"{report.vectors} vectors, {report.candidates} candidates, "
        f"{report.pictures} pictures ({report.unused_pictures} unused)"
    )
    for problem in report.problems:
        print(f"problem: {problem}")
    print("sound" if report.ok else f"{len(report.problems)} problems")
    return 0 if report.ok else 1
