"""`selfgrasp merge`: several datasets into one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Copy several datasets of one cell into a new one. The sources stay as they are; an attempt
    that is in two of them is kept once."""

    datasets: Positional[tuple[Path, ...]]
    """The datasets' folders."""

    out: Path
    """The folder to make."""


def run(args: Args) -> int:
    """Write the merged dataset."""
    from selfgrasp.dataset import merge

    print(f"{args.out}: {merge(args.datasets, args.out)} attempts")
    return 0
