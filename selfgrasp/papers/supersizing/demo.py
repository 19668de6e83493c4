"""`selfgrasp demo`: its options; what it does is in `demo_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from selfgrasp.core.bounds import Between, Count, Seed, Workers
from selfgrasp.workcell.cells.config import OptionValue

CELL = "tabletop"
"""Whose options are the demo's."""


@dataclass(frozen=True)
class Recipe:
    """How much the robot tries, learns and is tested.

    Attributes:
        attempts: random attempts, the first to learn from.
        staged: further attempts that the first network makes, to learn from its own mistakes; 0
            leaves them out.
        heaps: likewise, in heaps of thirty things; 0 leaves them out.
        first_steps: of training on the random attempts.
        steps: of training on all attempts.
        trials: scenes a policy in `isolated`.
        bins: of thirty things, a policy in `deplete`.
    """

    attempts: Count = 700
    staged: Annotated[int, Between(0, 10**9)] = 700
    heaps: Annotated[int, Between(0, 10**9)] = 200
    first_steps: Count = 100
    steps: Count = 500
    trials: Annotated[int, Between(1, 10**6)] = 100
    bins: Annotated[int, Between(1, 10**6)] = 5


@dataclass(frozen=True)
class Args:
    """The whole story in minutes: a robot tries at random, learns from what its fingers felt, tries
    better, and is compared with others on the same scenes.

    An interrupted demo goes on with the same command. For figures to quote, use `selfgrasp bench`
    with its full numbers of trials.

    Attributes:
        objects: a folder of meshes (OBJ, STL, GLB) to tell the story on; the built-in objects by
            default.
        out: folder of the run.
        recipe: how much of everything.
        workers: processes.
        seed: of everything.
        options: of the cell, those that are given.
    """

    objects: Path | None = None
    out: Path = Path("runs/demo")
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = field(default_factory=Recipe)
    workers: Workers = 2
    seed: Seed = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def run(args: Args) -> int:
    """Collect, learn, try better, compare, report; returns the exit code."""
    # Late, so that `--help` comes at once.
    from selfgrasp.papers.supersizing.demo_run import play

    play(args)
    return 0
