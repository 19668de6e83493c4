"""The last step: the paper's tables, its figures beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec import evaluate
from selfgrasp.papers.grasp2vec.not_found import accepted_table, found_table
from selfgrasp.papers.grasp2vec.rows import (
    AIM,
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
from selfgrasp.rollout.policies import resolve

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
    seen = steps.measured(evaluate.played(work, "instance", "seen"))
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
    """Table 2, of one set of objects."""
    found = steps.measured(evaluate.played(work, protocol, label))
    return Table(
        title=f"What is fetched when {_ASKED[protocol]} asked for, {label}",
        columns=["row", "seed", *(name.replace("_", " ") for name in _PLAYED), "paper"],
        rows=list(_played_rows(work, found, protocol, 0 if label == "seen" else 1)),
    )


def fetch_table(work: Work) -> Table:
    """Section 5.3, by set of objects."""
    rows: list[list[Cell]] = []
    for label, theirs, aim in zip(SETS, FETCHED, AIM, strict=True):
        found = steps.figures(
            steps.measured(evaluate.played(work, "fetch", label)),
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


def _played_rows(
    work: Work, found: dict[str, Any], protocol: str, column: int
) -> Iterator[list[Cell]]:
    for row, seed in evaluate.rows(work, protocol):
        figures = steps.figures(found, work.policy(row, seed, protocol))
        yield [
            row.title,
            seed,
            *(_text(figures.get(name)) for name in _PLAYED),
            _theirs(row, protocol, column),
        ]


def _theirs(row: Row, protocol: str, column: int) -> float | None:
    if protocol == "composite":
        return COMPOSITE[column] if row == SHIPPED else None
    return None if row.paper is None else row.paper[column]


def _text(row: dict[str, Any] | None) -> str | None:
    return None if row is None else f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
