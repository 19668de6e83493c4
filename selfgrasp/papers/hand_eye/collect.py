"""Collecting: random motions, the drop test, and rounds of servoing."""

from __future__ import annotations

from dataclasses import replace

from selfgrasp.papers import steps
from selfgrasp.papers.hand_eye.sizes import Work
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig


def collect_random(work: Work) -> str:
    """Random motions with the training objects."""
    return _collect(work, "random", "random_servo", work.sizes.random)


def collect_doubted(work: Work) -> str:
    """Random motions once more, judged by the drop test as well."""
    return _collect(
        work,
        "drop-test",
        "random_servo",
        work.sizes.doubted,
        options=replace(work.options, drop_test=True),
    )


def collect_round(work: Work, number: int, policy: str) -> str:
    """Attempts of a round of servoing, by the network of the round before."""
    return _collect(work, f"round{number}", policy, work.sizes.round, round=number)


def _collect(
    work: Work,
    name: str,
    policy: str,
    attempts: int,
    *,
    round: int = 0,
    options: KukaBinConfig | None = None,
) -> str:

    return steps.collected(
        work.folders,
        CollectJob(
            out=work.folders.data(name),
            attempts=attempts,
            policy=policy,
            cell="kuka_bin",
            workers=work.workers,
            seed=work.seed + 1000 * round,
            round=round,
            attempts_per_scene=work.sizes.tries if round else work.sizes.attempts_per_scene,
            after="set_aside" if round else "put_back",
            options=options or work.options,
        ),
    )
