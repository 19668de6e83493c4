"""Training: by amount of data, the stages, and the ablations of section IV.E."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.collect import collect_angles, collect_same_budget, collect_stage
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.rollout.jobs import TrainJob


def train_first(work: Work) -> str:
    """The networks of stage 0, and those with less data."""
    jobs = [_job(work, f"first-{seed}", seed=seed) for seed in work.seeds]
    jobs += [
        _job(work, f"first{n}-{seed}", seed=seed, attempts=_training_share(n))
        for n in work.sizes.amounts
        for seed in work.seeds
    ]
    return steps.train_all(work, jobs)


def run_stages(work: Work) -> str:
    """Three stages: the network of the stage before draws grasps from its prior on seen and new
    objects, and learns on, all data before included (III.D)."""
    said = ""
    for stage in range(1, work.sizes.stages + 1):
        for seed in work.seeds:
            before = f"first-{seed}" if stage == 1 else f"stage{stage - 1}-{seed}"
            collect_stage(work, stage, seed, run=before)
        jobs = []
        for seed in work.seeds:
            before = f"first-{seed}" if stage == 1 else f"stage{stage - 1}-{seed}"
            data = [work.random_data, *(work.stage_data(k, seed) for k in range(1, stage + 1))]
            jobs.append(_job(work, f"stage{stage}-{seed}", data=data, start=before, seed=seed))
        said = steps.train_all(work, jobs)
    return said


def run_same_budget(work: Work) -> str:
    """The stages once more with the random policy: same objects, same number of attempts, same
    weights and epochs."""
    said = ""
    for stage in range(1, work.sizes.stages + 1):
        collect_same_budget(work, stage)
        jobs = []
        for seed in work.seeds:
            before = f"first-{seed}" if stage == 1 else f"random{stage - 1}-{seed}"
            data = [work.random_data, *(work.same_budget_data(k) for k in range(1, stage + 1))]
            jobs.append(_job(work, f"random{stage}-{seed}", data=data, start=before, seed=seed))
        said = steps.train_all(work, jobs)
    return said


def run_ablations(work: Work) -> str:
    """No aggregation, from the pretext task instead of from scratch, several angles a point; and
    one epoch of the other preset."""
    folders, sizes = work.folders, work.sizes
    collect_angles(work)
    jobs = [
        _job(work, f"alone-{s}", data=[work.stage_data(1, s)], start=f"first-{s}", seed=s)
        for s in work.seeds
    ]
    jobs += [_job(work, f"angles-{s}", data=[folders.data("angles")], seed=s) for s in work.seeds]
    if work.preset == "small":
        steps.train_all(
            work,
            [
                _job(
                    work,
                    "pretext",
                    method="supersizing:pretext",
                    seed=work.seed,
                    epochs=sizes.epochs or 5,
                )
            ],
        )
        jobs += [
            _job(
                work,
                f"pretrained{n}-{s}",
                seed=s,
                trunk="pretext",
                attempts=None if n == sizes.random else _training_share(n),
            )
            for n in sizes.pretrained
            for s in work.seeds
        ]
        if sizes.smoke:
            jobs.append(
                _job(
                    work,
                    "smoke",
                    method="supersizing:paper",
                    seed=work.seed,
                    attempts=sizes.smoke,
                    epochs=1,
                )
            )
    return steps.train_all(work, jobs)


def _training_share(attempts: int) -> int:
    """How many of so many attempts a dataset's usual split gives to training."""
    return max(1, round(0.8 * attempts))


def _job(
    work: Work,
    name: str,
    *,
    data: Sequence[Path] | None = None,
    start: str | None = None,
    trunk: str | None = None,
    seed: int,
    attempts: int | None = None,
    epochs: int | None = None,
    method: str | None = None,
) -> TrainJob:

    fresh = start is None
    return TrainJob(
        method=method or work.method,
        data=tuple(data or [work.random_data]),
        out=work.folders.run(name),
        start=None if start is None else str(work.folders.run(start)),
        trunk=None if trunk is None else str(work.folders.run(trunk)),
        epochs=epochs or (work.sizes.epochs if fresh else None),
        attempts=attempts,
        seed=seed,
        device=work.device,
        threads=1,
    )
