"""The last step: tables, charts and rows into one report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.dataset import Dataset
from selfgrasp.papers import steps
from selfgrasp.papers.hand_eye import evaluate
from selfgrasp.papers.hand_eye.sizes import ROWS, Work, runs_to_compare
from selfgrasp.papers.reproduction import Report

PAPER = {
    "random_servo": (0.675, 0.700, 0.725, 0.69),
    "heuristic": (0.325, 0.350, 0.508, 0.35),
    "open": (0.275, 0.387, 0.337, 0.43),
    "closed": (0.100, 0.175, 0.175, 0.20),
}
"""Failure over the first 10, 20, 30 and with replacement (Levine et al. 2016, from memory)."""
_BY_TRIES = {10: "failure_first_10", 20: "failure_first_20", 30: "failure_first_30"}
METRICS = (*_BY_TRIES.values(), "failure_with_replacement")
TITLES = {
    "random_servo": "random motions",
    "heuristic": "hand-designed (depth, calibrated)",
    "open": "open loop (calibrated)",
    "closed": "closed loop",
    "no_failure_memory": "closed loop, no failure memory",
}
NOTES = (
    "A simulated arm and generated objects stand for the robots and their things: the paper's "
    "figures are landmarks.",
    "The camera pose network learns from the calibrations of the robots that collected the data, "
    "which the paper's network did without. When it plans it reads none.",
    "The open and closed loop rows have a failure penalty: they try elsewhere first where they "
    "have just failed. The row without failure memory has none, nor had the paper's robots.",
    "The hand-designed and the open-loop rows read the calibration of their camera; the "
    "hand-designed one measures depth.",
)


def report(work: Work) -> Report:
    """What is told at the end."""
    first = evaluate.measured(work, evaluate.conditions(work)[0])
    return Report(
        cell="kuka_bin",
        rows=first["rows"],
        paired=first["paired"],
        attempts=work.sizes.random + len(work.sizes.rounds) * work.sizes.round,
        notes=NOTES,
        tables=[deplete_table(work), growth_table(work), collection_table(work)],
        charts=[deplete_chart(work), growth_chart(work)],
    )


def deplete_table(work: Work) -> Table:
    """The paper's rows, under every condition."""
    rows: list[list[Cell]] = []
    for condition in evaluate.conditions(work):
        report, args = evaluate.measured(work, condition), evaluate.bench_job(work, condition)
        for name, policy in evaluate.policies(work).items():
            if policy in args.policy:
                found = steps.figures(report, policy)
                paper = PAPER.get(name) if condition.name == "as-it-is" else None
                figures = [
                    cell
                    for metric in METRICS
                    for cell in (
                        found[metric]["value"],
                        f"{found[metric]['low']:.3f}-{found[metric]['high']:.3f}",
                    )
                ]
                rows.append(
                    [
                        TITLES.get(name, name),
                        condition.title,
                        *figures,
                        "" if paper is None else " / ".join(f"{p:.3f}" for p in paper),
                    ]
                )
    columns = [
        "policy",
        "robot",
        *(c for m in ("first 10", "first 20", "first 30", "with replacement") for c in (m, "95 %")),
        "paper",
    ]
    note = (
        f"Failure rates over {work.sizes.bins} bins of 30 objects that no training saw; "
        "intervals over bins."
    )
    return Table(
        title="Failures while a bin is depleted",
        note=note,
        columns=columns,
        rows=rows,
    )


def deplete_chart(work: Work) -> Chart:
    """The paper's rows on the robot as it is, beside the paper's figures."""
    as_it_is = evaluate.conditions(work)[0]
    report, policies = evaluate.measured(work, as_it_is), evaluate.policies(work)
    series: list[Line] = []
    for name in ROWS:
        found = steps.figures(report, policies[name])
        ours = [_point(tries, found[metric]) for tries, metric in _BY_TRIES.items()]
        series += [
            Line(name=TITLES[name], points=ours),
            Line.published(TITLES[name], zip(_BY_TRIES, PAPER[name], strict=False)),
        ]
    return Chart(
        title="While a bin is depleted",
        x="first grasps",
        y="failed",
        percent=True,
        series=series,
    )


