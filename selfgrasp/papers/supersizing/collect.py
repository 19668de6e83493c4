"""Collecting: D0, the test attempts, the stages, and as many attempts at random."""

from __future__ import annotations

from pathlib import Path

from selfgrasp.common.seeds import Collection
from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.rollout.jobs import CollectJob
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
        work,
        work.folders.data("test"),
        work.sizes.test,
        objects="test",
        seed=Collection.PREDICTION_TEST.seed(work.seed),
    )
    validation = _collect(
        work,
        work.folders.data("validation"),
        work.sizes.validation,
        objects="validation",
        seed=Collection.PREDICTION_VALIDATION.seed(work.seed),
    )
    for objects, share in (("test", 1.0), ("validation", 0.5)):
        wanted = max(1, round(share * work.sizes.closed))
        _collect(
            work,
            work.folders.data(f"closed-{objects}"),
            wanted,
            objects=objects,
            seed=Collection.NARROW_GRIPPER_TEST.seed(work.seed),
            closed=BAXTER_CLOSED,
        )
    return f"test: {test}; validation: {validation}"


def collect_chosen(work: Work) -> str:
    """Attempts on the test objects that the first seed's network of stage 0 draws: there
    predictions are acted on. Tested on alone, as the random ones are."""
    return _collect(
        work,
        work.folders.data("test-chosen"),
        work.sizes.chosen,
        policy=_drawn_by(work, f"first-{work.seed}"),
        objects="test",
        seed=work.seed + 7_502_000,
    )


def collect_stage(work: Work, stage: int, seed: int, *, run: str) -> str:
    """Attempts of a stage, drawn by the network of a run, on seen and new objects (III.D)."""
    return _collect(
        work,
        work.stage_data(stage, seed),
        work.sizes.stage,
        policy=_drawn_by(work, run),
        objects="stage",
        stage=stage,
        seed=work.seed + 2_000 + 100 * stage + seed,
    )


def collect_same_budget(work: Work, stage: int) -> str:
    """As many attempts as a stage has, at random, on the same objects."""
    return _collect(
        work,
        work.same_budget_data(stage),
        work.sizes.stage,
        objects="stage",
        seed=work.seed + 1000 + stage,
        stage=stage,
    )


def collect_angles(work: Work) -> str:
    """Random attempts with several angles a point."""
    return _collect(
        work,
        work.folders.data("angles"),
        work.sizes.angles,
        seed=work.seed + 3000,
        angles_per_point=ANGLES_PER_POINT,
    )


def _drawn_by(work: Work, run: str) -> str:
    """The policy that draws grasps by a run's scores."""
    return f"{work.folders.run(run)}+sample"


def _collect(
    work: Work,
    out: Path,
    attempts: int,
    *,
    policy: str = "random",
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
            policy=policy,
            objects=objects,
            workers=work.workers,
            seed=work.seed if seed is None else seed,
            round=stage,
            attempts_per_scene=work.sizes.attempts_per_scene,
            angles_per_point=angles_per_point,
            options=TabletopConfig(gripper_closed=closed),
        ),
    )
