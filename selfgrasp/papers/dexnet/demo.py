"""`selfgrasp demo dexnet`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from selfgrasp.core.bounds import Between, Seed
from selfgrasp.workcell.cells.config import OptionValue

CELL = "tabletop"
"""Whose options are the demo's."""


@dataclass(frozen=True)
class Args:
    """The shipped weights at work: an object with its grasps and their analytic quality, what the
    network sees of them, and a heap that is cleared.

    Attributes:
        objects: a folder of meshes (OBJ, STL, GLB); built-in objects that no training saw by
            default.
        out: folder of the page.
        attempts: at most, on one heap.
        seed: of everything.
        options: of the cell; ten objects without `--options.count`.
    """

    objects: Path | None = None
    out: Path = Path("runs/demo-dexnet")
    attempts: Annotated[int, Between(1, 10**6)] = 30
    seed: Seed = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Judge, grasp, and write the page; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.dexnet.demo_run import play

    play(args)
    return 0
