"""`selfgrasp train`: learn from a dataset; goes on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence

from selfgrasp.common.outside import METHODS, outside_names
from selfgrasp.rollout.jobs import TrainJob as Args
from selfgrasp.verbs.command import Chosen


def choose(arguments: Sequence[str]) -> Chosen:
    """The one way to train; the help names the methods of outside packages."""
    names = ", ".join(outside_names(METHODS))
    more = f"Methods of outside packages: {names}." if names else ""
    return Chosen(Args, run, arguments, more=more)


def run(args: Args) -> int:
    """Train, and say how well."""
    from selfgrasp.rollout.train import train

    result = train(args)
    print(
        f"{result.best}: {result.steps} steps in {result.seconds:.0f} s, ended by "
        f"{result.ended}; {result.validated}"
    )
    return 0
