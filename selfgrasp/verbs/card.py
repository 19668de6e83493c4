"""`selfgrasp card`: what a dataset holds, as a page of Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Describe a dataset as a page of Markdown: the cell, how it was collected, counts, rates,
    labels, splits."""

    dataset: Positional[Path]
    """The dataset's folder."""

    out: Path | None = None
    """File to write; without it the page is printed."""


def run(args: Args) -> int:
    """Print or write the card."""
    from selfgrasp.common.files import write_whole
    from selfgrasp.dataset import card

    text = card(args.dataset)
    if args.out is None:
        print(text)
    else:
        write_whole(args.out, f"{text}\n".encode())
    return 0
