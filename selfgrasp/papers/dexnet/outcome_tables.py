"""What came of tried grasps, by class of their label, and how well labels and policies rank them:
as tables and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.intervals import Estimate, clustered, ratio
from selfgrasp.common.parts import Cell, Chart, Line, Point, Table
from selfgrasp.core.arrays import FloatArray
from selfgrasp.papers.dexnet.tries import Outcome
from selfgrasp.protocols.prediction import Predictions, auc_by_group

COLLIDES, ZERO = -1, 0
"""Classes of grasps that are not free, and of those that are, with a robust epsilon of 0. Classes 1
to 10 are deciles of what is positive."""
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
    def antipodal(self) -> NDArray[np.bool_]:
        """(N,) free, and in force closure where the hand closes."""
        return (self.facts["free"] > 0) & (self.facts["antipodal"] > 0)


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
    """Share of (N,) that held, by class that was tried; bootstrapped by object."""
    found = {}
    for kind in CLASSES:
        rows = tried.kinds == kind
        if rows.any():
            values = np.stack([held[rows], np.ones(rows.sum())], axis=1)
            found[kind] = ratio(clustered(tried.objects[rows], values))
    return found


def outcome_table(tried: Tried) -> Table:
    """A row a class: its robust epsilon, how many were tried, and how many held."""
    judged = [rates(tried, tried.judged[:, i]) for i in range(len(Outcome))]
    true = [rates(tried, tried.true[:, i]) for i in range(len(Outcome))]
    rows: list[list[Cell]] = []
    for kind in judged[0]:
        mask = tried.kinds == kind
        row: list[Cell] = [_words(kind), _range(tried.facts["epsilon"][mask]), int(mask.sum())]
        for ours, theirs in zip(judged, true, strict=True):
            row += [ours[kind].text(), round(theirs[kind].value, 4)]
        rows.append(row)
    return Table(
        title="What came of grasps, by robust epsilon",
        note="Each grasp was done from the same restored state. Lifted as the robot judges it, "
        "with 95 % intervals from a bootstrap by object; the simulator's own count beside it.",
        columns=[
            "Grasps",
            "Robust epsilon",
            "Tried",
            *(name for one in Outcome for name in (one.capitalize(), f"{one.capitalize()}, true")),
        ],
        rows=rows,
    )


def _words(kind: int) -> str:
    return {COLLIDES: "not free", ZERO: "free, zero"}.get(kind, f"free, decile {kind}")


def _range(epsilon: FloatArray) -> str:
    low, high = float(epsilon.min()), float(epsilon.max())
    return f"{low:.2g} to {high:.2g}" if high > 0 else "0"


def outcome_chart(tried: Tried) -> Chart:
    """Share held by class, a line an outcome."""
    lines = [
        Line(
            name=str(one),
            points=[Point.of(kind, rate) for kind, rate in rates(tried, held).items()],
        )
        for one, held in zip(Outcome, tried.judged.T, strict=True)
    ]
    return Chart(
        title="Outcome against robust epsilon",
        note="Bootstrap by object.",
        x="-1: not free; 0: free, robust epsilon 0; 1 to 10: its decile",
        y="held",
        percent=True,
        series=lines,
    )


def area_table(tried: Tried) -> Table:
    """A row a label or policy: the area under its ROC curve for each outcome, of all grasps and of
    the free antipodal ones alone."""
    every, antipodal = np.ones(len(tried.objects), dtype=bool), tried.antipodal
    groups = {"all": every, "free antipodal": antipodal}
    rows: list[list[Cell]] = [
        [
            name,
            *(
                _area(tried, scores, outcome, rows).text()
                for rows in groups.values()
                for outcome in range(len(Outcome))
            ),
        ]
        for name, scores in _scores(tried)
    ]
    return Table(
        title="Who foretells the outcome",
        note=f"Area under the ROC curve, 95 % intervals from a bootstrap by object "
        f"({len(np.unique(tried.objects))} objects). {len(every)} grasps, of which "
        f"{antipodal.sum()} are free and antipodal; all classes are equally frequent among all. "
        "Labels know the shape; policies see one noisy picture from before.",
        columns=["Score", *(f"{one.capitalize()}, {group}" for group in groups for one in Outcome)],
        rows=rows,
    )


def _area(tried: Tried, scores: FloatArray, outcome: int, rows: NDArray[np.bool_]) -> Estimate:
    rows = rows & ~np.isnan(scores)
    return auc_by_group(Predictions(scores[rows], tried.judged[rows, outcome], tried.objects[rows]))


def _scores(tried: Tried) -> Iterator[tuple[str, FloatArray]]:
    facts, free = tried.facts, tried.facts["free"]
    yield "robust epsilon x free", facts["epsilon"]
    yield "force closure x free", facts["closure"] * free
    yield "free", free
    yield "resist", facts["resist"]
    yield "near the center of mass x free", np.where(free > 0, -facts["distance"], -np.inf)
    yield from tried.scores.items()
