"""What came of tried grasps, by class of their label, and how well labels and policies rank them:
as tables and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.intervals import Estimate, clustered, ratio, wilson
from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.core.arrays import FloatArray
from selfgrasp.papers.dexnet.tries import Outcome
from selfgrasp.protocols.prediction import Predictions, auc_by_group

COLLIDES, ZERO = -1, 0
"""Classes of grasps that are not free, and of those that are, with a robust epsilon of 0. Classes 1
to 10 are deciles of what is positive."""
ALL, AS_DRAWN = "all grasps", "grasps as they were drawn"
CLASSES = (COLLIDES, ZERO, *range(1, 11))


@dataclass(frozen=True, eq=False)
class Tried:
    """N grasps that were done.

    Attributes:
        objects: (N,) str, names; grasps of one object are not independent.
        kinds: (N,) of `CLASSES`.
        facts: label or fact to (N,), see `tries.FACTS`.
        judged: (N, 3) bool, whether each held as the robot senses it, in the order of `Outcome`.
        true: (N, 3) bool, likewise as the simulator knows it.
        scores: policy to (N,); NaN where it was given no picture.
    """

    objects: NDArray[np.str_]
    kinds: NDArray[np.int64]
    facts: Mapping[str, FloatArray]
    judged: NDArray[np.bool_]
    true: NDArray[np.bool_]
    scores: Mapping[str, FloatArray]

    @property
    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Name to (N,): all grasps; those that were done as they were drawn; those that were moved;
        those that are free and in force closure where the hand closes."""
        moved, free = self.facts["moved"] > 0, self.facts["free"] > 0
        return {
            ALL: np.ones(len(moved), dtype=bool),
            AS_DRAWN: ~moved,
            "moved grasps": moved,
            "free antipodal grasps": free & (self.facts["antipodal"] > 0),
        }

    def of(self, rows: NDArray[np.bool_]) -> Tried:
        """The grasps of a mask."""
        return Tried(
            self.objects[rows],
            self.kinds[rows],
            {name: values[rows] for name, values in self.facts.items()},
            self.judged[rows],
            self.true[rows],
            {name: values[rows] for name, values in self.scores.items()},
        )


def decile_edges(epsilon: FloatArray) -> FloatArray:
    """(9,) between the deciles of those that are positive; (N,) of at least one such."""
    edges: FloatArray = np.quantile(epsilon[epsilon > 0], np.linspace(0.0, 1.0, 11)[1:-1])
    return edges


def kinds_of(epsilon: FloatArray, free: FloatArray, edges: FloatArray) -> NDArray[np.int64]:
    """(N,) of `CLASSES`.

    Args:
        epsilon: (N,) robust epsilon.
        free: (N,) 1 for a grasp that is free.
        edges: (9,) see `decile_edges`.
    """
    deciles = 1 + np.searchsorted(edges, epsilon, side="right")
    return np.where(free == 0, COLLIDES, np.where(epsilon > 0, deciles, ZERO))


def rates(tried: Tried, held: NDArray[np.bool_]) -> dict[int, Estimate]:
    """Share of (N,) that held, by class that was tried; bootstrapped by object. Where all or none
    held, Wilson's interval of as many trials as objects."""
    found = {}
    for kind in CLASSES:
        rows = tried.kinds == kind
        if not rows.any():
            continue
        values = np.stack([held[rows], np.ones(rows.sum())], axis=1)
        by_object = clustered(tried.objects[rows], values)
        same = held[rows].all() or not held[rows].any()
        objects = len(by_object)
        found[kind] = wilson(objects * int(held[rows].all()), objects) if same else ratio(by_object)
    return found


def outcome_tables(tried: Tried) -> tuple[Table, ...]:
    """For all grasps and for those as they were drawn: a row a class with its robust epsilon, how
    many were tried, and how many held."""
    return tuple(
        _outcome_table(tried.of(tried.groups[group]), group)
        for group in (ALL, AS_DRAWN)
        if tried.groups[group].any()
    )


