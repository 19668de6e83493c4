"""`selfgrasp demo grasp2vec`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from selfgrasp.core.bounds import Seed
from selfgrasp.workcell.cells.config import OptionValue

CELL = "kuka_bin"
"""Whose options are the demo's."""


@dataclass(frozen=True)
class Args:
    """A bin of six vessels, and pictures of what is to be fetched: three as the hand once held
    them, one cut out of the picture of the bin, one of your own if you give it, and one of a vessel
    that is not there.

    The page shows for each where it was thought to be and the reach, and the arithmetic of vectors:
    the picture before the grasp, less the picture after it, is what was held.

    Attributes:
        objects: vessels that the bin is filled from: seen in training, for validation, or novel.
        object: picture of an object alone, PNG, JPEG, WebP, BMP, TIFF or GIF, to be fetched, too.
        policy: grasp2vec, or the path of a run's folder or of a checkpoint of grasp2vec.
        out: folder of the page.
        seed: of the bin, and of which vessels are asked for.
        options: of the cell; bins of six and pictures of 224 px unless said.
    """

    objects: Literal["seen", "validation", "novel"] = "novel"
    object: Path | None = None
    policy: str = "grasp2vec"
    out: Path = Path("runs/demo-grasp2vec")
    seed: Seed = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Fetch, and write the page; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.grasp2vec.demo_run import play

    return play(args)
