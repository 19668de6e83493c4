"""The last step: tables, charts and rows into one report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.parts import Cell, Table
from selfgrasp.papers import steps
from selfgrasp.papers.dexnet import evaluate
from selfgrasp.papers.dexnet.figures import PAPER
from selfgrasp.papers.dexnet.sizes import Work
from selfgrasp.papers.reproduction import Report
from selfgrasp.rollout.policies import resolve

_SHAKE = ("success", "precision", "robust_share", "plan_seconds")
_HEAP = ("success", "cleared", "average_precision", "picks_per_hour", "plan_seconds")
_GQ = ("GQ", "GQ, CEM", "GQ, fully convolutional")
_RIVALS = ("igq", "registration", "supersizing")
TITLES = {
    "random": "random",
    "igq": "IGQ",
    "registration": "REG",
    "heuristic": "heuristic",
    "supersizing": "supersizing (learned by trying)",
    "oracle": "oracle (tries in the simulator)",
}
_KINDS = {"alone": "alone, as drawn", "moved": "alone, moved", "heap": "in heaps"}
_BOUNDS = {
    "again": "the label itself, drawn again (200 samples)",
    "middle": "free, and near the center of mass",
}
NOTES = (
    "A simulated hand and generated objects stand for the robot and its things: the paper's "
    "figures are landmarks.",
    "Labels are computed for the grasp as the cell executes it: the closing axis is horizontal, "
    "and the fingertips go 10 mm below the contacts.",
    "Heaps among the candidates are settled in the simulator; nothing is executed there.",
    "REG knows the training objects' shapes, and the oracle knows everything.",
    "Training labels know the shapes and the centers of mass of the objects that are learned from. "
    "GQ-Adv learns from the shapes of the adversarial objects themselves; GQ, GQ-S and supersizing "
    "never saw them.",
)


def report(work: Work) -> Report:
    """What is told at the end."""
    heaps = steps.measured(evaluate.heap_folder(work, work.sizes.heap_counts[-1]))
    # Novel objects are those of heaps: one row a policy, set of objects and metric.
    shakes = [
        steps.measured(evaluate.shake_folder(work, one))
        for one in evaluate.conditions(work)
        if one.objects != "novel"
    ]
    tried = evaluate.tried(work)
    return Report(
        cell="tabletop",
        attempts=work.sizes.grasps,
        rows=[*heaps["rows"], *(row for one in shakes for row in one["rows"])],
        paired=[*heaps["paired"], *(pair for one in shakes for pair in one["paired"])],
        tables=[
            heap_table(work),
            *(shake_table(work, condition) for condition in evaluate.conditions(work)),
            paired_table(work),
            agreement_table(work),
            *tried.tables,
        ],
        charts=list(tried.charts),
        notes=(*NOTES, _tries(work)),
        learned=resolve(work.learned["GQ"]).label,
    )


def _tries(work: Work) -> str:
    return (
        f"GQ-Adv-Phys learns from what came of {work.sizes.tries:,} grasps of IGQ with the "
        "adversarial objects, beginning with the weights of GQ-Adv."
    )


def heap_table(work: Work) -> Table:
    """Every row on heaps of every size."""
    rows: list[list[Cell]] = []
    for count in work.sizes.heap_counts:
        found = steps.measured(evaluate.heap_folder(work, count))
        for name, policy in evaluate.heap_policies(work).items():
            figures = steps.figures(found, policy)
            rows.append([count, TITLES.get(name, name), *_cells(figures, _HEAP)])
    return Table(title="heap: novel objects", columns=["objects", "", *_columns(_HEAP)], rows=rows)


def shake_table(work: Work, condition: evaluate.Condition) -> Table:
    """Every row under one condition."""
    found = steps.measured(evaluate.shake_folder(work, condition))
    rows: list[list[Cell]] = []
    for name, policy in evaluate.shake_policies(work).items():
        figures = steps.figures(found, policy)
        published = PAPER.get((condition.name, name))
        paper: Mapping[str, float] = {} if published is None else published.figures
        cells = (*_cells(figures, _SHAKE), *(paper.get(metric) for metric in _SHAKE))
        rows.append([TITLES.get(name, name), *cells])
    theirs = (f"paper: {metric.replace('_', ' ')}" for metric in _SHAKE)
    columns = ["", *_columns(_SHAKE), *theirs]
    return Table(title=f"shake: {condition.title}", columns=columns, rows=rows)


def paired_table(work: Work) -> Table:
    """GQ beside IGQ, REG and supersizing on the same scenes of `shake`."""
    known = {resolve(policy).label: name for name, policy in evaluate.shake_policies(work).items()}
    rows: list[list[Cell]] = []
    for condition in evaluate.conditions(work):
        for pair in steps.measured(evaluate.shake_folder(work, condition))["paired"]:
            ours, theirs = known[pair["a"]], known[pair["b"]]
            if ours in _GQ and theirs in _RIVALS:
                difference = Estimate(pair["difference"], pair["low"], pair["high"], pair["n"])
                rows.append([condition.title, ours, TITLES[theirs], *difference.cells("+.3f")])
    columns = ["objects", "", "less", "difference in success", "95 %"]
    return Table(title="shake: differences on the same scenes", columns=columns, rows=rows)


def agreement_table(work: Work) -> Table:
    """Networks against labels of validation objects."""
    measured = evaluate.agreements(work)
    rows: list[list[Cell]] = []
    for name, kinds in measured.items():
        for kind, figures in kinds.items():
            if kind == steps.OF:
                continue
            what = _BOUNDS.get(kind) or f"{name}: {_KINDS[kind]}"
            rows.append([what, figures["n"], figures["robust"], *_agreement_cells(figures)])
    measures = ("accuracy", "average precision", "AUC")
    columns = ["", "grasps", "robust", *(c for m in measures for c in (m, "95 %"))]
    title = "labels of objects that no training saw: robust epsilon above 0.002"
    return Table(title=title, columns=columns, rows=rows)


def _agreement_cells(figures: Mapping[str, Any]) -> Iterator[Cell]:
    for name in ("accuracy", "average_precision", "auc"):
        yield from Estimate(**figures[name]).cells()


def _columns(metrics: tuple[str, ...]) -> Iterator[str]:
    for metric in metrics:
        yield metric.replace("_", " ")
        yield "95 %"


def _cells(figures: Mapping[str, Mapping[str, Any]], metrics: tuple[str, ...]) -> Iterator[Cell]:
    for metric in metrics:
        one = figures.get(metric)
        yield None if one is None else one["value"]
        yield "" if one is None else f"{one['low']:.3f} to {one['high']:.3f}"
