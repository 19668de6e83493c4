"""The rows of `deplete`: on the robot as it is, with its camera moved, and with a bin that somebody
kicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.hand_eye.sizes import Work, runs_to_compare
from selfgrasp.workcell.cells.config import OptionValue

KICK = 0.7
"""m/s to which things are knocked: half of them slide by 2 cm or more."""


@dataclass(frozen=True)
class Condition:
    """What is different from the robot that was learned with.

    Attributes:
        name: of its folder.
        title: in tables.
        options: of the cell, those that are not the protocol's.
    """

    name: str
    title: str
    options: Mapping[str, OptionValue]


def conditions(work: Work) -> tuple[Condition, ...]:
    """As it is; camera moved by 2 cm and 3 degrees after calibration; objects nudged during the
    reach."""
    plain: Mapping[str, OptionValue] = {"picture_px": work.sizes.picture_px}
    return (
        Condition("as-it-is", "as it is", plain),
        Condition("moved", "camera moved", {**plain, "noise": "moved"}),
        Condition("kicked", "objects nudged", {**plain, "kick": KICK}),
    )


def policies(work: Work) -> dict[str, str]:
    """By row: the paper's four, the last one without a memory of where it failed, and its other
    training seeds."""
    final = str(work.folders.run(work.final))
    others = {
        f"closed, seed {run.rpartition('-')[2]}": str(work.folders.run(run))
        for run in work.finals[1:]
    }
    return {
        "random_servo": "random_servo",
        "heuristic": "heuristic",
        "open": f"{final}+open",
        "closed": final,
        "no_failure_memory": f"{final}+no_failure_memory",
        **others,
    }


def play(work: Work, condition: Condition) -> str:
    """All rows of one condition; of the robot as it is also what only explains."""
    return steps.played(
        bench_job(work, condition), out=bench_folder(work, condition), workers=work.workers
    )


def bench_folder(work: Work, condition: Condition) -> Path:
    """Of a condition's report."""
    return work.folders.root / f"bench-{condition.name}"


def bench_job(work: Work, condition: Condition) -> BenchJob:
    """What is measured under a condition."""
    rows = policies(work)
    if condition.name != "as-it-is":
        rows = {name: rows[name] for name in work.sizes.changed_rows}
    return BenchJob(
        protocol="deplete",
        policy=tuple(rows.values()),
        trials=work.sizes.bins,
        seed=work.seed,
        options=condition.options,
    )


def measured(work: Work, condition: Condition) -> dict[str, Any]:
    """A condition's report."""
    return steps.measured(bench_folder(work, condition))


def play_validation(work: Work) -> str:
    """Networks as they grow, on bins of validation objects."""
    said = ""
    for run, _, _ in runs_to_compare(work):
        said = steps.played(
            validation_job(work, run), out=validation_folder(work, run), workers=work.workers
        )
    return said


def validation_folder(work: Work, run: str) -> Path:
    """Of a network's report on validation objects."""
    return work.folders.root / f"validation-{run}"


def validation_job(work: Work, run: str) -> BenchJob:
    """What is measured of a network on validation objects."""
    return BenchJob(
        protocol="deplete",
        policy=(str(work.folders.run(run)),),
        objects="validation",
        trials=work.sizes.validation_bins,
        seed=work.seed,
        options={"picture_px": work.sizes.picture_px},
    )
