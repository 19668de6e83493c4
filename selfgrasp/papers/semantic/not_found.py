"""When to say "not found": the chance at the first look below which nothing is tried, and how often
that is wrong either way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.common.parts import Table
from selfgrasp.common.progress import Progress
from selfgrasp.core import Context, Goal
from selfgrasp.evaluation.job import first_scene
from selfgrasp.learn import checkpoint
from selfgrasp.methods.registry import load
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.methods.semantic.propagation import not_found_threshold
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.semantic import evaluate
from selfgrasp.papers.semantic.sizes import NOVEL, SEEN, VALIDATION, Work
from selfgrasp.papers.steps import measured_of
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.cells.simulated import SimCell, make_cell

Chances = dict[str, list[list[float]]]
"""Under "there" and "absent", by bin: chances at the first look that something will be held of a
category that is in the bin, and of one that is not."""


def measure_found(work: Work) -> str:
    """Of the best row: the threshold on bins of validation instances, its errors on bins of the
    others."""
    found = measured_found(work)
    threshold = found["threshold"]
    chances = found["chances"].items()
    told = ", ".join(f"{label} {_told(errors(one, threshold))}" for label, one in chances)
    return f"below {threshold:.2f} nothing is tried; {told}"


def measured_found(work: Work) -> dict[str, Any]:
    """The best row, its threshold, and the chances at first looks by set of objects."""

    row = evaluate.best_rows(work)[0].name

    def measure() -> dict[str, object]:
        chances = {
            label: first_chances(work, objects)
            for label, objects in (("validation", VALIDATION), ("seen", SEEN), ("novel", NOVEL))
        }
        return {"row": row, "threshold": best_threshold(chances["validation"]), "chances": chances}

    return measured_of(
        work.folders.measured("found"),
        {"policy": resolve(str(work.run(row))).identity, "bins": work.sizes.bins},
        measure,
    )


def first_chances(work: Work, objects: str) -> Chances:
    """In each bin, as `category` fills them with these objects, every category that is there, and
    as many that are not; nothing is tried."""

    method = load(work.run(evaluate.best_rows(work)[0].name))
    assert isinstance(method, Semantic)
    cell = make_cell(
        "kuka_bin",
        objects_named(objects),
        replace(CATEGORY.config, depth=False, picture_px=work.sizes.picture_px),
    )
    found: Chances = {"there": [], "absent": []}
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


def best_threshold(chances: Chances) -> float:
    """The one at which both errors together are least."""
    there, absent = (np.concatenate(chances[name]) for name in ("there", "absent"))
    return not_found_threshold(there, absent)


def errors(chances: Chances, threshold: float) -> tuple[Estimate, Estimate]:
    """Share of what is there that is not found, and of what is not there that is tried for;
    intervals over bins."""
    overlooked = [
        (sum(chance < threshold for chance in a_bin), len(a_bin)) for a_bin in chances["there"]
    ]
    in_vain = [
        (sum(chance >= threshold for chance in a_bin), len(a_bin)) for a_bin in chances["absent"]
    ]
    return ratio(overlooked), ratio(in_vain)


def _told(both: tuple[Estimate, Estimate]) -> str:
    return f"{both[0].value:.0%} overlooked, {both[1].value:.0%} tried in vain"


def found_table(work: Work) -> Table:
    """As a table of the report."""
    measured = measured_found(work)
    threshold = measured["threshold"]
    rows = [
        [
            label,
            *(error.text() for error in errors(chances, threshold)),
            sum(map(len, chances["there"])),
        ]
        for label, chances in measured["chances"].items()
    ]
    note = (
        f"Below a chance of {threshold:.2f} at the first look nothing is tried; chosen on bins "
        "of validation instances. "
    )
    note += "Each bin is asked for all that is there, and for as many categories that are not."
    columns = ["bins of", "there and overlooked", "not there and tried for", "questions each"]
    return Table(title="Not found", note=note, columns=columns, rows=rows)


def ship(work: Work) -> str:
    """The best row in half precision, with the threshold: what goes with the package. The same file
    is left as it is: what was played with it stays true."""

    run = work.run(evaluate.best_rows(work)[0].name)
    method = load(run)
    assert isinstance(method, Semantic)
    source = resolve(str(run)).file
    assert source is not None
    info = checkpoint.read_info(source)
    threshold = measured_found(work)["threshold"]
    shipped = Semantic(replace(method.config, not_found_threshold=threshold))
    shipped.load_state_dict(method.state_dict())
    path = Path(evaluate.shipped(work))
    made = path.with_suffix(".new")
    checkpoint.save(
        made, shipped, storage=checkpoint.Storage.FLOAT16, data=info.data, metrics=info.metrics
    )
    if not path.is_file() or made.read_bytes() != path.read_bytes():
        made.replace(path)
    made.unlink(missing_ok=True)
    return f"{path}, {path.stat().st_size / 1e6:.1f} MB"
