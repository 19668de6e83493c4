"""`selfgrasp demo hand_eye`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from selfgrasp.core.bounds import Between, Seed
from selfgrasp.workcell.cells.config import OptionValue

CELL = "kuka_bin"
"""Whose options are the demo's."""


@dataclass(frozen=True)
class Args:
    """The shipped weights at work: an arm reaches into one full bin, looking at every step, with a
    film of what it thought.

    Attributes:
        objects: a folder of meshes (OBJ, STL, GLB); built-in objects that no training saw by
            default.
        out: folder of the page.
        attempts: reaches, from one bin.
        seed: of the bin.
        options: of the cell; how many objects there are and the pictures' size are the demo's.
    """

    objects: Path | None = None
    out: Path = Path("runs/demo-hand_eye")
    attempts: Annotated[int, Between(1, 10**6)] = 30
    seed: Seed = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Reach, and write the page; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.hand_eye.demo_run import play

    play(args)
    return 0
