"""The rows of `shake` and `heap`, and how networks agree with analytic labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.dexnet.agreement import agreement, ceilings
from selfgrasp.papers.dexnet.collect import ADVERSARIAL
from selfgrasp.papers.dexnet.outcomes import Outcomes, OutcomesJob, outcomes
from selfgrasp.papers.dexnet.sizes import Work
from selfgrasp.rollout.policies import resolve, weights_file
from selfgrasp.workcell.cells.config import OptionValue


@dataclass(frozen=True)
class Condition:
    """Of `shake`.

    Attributes:
        name: of its folder.
        title: in tables.
        objects: a set.
        options: of the cell, those that are not the protocol's.
    """

    name: str
    title: str
    objects: str
    options: Mapping[str, OptionValue]


CONDITIONS = (
    Condition("adversarial", "adversarial, known", ADVERSARIAL, {}),
    Condition("household", "household-like", "household", {}),
    Condition("novel", "novel", "novel", {}),
    Condition("imprecise", "novel, an arm that misses", "novel", {"noise": "very_imprecise"}),
)
IN_HEAPS = ("heuristic", "supersizing", "oracle")
"""Landmarks that are made for more than one object."""


def conditions(work: Work) -> tuple[Condition, ...]:
    """Those of `shake` that are played."""
    return tuple(one for one in CONDITIONS if one.name in work.sizes.conditions)


def shake_policies(work: Work) -> dict[str, str]:
    """By row."""
    return {**{name: name for name in work.sizes.landmarks}, **work.learned}


def heap_policies(work: Work) -> dict[str, str]:
    """By row: those with depth that clear heaps."""
    landmarks = {name: name for name in work.sizes.landmarks if name in IN_HEAPS}
    gq = {row: run for row, run in work.learned.items() if row == "GQ" or row.startswith("GQ,")}
    return {**landmarks, **gq}


def play_shake(work: Work, condition: Condition) -> str:
    """All rows under one condition."""
    job = BenchJob(
        protocol="shake",
        policy=tuple(shake_policies(work).values()),
        objects=condition.objects,
        trials=work.sizes.shakes,
        seed=work.seed,
        options=condition.options,
    )
    return steps.played(job, out=shake_folder(work, condition), workers=work.workers)


def play_heaps(work: Work, count: int) -> str:
    """All rows on heaps of so many objects."""
    job = BenchJob(
        protocol="heap",
        policy=tuple(heap_policies(work).values()),
        trials=work.sizes.heaps,
        seed=work.seed,
        options={"count": count},
    )
    return steps.played(job, out=heap_folder(work, count), workers=work.workers)


def shake_folder(work: Work, condition: Condition) -> Path:
    """Of a condition's report."""
    return work.folders.root / f"shake-{condition.name}"


def heap_folder(work: Work, count: int) -> Path:
    """Of the report on heaps of so many objects."""
    return work.folders.root / f"heap-{count}"


def measure_agreement(work: Work) -> str:
    """Networks against labels of objects that they never saw, and what bounds that."""
    measured = agreements(work)
    first = measured[work.gq()]["alone"]
    return (
        f"accuracy {first['accuracy']['value']:.3f}, average precision "
        f"{first['average_precision']['value']:.3f}"
    )


def agreements(work: Work) -> dict[str, Any]:
    """By network: figures by kind of candidate; and under "bounds" what bounds them."""
    sizes, data = work.sizes, work.folders.data("candidates")
    networks = {name: work.folders.run(name) for name in ("gq-s", *map(work.gq, work.seeds))}
    found: dict[str, Any] = {}
    for name, run in networks.items():
        found[name] = steps.measured_of(
            work.folders.measured(f"agreement-{name}"),
            {"policy": resolve(str(run)).identity, "judged": sizes.judged, "data": sizes.grasps},
            partial(agreement, weights_file(str(run)), data, sizes.judged),
        )
    found["bounds"] = steps.measured_of(
        work.folders.measured("bounds"),
        {"shapes": sizes.shapes, "seed": work.seed},
        lambda: ceilings("train", sizes.shapes, 100, work.seed),
    )
    return found


def try_grasps(work: Work) -> str:
    """Grasps of each class of robust epsilon, in the simulator."""
    tried(work)
    return f"{work.sizes.outcomes} grasps a class"


def tried(work: Work) -> Outcomes:
    """What came of them, beside labels and policies."""
    return outcomes(
        OutcomesJob(
            out=work.folders.root / "measured" / "outcomes",
            policies=(
                *(work.learned[row] for row in ("GQ", "GQ-Adv-Phys")),
                *(name for name in ("supersizing", "heuristic") if name in work.sizes.landmarks),
            ),
            each=work.sizes.outcomes,
            objects=work.sizes.tried_objects,
            seed=work.seed,
            workers=work.workers,
        )
    )
