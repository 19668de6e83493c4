"""Collecting and training: D0, the stages, and the ablations of section IV.E."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.rollout.jobs import CollectJob, TrainJob
from selfgrasp.workcell.cells.tabletop import TabletopConfig

ANGLES_PER_POINT = 4
BAXTER_CLOSED = 0.037
"""m between the paper's fingers when they are closed (section IV)."""


def collect_random(work: Work) -> str:
    """D0: random attempts on the training objects."""
    return _collect(work, work.random_data, work.sizes.random)


def collect_tests(work: Work) -> str:
    """Random attempts on the test objects and on the validation objects; no training ever sees
    them."""
    test = _collect(
        work, work.folders.data("test"), work.sizes.test, objects="test", seed=work.seed + 7_000_000
    )
    validation = _collect(
        work,
        work.folders.data("validation"),
        work.sizes.validation,
        objects="validation",
        seed=work.seed + 8_000_000,
    )
    for objects, share in (("test", 1.0), ("validation", 0.5)):
        wanted = max(1, round(share * work.sizes.closed))
        _collect(
            work,
            work.folders.data(f"closed-{objects}"),
            wanted,
            objects=objects,
            seed=work.seed + 9_000_000,
            closed=BAXTER_CLOSED,
        )
    return f"test: {test}; validation: {validation}"


def train_first(work: Work) -> str:
    """The networks of stage 0, and those with less data."""
    jobs = [_job(work, f"first-{seed}", seed=seed) for seed in work.seeds]
    jobs += [
        _job(work, f"first{n}-{seed}", seed=seed, attempts=_training_share(n))
        for n in work.sizes.amounts
        for seed in work.seeds
    ]
    return steps.train_all(work, jobs)


def collect_chosen(work: Work) -> str:
    """Attempts on the test objects that the first seed's network of stage 0 draws: there
    predictions are acted on. Tested on alone, as the random ones are."""
    out, run = work.folders.data("test-chosen"), f"first-{work.seed}"
    return _collect_on_policy(work, out, run, work.sizes.chosen, objects="test", seed=7_500_000)


def run_stages(work: Work) -> str:
    """Three stages: the network of the stage before draws grasps from its prior on seen and new
    objects, and learns on, all data before included (III.D)."""
    said = ""
    for stage in range(1, work.sizes.stages + 1):
        for seed in work.seeds:
            before = f"first-{seed}" if stage == 1 else f"stage{stage - 1}-{seed}"
            _collect_on_policy(
                work,
                work.stage_data(stage, seed),
                before,
                work.sizes.stage,
                stage=stage,
                seed=100 * stage + seed,
            )
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
        _collect(
            work,
            work.same_budget_data(stage),
            work.sizes.stage,
            objects="stage",
            seed=work.seed + 1000 + stage,
            stage=stage,
        )
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
    _collect(
        work,
        folders.data("angles"),
        sizes.angles,
        seed=work.seed + 3000,
        angles_per_point=ANGLES_PER_POINT,
    )
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


def _collect(
    work: Work,
    out: Path,
    attempts: int,
    *,
    objects: str = "train",
    seed: int | None = None,
    stage: int = 0,
    angles_per_point: int = 1,
    closed: float = 0.0,
) -> str:

    return steps.collected(
        work.folders,
        CollectJob(
            out=out,
            attempts=attempts,
            objects=objects,
            workers=work.workers,
            seed=work.seed if seed is None else seed,
            round=stage,
            attempts_per_scene=work.sizes.attempts_per_scene,
            angles_per_point=angles_per_point,
            options=TabletopConfig(gripper_closed=closed),
        ),
    )


def _collect_on_policy(
    work: Work,
    out: Path,
    run: str,
    attempts: int,
    *,
    objects: str = "stage",
    stage: int = 0,
    seed: int,
) -> str:

    return steps.collected(
        work.folders,
        CollectJob(
            out=out,
            attempts=attempts,
            objects=objects,
            workers=work.workers,
            seed=work.seed + 2_000 + seed,
            round=stage,
            policy=f"{work.folders.run(run)}+sample",
            attempts_per_scene=work.sizes.attempts_per_scene,
        ),
    )


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
