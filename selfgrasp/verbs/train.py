"""`selfgrasp train`: learn from a dataset; goes on where it stopped."""

from __future__ import annotations

from selfgrasp.rollout.jobs import TrainJob as Args


def run(args: Args) -> int:
    """Train, and say how well."""
    from selfgrasp.rollout.train import train

    result = train(args)
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in result.metrics.items())
    print(
        f"{result.best}: {result.steps} steps in {result.seconds:.0f} s, ended by "
        f"{result.ended}; validation: {metrics}"
    )
    return 0
