"""The last step: tables, curves and rows into one report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from selfgrasp.common.intervals import Estimate, bootstrap
from selfgrasp.common.parts import Cell, Table
from selfgrasp.papers import steps
from selfgrasp.papers.reproduction import Report
from selfgrasp.papers.vpg import evaluate
from selfgrasp.papers.vpg.curves import learning_curves
from selfgrasp.papers.vpg.figures import PAPER
from selfgrasp.papers.vpg.sizes import TITLES, Work
from selfgrasp.rollout.policies import resolve

_METRICS = (
    "completion_within_2n",
    "completion",
    "emptied",
    "grasp_success",
    "action_efficiency",
    "grasp_success_all",
    "action_efficiency_all",
    "pushes",
    "push_helped",
    "plan_seconds",
)
_THEIRS = ("completion", "grasp_success", "action_efficiency")
NOTES = (
    "A simulated hand, its camera and generated blocks stand for the robot: the paper's figures "
    "are landmarks. Its eleven cases are not ours, which are harder at first (docs/LOG.md).",
    "The gripper opens 65 mm, which was chosen so that a policy that never pushes completes about "
    "as many of the published cases as was published.",
    "Of each push on these tables the best grasp before it and the best one after it were tried, "
    "too, and undone. Nothing but the row that says so learns from such tries.",
)


def report(work: Work) -> Report:
    """What is told at the end."""
    first = steps.measured(evaluate.folder(work, evaluate.tables(work)[0]))
    return Report(
        cell="flat_table",
        attempts=work.transitions,
        rows=first["rows"],
        paired=first["paired"],
        tables=[
            *(table_of(work, one) for one in evaluate.tables(work)),
            paired_table(work),
        ],
        charts=learning_curves(work),
        notes=NOTES,
        learned=resolve(work.policy(work.long)).label,
    )


def table_of(work: Work, table: evaluate.Table) -> Table:
    """Every row on one table; presets that were trained several times are one row, the interval
    over trainings and runs."""
    found = steps.measured(evaluate.folder(work, table))
    rows: list[list[Cell]] = []
    for name, labels in _rows(work, table).items():
        figures = [steps.figures(found, one) for one in labels]
        paper = PAPER.get((table.name, name))
        theirs = [None if paper is None else getattr(paper, metric) for metric in _THEIRS]
        rows.append([TITLES[name], *_cells(figures), *theirs])
    return Table(
        title=f"{table.protocol}: {table.title}",
        columns=[
            "",
            *(c for metric in _METRICS for c in (metric.replace("_", " "), "95 %")),
            *(f"paper: {metric.replace('_', ' ')}" for metric in _THEIRS),
        ],
        rows=rows,
    )


def paired_table(work: Work) -> Table:
    """Completion within 2 N on the same runs: the first training of each preset beside others."""
    table = evaluate.tables(work)[0]
    found = steps.measured(evaluate.folder(work, table))
    names = {resolve(policies[0]).label: name for name, policies in _rows(work, table).items()}
    rows: list[list[Cell]] = []
    for pair in found["paired"]:
        ours, theirs = names.get(pair["a"]), names.get(pair["b"])
        if ours not in ("small", "long", "measured") or theirs is None:
            continue
        difference = Estimate(pair["difference"], pair["low"], pair["high"], pair["n"])
        rows.append([TITLES[ours], TITLES[theirs], *difference.cells("+.3f")])
    columns = ["", "less", "difference in completion within 2 N", "95 %"]
    return Table(title="arrangements: differences on the same runs", columns=columns, rows=rows)


def _rows(work: Work, table: evaluate.Table) -> Mapping[str, tuple[str, ...]]:
    """By row, the policies of all seeds."""
    found: dict[str, tuple[str, ...]] = {}
    for name, policy in evaluate.policies(work, table).items():
        training = work.trainings.get(name)
        if training is not None:
            name = "long" if training.long else training.preset
        found[name] = (*found.get(name, ()), policy)
    return found


def _cells(figures: Sequence[Mapping[str, Any]]) -> Iterator[Cell]:
    """Means over trainings, with the widest of: the mean interval over runs, and a bootstrap over
    trainings."""
    for metric in _METRICS:
        known = [one[metric] for one in figures if metric in one]
        if not known:
            yield None
            yield ""
            continue
        value = float(np.mean([one["value"] for one in known]))
        low, high = (float(np.mean([one[side] for one in known])) for side in ("low", "high"))
        if len(known) > 1:
            seeds = bootstrap([one["value"] for one in known])
            low, high = min(low, seeds.low), max(high, seeds.high)
        yield value
        yield f"{low:.3f} to {high:.3f}"