def _outcome_table(tried: Tried, group: str) -> Table:
    judged = [rates(tried, held) for held in tried.judged.T]
    true = [rates(tried, held) for held in tried.true.T]
    rows: list[list[Cell]] = []
    for kind in judged[0]:
        mask = tried.kinds == kind
        row: list[Cell] = [_words(kind), _range(tried.facts["epsilon"][mask]), int(mask.sum())]
        for ours, theirs in zip(judged, true, strict=True):
            row += [ours[kind].text(), round(theirs[kind].value, 4)]
        rows.append(row)
    names = [outcome.capitalize() for outcome in Outcome]
    return Table(
        title=f"What came of grasps, by robust epsilon: {group}",
        note="Each was done from the same restored state. Held as the robot judges it, with 95 % "
        "intervals over objects; the simulator's own count beside it.",
        columns=[
            "Grasps",
            "Robust epsilon",
            "Tried",
            *(column for name in names for column in (name, f"{name}, true")),
        ],
        rows=rows,
    )


def _words(kind: int) -> str:
    return {COLLIDES: "not free", ZERO: "free, zero"}.get(kind, f"free, decile {kind}")


def _range(epsilon: FloatArray) -> str:
    low, high = float(epsilon.min()), float(epsilon.max())
    return f"{low:.2g} to {high:.2g}" if high > 0 else "0"


def outcome_charts(tried: Tried) -> tuple[Chart, ...]:
    """For the groups of `outcome_tables`: share held by class, a line an outcome."""
    return tuple(
        _outcome_chart(tried.of(tried.groups[group]), group)
        for group in (ALL, AS_DRAWN)
        if tried.groups[group].any()
    )


def _outcome_chart(tried: Tried, group: str) -> Chart:
    return Chart(
        title=f"Outcome against robust epsilon: {group}",
        note="95 % intervals over objects.",
        x="-1: not free; 0: free, robust epsilon 0; 1 to 10: its decile",
        y="held",
        percent=True,
        series=[
            Line(
                name=str(one),
                points=[Point.of(kind, rate) for kind, rate in rates(tried, held).items()],
            )
            for one, held in zip(Outcome, tried.judged.T, strict=True)
        ],
    )


def area_tables(tried: Tried) -> tuple[Table, ...]:
    """A table for each group of grasps: a row a label or policy, the area under its ROC curve for
    each outcome."""
    return tuple(
        _area_table(tried.of(rows), name) for name, rows in tried.groups.items() if rows.any()
    )


def _area_table(tried: Tried, group: str) -> Table:
    failed = [
        f"{int((~held).sum())} ({one})" for one, held in zip(Outcome, tried.judged.T, strict=True)
    ]
    return Table(
        title=f"Who foretells the outcome: {group}",
        note="Area under the ROC curve, 95 % intervals from a bootstrap by object. "
        f"{len(tried.kinds)} grasps of {len(np.unique(tried.objects))} objects; failures: "
        f"{', '.join(failed)}. Labels know the shape and the center of mass, resist the mass, too; "
        "policies see one noisy picture from before.",
        columns=["Score", *(one.capitalize() for one in Outcome)],
        rows=[
            [name, *(_area(tried, scores, held).text() for held in tried.judged.T)]
            for name, scores in _scores(tried)
        ],
    )


def _area(tried: Tried, scores: FloatArray, held: NDArray[np.bool_]) -> Estimate:
    rows = ~np.isnan(scores)
    return auc_by_group(Predictions(scores[rows], held[rows], tried.objects[rows]))


def _scores(tried: Tried) -> Iterator[tuple[str, FloatArray]]:
    facts, free = tried.facts, tried.facts["free"]
    yield "robust epsilon x free", facts["epsilon"]
    yield "force closure x free", facts["closure"] * free
    yield "free", free
    yield "resist", facts["resist"]
    yield "near the center of mass x free", np.where(free > 0, -facts["distance"], -np.inf)
    yield from tried.scores.items()
