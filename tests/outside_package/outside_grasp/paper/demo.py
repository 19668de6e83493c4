"""`selfgrasp demo poke`: an option of its own, and those of its cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CELL = "tabletop"
"""Whose options are offered; those given are in `Args.options`."""


@dataclass(frozen=True)
class Args:
    """The weights from outside at work.

    Attributes:
        wishes: attempts.
        options: of the cell.
    """

    wishes: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)


def run(args: Args) -> int:
    """Try, and say what was done; the exit code."""
    from selfgrasp.objects.named import objects_named
    from selfgrasp.rollout.policies import load_policy
    from selfgrasp.workcell.attempt import Ids
    from selfgrasp.workcell.cells.simulated import tabletop
    from selfgrasp.workcell.cells.tabletop import TABLETOP

    options = TABLETOP.options(args.options)
    with tabletop(objects_named("novel"), options).cell as cell:
        cell.reset(0)
        for index in range(args.wishes):
            played = cell.attempt(load_policy("poke"), Ids("outside", 0, index))
            print(f"{options.count} objects, attempt {index}: {len(played.attempt.steps)} actions")
    return 0
