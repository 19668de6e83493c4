"""`selfgrasp demo semantic`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from selfgrasp.core.bounds import Between, Seed
from selfgrasp.workcell.cells.config import OptionValue

CELL = "kuka_bin"
"""Whose options are the demo's."""


@dataclass(frozen=True)
class Args:
    """The shipped weights at work: "bring me the spoon", from a bin of several things, with films
    and maps of what was thought to be where.

    It asks for `ask` first, then for others, then for one that is not in the bin.

    Attributes:
        objects: instances of the known categories that the bin is filled from: seen in training,
            for validation, or novel.
        out: folder of the page.
        ask: the category to bring first.
        commands: at most.
        seed: of the bin.
        options: of the cell; how many objects there are, of which mixture, and the pictures' size
            are the demo's.
    """

    objects: Literal["seen", "validation", "novel"] = "novel"
    out: Path = Path("runs/demo-semantic")
    ask: str = "spoon"
    commands: Annotated[int, Between(1, 10**6)] = 30
    seed: Seed = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Fetch, and write the page; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.semantic.demo_run import play

    play(args)
    return 0
