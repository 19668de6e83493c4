"""`selfgrasp export`: write a dataset in a format that others read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Write a dataset as a LeRobotDataset v3.0: one attempt is one episode. Attempts without steps
    or pictures are left out."""

    dataset: Positional[Path]
    """The dataset's folder."""

    out: Path
    """The folder to make."""


def run(args: Args) -> int:
    """Write the folder."""
    from selfgrasp.dataset import export_lerobot

    episodes = export_lerobot(args.dataset, args.out)
    print(f"{args.out}: {episodes} episodes")
    return 0
