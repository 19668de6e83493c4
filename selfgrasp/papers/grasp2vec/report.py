"""The last step: the paper's tables, its figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from selfgrasp.common.intervals import Estimate, paired
from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec import evaluate
from selfgrasp.papers.grasp2vec.not_found import accepted_table, found_table
from selfgrasp.papers.grasp2vec.rows import (
    AIM,
    ANYTHING,
    COMPOSITE,
    FETCHED,
    LOCALIZATION,
    RETRIEVAL,
    SHIPPED,
    UNLEARNED,
    Row,
)
from selfgrasp.papers.grasp2vec.sizes import SETS, Work
from selfgrasp.papers.reproduction import Report
from selfgrasp.protocols import instance
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.play import Episode

NOTES = (
    "A simulated arm, its camera and generated vessels stand for the robots and their objects: the "
    "paper's figures are landmarks.",
    "Which objects lie where is known to the simulator. It is read to measure, and by the row with "
    "oracle labels to learn.",
    "Pictures that ask for an object are of drops of their own, held up by the oracle.",
)
_EMBEDDING = ("retrieval", "retrieval_other_scenes", "localization")
_PLAYED = ("instance", "objects_per_attempt", "instance_per_object")
_FETCH = (
    "fetched",
    "accepted_wrong",
    "dropped_right",
    "absent_not_accepted",
    "attempts_per_goal",
)


def report(work: Work) -> Report:
    """What is told at the end."""
    seen = steps.measured(evaluate.played(work, "instance", "seen", work.seed))
    return Report(
        cell="kuka_bin",
        attempts=work.sizes.lifts,
        rows=[*steps.measured(evaluate.embedding(work))["rows"], *seen["rows"]],
        paired=seen["paired"],
        tables=[
            embedding_table(work),
            found_table(work),
            accepted_table(work),
            *(
                played_table(work, name, label)
                for name in ("instance", "composite")
                for label in SETS
            ),
            *(paired_table(work, label) for label in SETS),
            fetch_table(work),
        ],
        charts=[growth_chart(work)],
        notes=NOTES,
        learned=resolve(str(work.shipped)).label,
    )


def embedding_table(work: Work) -> Table:
    """Table 1, by training and set of objects."""
    found = steps.measured(evaluate.embedding(work))["rows"]
    titles = dict.fromkeys(row["objects"] for row in found)
    runs = {str(work.run(one.name, seed)): f"{one.title}, {seed}" for one, seed in work.towers}
    named = {**{name: name for name in UNLEARNED}, **runs}
    labels = {_label(name): title for name, title in named.items()}
    rows: list[list[Cell]] = []
    for objects in titles:
        for label, title in labels.items():
            values = {
                row["metric"]: _text(row)
                for row in found
                if row["objects"] == objects and row["policy"] == label
            }
            rows.append([title, objects, *(values.get(name) for name in _EMBEDDING)])
    theirs = (
        f"{RETRIEVAL[0]:.2f} / {RETRIEVAL[1]:.2f}, {LOCALIZATION[0]:.2f} / {LOCALIZATION[1]:.2f}"
    )
    return Table(
        title="What the vectors know of objects",
        note=f"The paper's, seen and novel, retrieval and localization: {theirs}.",
        columns=["training", "objects", *(name.replace("_", " ") for name in _EMBEDDING)],
        rows=rows,
    )


def _label(name: str) -> str:
    return name if name in UNLEARNED else resolve(name).label


def played_table(work: Work, protocol: str, label: str) -> Table:
    """Table 2, of one set of objects: all trainings of a row together, and each alone."""
    rows: list[list[Cell]] = []
    for row, by_seed in evaluate.episodes(work, protocol, label).items():
        found = _estimates(together(by_seed))
        alone = [f"{_estimates(played)['instance'].value:.3f}" for played in by_seed.values()]
        rows.append(
            [
                row.title,
                *(found[name].text() for name in _PLAYED),
                ", ".join(alone),
                _theirs(row, protocol, 0 if label == "seen" else 1),
            ]
        )
    return Table(
        title=f"What is fetched when {_ASKED[protocol]} asked for, {label}",
        note="All trainings of a row together; intervals over bins. How much trainings differ is "
        "in no interval.",
        columns=["row", *(name.replace("_", " ") for name in _PLAYED), "by seed", "paper"],
        rows=rows,
    )


def together(by_seed: Mapping[int, Sequence[Episode]]) -> list[Episode]:
    """The attempts of all trainings in each bin, one episode a bin; its times and what was left
    are the first training's."""
    return [
        replace(bin_of[0], attempts=tuple(one for played in bin_of for one in played.attempts))
        for bin_of in zip(*by_seed.values(), strict=True)
    ]


