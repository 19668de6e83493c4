"""Training: the towers from triplets, then goal-conditioned networks over the first ones."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.sizes import LIFTS, Work
from selfgrasp.rollout.jobs import TrainJob

_EYE_AND_JUDGE = "hand_eye"
"""Whose camera pose network and success predictor all take, as they are shipped."""


def train_towers(work: Work) -> str:
    """All towers."""
    return steps.train_all(
        work,
        [
            _job(work, one.name, work.method(one), _EYE_AND_JUDGE, work.sizes.steps, seed)
            for one, seed in work.towers
        ],
    )


def train_goals(work: Work) -> str:
    """The rows of table 2, each over its towers of the first seed."""
    return steps.train_all(
        work,
        [
            _job(
                work,
                row.name,
                work.goal_method(row),
                str(work.run(row.towers)),
                work.sizes.goal_steps,
                work.seed,
            )
            for row in work.learned
        ],
    )


def _job(work: Work, name: str, method: str, trunk: str, count: int, seed: int) -> TrainJob:
    return TrainJob(
        method=method,
        data=(work.folders.data(LIFTS),),
        out=work.run(name, seed),
        trunk=trunk,
        steps=count,
        seed=seed,
        device=work.device,
        threads=1,
    )
