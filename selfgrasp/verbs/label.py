"""`selfgrasp label`: attach labels that somebody made after the attempts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Attach a CSV of labels to a dataset, with its author. Attempts are not rewritten; methods
    read a label only if they declare it.

    The CSV has the columns attempt, name, value and, where a label is about one step or one view,
    step and view. Its first lines may be

        attempt,name,value
        e4968ac62b1a-000000-000,category,spoon
    """

    dataset: Positional[Path]
    """The dataset's folder."""

    csv: Path
    """The labels."""

    by: str
    """Who says so: a person's or a classifier's name."""


def run(args: Args) -> int:
    """Append the labels."""
    from selfgrasp.dataset import attach_csv

    print(f"{args.dataset}: {attach_csv(args.dataset, args.csv, by=args.by)} labels added")
    return 0