def _estimates(played: Sequence[Episode]) -> dict[str, Estimate]:
    return {metric.name: value for metric, value in instance.metrics(played).items()}


def paired_table(work: Work, label: str) -> Table:
    """Rows of table 2 that learn from goals, less each other, on the same bins and over the seeds
    that both have."""
    shares = {
        row: {seed: np.array([*map(instance.per_bin, bins)]) for seed, bins in by_seed.items()}
        for row, by_seed in evaluate.episodes(work, "instance", label).items()
        if row != ANYTHING
    }
    rows = list(shares)

    def less(row: Row, other: Row) -> str:
        both = [seed for seed in shares[row] if seed in shares[other]]
        mean, of_other = (np.mean([shares[r][s] for s in both], axis=0) for r in (row, other))
        return paired(mean, of_other).text("+.3f")

    return Table(
        title=f"Rows less each other, {label}",
        note="Share of a bin's goals that were fetched, paired by bin; means over trainings. How "
        "much trainings differ is in no interval.",
        columns=["row", *(f"less {other.title}" for other in rows[:-1])],
        rows=[
            [row.title, *(less(row, rows[k]) if k < place else None for k in range(len(rows) - 1))]
            for place, row in enumerate(rows)
            if place
        ],
    )


def fetch_table(work: Work) -> Table:
    """Section 5.3, by set of objects."""
    rows: list[list[Cell]] = []
    for label, theirs, aim in zip(SETS, FETCHED, AIM, strict=True):
        found = steps.figures(
            steps.measured(evaluate.played(work, "fetch", label, work.seed)),
            work.policy(SHIPPED, work.seed, "fetch"),
        )
        rows.append([label, *(_text(found.get(name)) for name in _FETCH), theirs, aim])
    return Table(
        title="Until what is held is accepted",
        note="The paper's is of robots (section 5.3); the aim is this project's.",
        columns=["objects", *(name.replace("_", " ") for name in _FETCH), "paper", "aim"],
        rows=rows,
    )


def growth_chart(work: Work) -> Chart:
    """What is fetched against attempts that were learned from."""
    series = []
    for label in SETS:
        found = steps.measured(evaluate.grew(work, label))
        points = []
        for attempts, policy in evaluate.growing(work).items():
            row = steps.figures(found, policy)["instance"]
            points.append(Point(attempts, row["value"], row["low"], row["high"]))
        series.append(Line(name=label, points=points))
    sizes = work.sizes
    return Chart(
        title="What more attempts bring",
        note=f"`instance`, near the heat's peak, whose towers and who grasps learned from so many "
        f"attempts. The last {sizes.asked:,} were asked for what was held before, and only who "
        "grasps learned from them.",
        x="attempts",
        y="fetched",
        percent=True,
        series=series,
    )


_ASKED = {"instance": "a picture is", "composite": "one of two pictures is"}


def _theirs(row: Row, protocol: str, column: int) -> float | None:
    if protocol == "composite":
        return COMPOSITE[column] if row == SHIPPED else None
    return None if row.paper is None else row.paper[column]


def _text(row: dict[str, Any] | None) -> str | None:
    return None if row is None else f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
