"""`selfgrasp collect`: let a policy try, and keep every attempt; goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selfgrasp.rollout.jobs import CollectJob as Args
from selfgrasp.verbs.cell_options import value_of, with_cell
from selfgrasp.workcell.cells.registry import CELLS
from selfgrasp.workcell.cells.tabletop import TABLETOP


def read(arguments: Sequence[str], parse: Callable[[type[Args]], Args]) -> Args:
    """The arguments, with the options of the cell that is among them."""
    kind = CELLS.get(value_of("--cell", arguments) or "", TABLETOP)
    return parse(with_cell(Args, TABLETOP.name, kind.options()))


def run(args: Args) -> int:
    """Collect, and say how it went."""
    from selfgrasp.rollout.collect import collect

    done = collect(args)
    if not done.new:
        print(
            f"{args.out}: {done.attempts} attempts are there already; --attempts is how many "
            "there shall be"
        )
        return 0
    share = done.grasped / done.new
    print(
        f"{args.out}: {done.attempts} attempts, {done.new} new, {share:.1%} of them held "
        f"something, {done.new / max(done.wall_seconds, 1e-9):.1f} attempts/s"
    )
    total = done.worker_seconds.get("total", 0.0)
    if total:
        parts = ", ".join(
            f"{name} {value / total:.0%}"
            for name, value in done.worker_seconds.items()
            if name != "total"
        )
        print(f"workers' time: {parts}; {total / max(1, done.new) * 1e3:.1f} ms an attempt")
    return 0
