"""When to say that what a picture shows is not in the bin, the cosine of its vector with its
likeliest place below which nothing is tried; and that it is not what is held, the cosine below
which that is dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.common.parts import Cell, Table
from selfgrasp.common.progress import Progress
from selfgrasp.core.arrays import unit
from selfgrasp.core.places import Places
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.lifts import held_out
from selfgrasp.evaluation.vectors import picture, vectors_of
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.methods.registry import load
from selfgrasp.papers import not_found, steps
from selfgrasp.papers.grasp2vec.rows import SHIPPED
from selfgrasp.papers.grasp2vec.sizes import LIFTS, VALIDATION, Work
from selfgrasp.papers.grasp2vec.train import JUDGE
from selfgrasp.papers.not_found import Looks
from selfgrasp.protocols.embedding import Lifts, goals
from selfgrasp.rollout.policies import resolve, weights_file

OVERLOOKED = 0.02
"""Share of what is there that may be overlooked. What is overlooked is not fetched; what is tried
for in vain costs attempts, as what is held is compared with the goal."""
REJECTED = 0.05
"""Share of what was asked for and is held that may be dropped: that costs an attempt, what is
accepted and wrong the goal."""


def measure_found(work: Work) -> str:
    """Of the first towers: both thresholds on bins of validation objects, their errors on those and
    the others."""
    found = measured_found(work)
    told = not_found.told(found["places"], found["threshold"])
    return f"{told}; what is held is accepted from a cosine of {found['accept']:.2f} on"


def measured_found(work: Work) -> dict[str, Any]:
    """Both thresholds, and the cosines with places and with what was held by set of objects.
    Without validation objects what was learned from chooses."""
    run = work.run("small")
    names = (LIFTS, *work.sizes.sets)
    folders = {name: work.folders.data(name) for name in names}
    chooser = VALIDATION if VALIDATION in names else LIFTS

    def measure() -> dict[str, object]:
        places = {name: places_of(folder, run, work.seed) for name, folder in folders.items()}
        held = {name: held_of(folder, run, work.seed) for name, folder in folders.items()}
        return {
            "threshold": not_found.overlooking(places[chooser], OVERLOOKED),
            "places": places,
            "accept": not_found.overlooking(held[chooser], REJECTED),
            "held": held,
        }

    of = {
        "policy": resolve(str(run)).identity,
        "overlooked": OVERLOOKED,
        "rejected": REJECTED,
        **{name: steps.data_identity(folder) for name, folder in folders.items()},
    }
    return steps.measured_of(work.folders.measured("found"), of, measure)


def places_of(data: Path, run: Path, seed: int) -> Looks:
    """In the first picture of each bin, cosines of the likeliest place for every object of which
    there is a picture from another bin. What lies there and cannot be seen counts for nothing.

    Args:
        data: lifts with noted places.
        run: of towers.
        seed: draws the pictures.
    """
    method, looks = load(run), Looks(there=[], absent=[])
    assert isinstance(method, Grasp2Vec)
    with Dataset.open(data) as opened:
        held = held_out(opened, cell="kuka_bin", part=None)
        units = unit(vectors_of(opened, held.lifts, resolve(str(run)), method).present)
        firsts = held.lifts[np.unique(held.lifts.scenes, return_index=True)[1]]
        objects = np.unique(held.lifts.objects)
        with Progress(f"look, {data.name}", len(firsts), unit="bins") as progress:
            seen = zip(
                opened.attempts(firsts.ids.tolist(), threads=1),
                firsts.scenes.tolist(),
                strict=True,
            )
            for index, (attempt, scene) in enumerate(seen):
                questions = Lifts.of(
                    [attempt.id] * len(objects), objects.tolist(), [scene] * len(objects)
                )
                chosen = goals(questions, held.lifts, seed=seed + index)
                places = Places.from_text(held.places[attempt.id])
                there: list[float] = []
                absent: list[float] = []
                for name, goal in zip(objects.tolist(), chosen.tolist(), strict=True):
                    visible = bool(places.of(name).any())
                    if goal < 0 or (name in places.names and not visible):
                        continue
                    view = picture(attempt, "before")
                    heat = method.heat(view, units[goal], opened.spec)
                    (there if visible else absent).append(heat.similarity(units[goal]))
                looks["there"].append(there)
                looks["absent"].append(absent)
                progress.update(index + 1)
    return looks


def held_of(data: Path, run: Path, seed: int) -> Looks:
    """By bin, cosines of what was held with pictures from other bins: of the same object (there),
    and of each other object that lay in the bin (absent).

    Args:
        data, run, seed: as of `places_of`.
    """
    method, found = load(run), Looks(there=[], absent=[])
    assert isinstance(method, Grasp2Vec)
    with Dataset.open(data) as opened:
        held = held_out(opened, cell="kuka_bin", part=None)
        lifts = held.lifts
        vectors = vectors_of(opened, lifts, resolve(str(run)), method).present
        units = unit(method.features(vectors))
        for index, scene in enumerate(np.unique(lifts.scenes)):
            rows = np.flatnonzero(lifts.scenes == scene)
            names = sorted(
                {n for row in rows for n in Places.from_text(held.places[lifts.ids[row]]).names}
            )
            asked = [(row, name) for row in rows for name in names]
            questions = Lifts.of(
                [lifts.ids[row] for row, _ in asked],
                [name for _, name in asked],
                [scene] * len(asked),
            )
            there: list[float] = []
            absent: list[float] = []
            chosen = goals(questions, lifts, seed=seed + index)
            for (row, name), goal in zip(asked, chosen.tolist(), strict=True):
                if goal >= 0 and lifts.scenes[goal] != scene:
                    of = there if name == lifts.objects[row] else absent
                    of.append(float(units[row] @ units[goal]))
            found["there"].append(there)
            found["absent"].append(absent)
    return found


def found_table(work: Work) -> Table:
    """As a table of the report."""
    found = measured_found(work)
    note = (
        f"Where the cosine of the likeliest place is below {found['threshold']:.2f} nothing is "
        f"tried; so much that {OVERLOOKED:.0%} of what is there are overlooked in bins of "
        "validation objects. Each bin is asked for every object."
    )
    return not_found.found_table(found["places"], found["threshold"], note)


def accepted_table(work: Work) -> Table:
    """As a table of the report."""
    found = measured_found(work)
    rows: list[list[Cell]] = []
    for label, looks in found["held"].items():
        dropped, accepted = not_found.errors(looks, found["accept"])
        rows.append([label, dropped.text(), accepted.text()])
    return Table(
        title="Accepted",
        note=f"What is held is accepted where its cosine with the goal is at least "
        f"{found['accept']:.2f}; so much that {REJECTED:.0%} of what was asked for and is held are "
        "dropped, of validation objects. The others are those of the same bin.",
        columns=["bins of", "asked for and dropped", "another one and accepted"],
        rows=rows,
    )


def put_together(work: Work) -> str:
    """Towers with who grasps now, in half precision: what rows are trained over."""
    judge = weights_file(str(work.run(JUDGE)))
    wanted = {(row.towers, seed) for row, seed in (*work.rows, *work.learned)}
    said = []
    for towers, seed in sorted(wanted):
        run = work.run(towers, seed)
        method = load(run)
        assert isinstance(method, Grasp2Vec)
        method.load_trunk(judge)
        said.append(not_found.pack(run, method, work.weights(towers, seed)))
    return "; ".join(said)


def ship(work: Work) -> str:
    """What goes with the package: attention over the towers, with both thresholds, in half
    precision."""
    run, found = work.run(SHIPPED.name), measured_found(work)
    method = load(run)
    assert isinstance(method, Grasp2Vec)
    chosen = replace(
        method.config,
        not_found_threshold=found["threshold"],
        accept_threshold=found["accept"],
    )
    return not_found.pack(run, method.with_config(chosen), work.shipped)
