"""Training: who grasps, from whether attempts held anything; the towers from triplets; and
goal-conditioned networks over the first ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.sizes import ASKED, LIFTS, Work
from selfgrasp.rollout.jobs import TrainJob

FIRST_JUDGE, JUDGE = "judge_first", "judge"
"""Runs of hand-eye coordination: camera pose network and success predictor, which all rows take,
after the lifts, and after what was asked for, too."""


def train_judge(work: Work, name: str) -> str:
    """Hand-eye coordination as it is shipped, which never saw a vessel, learns on."""
    return steps.train_all(work, [_judge(work, name)])


def train_towers(work: Work) -> str:
    """All towers."""
    return steps.train_all(work, list(_towers(work)))


def train_growing(work: Work) -> str:
    """Who grasps and the first towers, as if the robot had stopped collecting earlier."""
    judge, first = _judge(work, FIRST_JUDGE), next(iter(_towers(work)))
    judges = [replace(judge, out=work.run(f"{FIRST_JUDGE}_{n}"), attempts=n) for n in work.amounts]
    towers = [
        replace(first, out=work.run(grown(n)), trunk=str(one.out), attempts=n)
        for n, one in zip(work.amounts, judges, strict=True)
    ]
    return f"{steps.train_all(work, judges)}; {steps.train_all(work, towers)}"


def grown(attempts: int) -> str:
    """Name of the run of the towers that learned from so many attempts."""
    return f"small_{attempts}"


def _judge(work: Work, name: str) -> TrainJob:
    learned = (LIFTS,) if name == FIRST_JUDGE else (LIFTS, ASKED)
    return TrainJob(
        method="hand_eye",
        data=tuple(work.folders.data(one) for one in learned),
        out=work.run(name),
        start="hand_eye",
        steps=work.sizes.judge_steps,
        seed=work.seed,
        device=work.device,
        threads=1,
    )


def _towers(work: Work) -> Iterable[TrainJob]:
    judge = str(work.run(FIRST_JUDGE))
    for one, seed in work.towers:
        yield _job(work, one.name, work.method(one), judge, (LIFTS,), work.sizes.steps, seed)


def train_goals(work: Work) -> str:
    """The rows of table 2, each over its towers of the same seed."""
    learned = (LIFTS, ASKED)
    return steps.train_all(
        work,
        [
            _job(
                work,
                row.name,
                work.goal_method(row),
                str(work.weights(row.towers, seed)),
                learned,
                work.sizes.goal_steps,
                seed,
            )
            for row, seed in work.learned
        ],
    )


def _job(
    work: Work,
    name: str,
    method: str,
    trunk: str,
    learned: tuple[str, ...],
    count: int,
    seed: int,
) -> TrainJob:
    return TrainJob(
        method=method,
        data=tuple(work.folders.data(one) for one in learned),
        out=work.run(name, seed),
        trunk=trunk,
        steps=count,
        seed=seed,
        device=work.device,
        threads=1,
    )