def growth_chart(work: Work) -> Chart:
    """As `growth_table`: random motions alone, then rounds of servoing."""
    series: list[Line] = []
    for tries, metric in _BY_TRIES.items():
        points = [
            _point(attempts, _validated(work, run)[metric])
            for run, attempts, _ in runs_to_compare(work)
        ]
        series.append(Line(name=f"first {tries}", points=points))
    note = (
        f"{work.sizes.random:,} attempts with random motions, then rounds of "
        f"{work.sizes.round:,} servoed ones; bins of validation objects."
    )
    return Chart(
        title="What more attempts bring",
        note=note,
        x="attempts",
        y="failed",
        percent=True,
        series=series,
    )


def growth_table(work: Work) -> Table:
    """Success on validation objects against attempts and rounds."""
    rows: list[list[Cell]] = []
    for run, attempts, rounds in runs_to_compare(work):
        found = _validated(work, run)
        learned = json.loads((work.folders.run(run) / "done.json").read_text())["metrics"]
        figures = [found[metric]["value"] for metric in METRICS[:3]]
        rows.append(
            [
                attempts,
                rounds,
                *figures,
                found[METRICS[2]]["low"],
                found[METRICS[2]]["high"],
                learned["success_loss"],
                learned.get("reprojection_px", learned.get("missed_px")),
            ]
        )
    columns = [
        "attempts",
        "rounds",
        "first 10",
        "first 20",
        "first 30",
        "low",
        "high",
        "validation loss",
        "eye: px missed",
    ]
    note = (
        f"Failure rates over {work.sizes.validation_bins} bins of validation objects. The "
        "validation loss is over data like those that were learned from."
    )
    return Table(
        title="What more attempts and rounds of servoing bring",
        note=note,
        columns=columns,
        rows=rows,
    )


def collection_table(work: Work) -> Table:
    """What was collected, how much of it held something, how often the judge was wrong, and how
    long it took."""
    rows = [list(row) for row in _collections(work)]
    note = (
        "Judge wrong: against the simulator's truth. The fingers judge, in the last row the drop "
        "test as well."
    )
    columns = ["collection", "attempts", "held", "judge wrong", "attempts/s", "physics", "planning"]
    return Table(title="What was collected", note=note, columns=columns, rows=rows)


def _collections(work: Work) -> Iterator[tuple[Cell, ...]]:

    for folder in (*work.data(len(work.sizes.rounds)), work.folders.data("drop-test")):
        kept = work.folders.measured(f"collect-{folder.name}")
        # An interruption after the last attempt leaves no times.
        times = json.loads(kept.read_text()) if kept.exists() else None
        with Dataset.open(folder) as data:
            truth, felt = (
                data.label("truth.grasped"),
                dict(zip(data.ids().tolist(), data.column("grasped").tolist(), strict=True)),
            )
        wrong = [bool(felt[i]) != bool(truth[i]) for i in felt if i in truth]
        speed, *shares = _speed(times) if times else ("", "", "")
        yield (
            folder.name,
            len(felt),
            sum(felt.values()) / max(1, len(felt)),
            sum(wrong) / max(1, len(wrong)),
            speed,
            *shares,
        )


def _speed(times: Mapping[str, Any]) -> tuple[float, float, float]:
    """Attempts a second, and the shares of physics and planning in the workers' time."""
    took = times["worker_seconds"]
    return (
        times["attempts"] / times["wall_seconds"],
        took["physics"] / took["total"],
        took["plan"] / took["total"],
    )


def _point(x: int, row: Mapping[str, Any]) -> Point:
    return Point(x, row["value"], row["low"], row["high"])


def _validated(work: Work, run: str) -> dict[str, dict[str, Any]]:
    """A growing network's rows by metric."""
    job = evaluate.validation_job(work, run)
    return steps.figures(steps.measured(evaluate.validation_folder(work, run)), job.policy[0])
