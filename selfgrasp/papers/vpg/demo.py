"""`selfgrasp demo vpg`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from selfgrasp.core.bounds import Seed
from selfgrasp.workcell.cells.config import OptionValue

CELL = "flat_table"
"""Whose options are the demo's; those of `ur5_table` are the same."""


@dataclass(frozen=True)
class Args:
    """The shipped weights at work: blocks packed side by side are pushed apart and cleared. The
    page has a film, and for every action what the networks saw and why it was done.

    Attributes:
        case: the arrangement; by default a packed one. "list" prints the names of all.
        cases: a folder of arrangements; by default the package's own.
        meshes: the folder of the meshes that these name; by default the same folder.
        policy: vpg, or the path of a run's folder or of a checkpoint of vpg.
        out: folder of the page.
        seed: of light, camera noise and random pushes.
        cell: a hand that flies, or a UR5.
        options: of the cell; how scenes begin is the demo's, and pictures have 240 px unless said.
    """

    case: str = ""
    cases: Path | None = None
    meshes: Path | None = None
    policy: str = "vpg"
    out: Path = Path("runs/demo-vpg")
    seed: Seed = 0
    cell: Literal["flat_table", "ur5_table"] = "flat_table"
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Push, grasp, and write the page; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.vpg.demo_run import play

    return play(args)
