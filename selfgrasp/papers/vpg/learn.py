"""Rounds of a training: collect with the newest network, then go on learning from all that there
is."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.vpg.sizes import Round, Training, Work
from selfgrasp.rollout.jobs import CollectJob, TrainJob
from selfgrasp.workcell.cells.flat_table import FlatTableConfig

CELL = "flat_table"
OBJECTS = "blocks"
COLLECTED = FlatTableConfig(layout="mixed", picture_px=240)
"""Ten blocks scattered, or two to six side by side; never an arrangement of the benchmark."""
ATTEMPTS_PER_SCENE = 20
_SEEDS = 1_000
"""Between the seeds of two trainings' collections."""


def learn(work: Work, training: Training) -> str:
    """All rounds of one training."""
    before = ""
    for one in training.rounds:
        steps.collected(work.folders, _collect(work, training, one, before))
        steps.trained(_train(work, training, one, before))
        before = one.name
    return f"{sum(one.transitions for one in training.rounds)} transitions"


def _collect(work: Work, training: Training, one: Round, before: str) -> CollectJob:
    return CollectJob(
        out=work.folders.data(one.data[-1]),
        attempts=one.transitions,
        policy=f"{work.folders.run(before)}+explore" if before else "random_push_grasp",
        objects=OBJECTS,
        cell=CELL,
        workers=work.workers,
        seed=_SEEDS * (1 + training.seed) + one.number,
        attempts_per_scene=ATTEMPTS_PER_SCENE,
        round=one.number,
        after="set_aside",
        measure_pushes=training.preset == "measured" and bool(before),
        options=COLLECTED,
    )


def _train(work: Work, training: Training, one: Round, before: str) -> TrainJob:
    return TrainJob(
        method=f"vpg:{training.preset}",
        data=tuple(work.folders.data(name) for name in one.data),
        out=work.folders.run(one.name),
        start=str(work.folders.run(before)) if before else None,
        steps=one.steps,
        seed=training.seed,
        device=work.device,
        threads=work.workers,
    )
