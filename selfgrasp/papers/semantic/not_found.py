"""When to say "not found": the chance at the first look below which nothing is tried, and how often
that is wrong either way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.common.parts import Table
from selfgrasp.common.progress import Progress
from selfgrasp.core import Context, Goal
from selfgrasp.evaluation.job import first_scene
from selfgrasp.methods.registry import load
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.objects.named import objects_named
from selfgrasp.papers import not_found
from selfgrasp.papers.not_found import Looks
from selfgrasp.papers.semantic import evaluate
from selfgrasp.papers.semantic.sizes import NOVEL, SEEN, VALIDATION, Work
from selfgrasp.papers.steps import measured_of
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.cells.simulated import SimCell, make_cell


def measure_found(work: Work) -> str:
    """Of the best row: the threshold on bins of validation instances, its errors on bins of the
    others."""
    found = measured_found(work)
    return not_found.told(found["chances"], found["threshold"])


def measured_found(work: Work) -> dict[str, Any]:
    """The best row, its threshold, and the chances at first looks by set of objects."""

    row = evaluate.best_rows(work)[0].name

    def measure() -> dict[str, object]:
        chances = {
            label: first_chances(work, objects)
            for label, objects in (("validation", VALIDATION), ("seen", SEEN), ("novel", NOVEL))
        }
        return {
            "row": row,
            "threshold": not_found.best_threshold(chances["validation"]),
            "chances": chances,
        }

    return measured_of(
        work.folders.measured("found"),
        {"policy": resolve(str(work.run(row))).identity, "bins": work.sizes.bins},
        measure,
    )


def first_chances(work: Work, objects: str) -> Looks:
    """In each bin, as `category` fills them with these objects, every category that is there, and
    as many that are not; nothing is tried."""

    method = load(work.run(evaluate.best_rows(work)[0].name))
    assert isinstance(method, Semantic)
    cell = make_cell(
        "kuka_bin",
        objects_named(objects),
        replace(CATEGORY.config, depth=False, picture_px=work.sizes.picture_px),
    )
    found: Looks = {"there": [], "absent": []}
    with (
        cell.cell as workcell,
        Progress(f"look, {objects}", work.sizes.bins, unit="bins") as progress,
    ):
        for index in range(work.sizes.bins):
            seed = first_scene(objects, work.seed) + index
            look = workcell.reset(seed)
            assert look is not None
            for name, categories in asked(cell, method, seed).items():
                found[name].append(
                    [
                        method.plan(
                            Context(look, workcell.spec, Goal(category), first=look, seed=seed)
                        ).score
                        for category in categories
                    ]
                )
            progress.update(index + 1)
    return found


def asked(cell: SimCell, method: Semantic, seed: int) -> dict[str, list[str]]:
    """Categories that are in the bin, and as many that are not."""
    there = sorted({placed.model.family for placed in cell.world.placed})
    others = [category for category in method.config.categories if category not in there]
    return {
        "there": there,
        "absent": np.random.default_rng([seed, 3]).permutation(others)[: len(there)].tolist(),
    }


def found_table(work: Work) -> Table:
    """As a table of the report."""
    measured = measured_found(work)
    threshold = measured["threshold"]
    note = (
        f"Below a chance of {threshold:.2f} at the first look nothing is tried; chosen on bins "
        "of validation instances. "
    )
    note += "Each bin is asked for all that is there, and for as many categories that are not."
    return not_found.found_table(measured["chances"], threshold, note)


def ship(work: Work) -> str:
    """The best row in half precision, with the threshold: what goes with the package. The same file
    is left as it is: what was played with it stays true."""

    run = work.run(evaluate.best_rows(work)[0].name)
    method = load(run)
    assert isinstance(method, Semantic)
    threshold = measured_found(work)["threshold"]
    shipped = Semantic(replace(method.config, not_found_threshold=threshold))
    shipped.load_state_dict(method.state_dict())
    return not_found.pack(run, shipped, Path(evaluate.shipped(work)))
