"""Success against transitions, as figure 4 of the paper shows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.parts import Chart, Line, Point
from selfgrasp.core.record import AttemptKind
from selfgrasp.dataset import Dataset
from selfgrasp.papers.vpg.sizes import TITLES, Training, Work

_WINDOW = 200
"""Attempts that a point of a curve is over; fewer at its beginning (section V.C)."""
_POINTS = 40


def learning_curves(work: Work) -> list[Chart]:
    """Grasp success, and success of grasps right after pushes, over the last 200 of each."""
    histories = {name: _history(work, one) for name, one in work.trainings.items()}
    return [
        Chart(
            title=title,
            x="transitions",
            y="share that held",
            percent=True,
            note="Over the last 200. Exploring actions are among them.",
            series=[
                Line(name=_title(work.trainings[name]), points=tuple(_points(grasped, counted)))
                for name, (grasped, *kinds) in histories.items()
                for counted in (kinds[which],)
                if counted.any()
            ],
        )
        for which, title in enumerate(("Grasp success", "Grasp success right after a push"))
    ]


def _title(training: Training) -> str:
    preset = "long" if training.long else training.preset
    return f"{TITLES[preset]}, seed {training.seed}"


def _history(work: Work, training: Training) -> tuple[NDArray[np.bool_], ...]:
    """Of each transition: whether it held, whether it is a grasp, and whether it is a grasp right
    after a push in the same scene."""
    parts = []
    for name in training.rounds[-1].data:
        with Dataset.open(work.folders.data(name)) as data:
            kinds, scenes = data.column("kind"), data.column("scene")
            grasps = kinds == AttemptKind.GRASP
            after = np.zeros(len(grasps), bool)
            after[1:] = grasps[1:] & (kinds[:-1] == AttemptKind.PUSH) & (scenes[1:] == scenes[:-1])
            parts.append((data.column("grasped") & grasps, grasps, after))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _points(grasped: NDArray[np.bool_], counted: NDArray[np.bool_]) -> Iterator[Point]:
    at = np.flatnonzero(counted)
    held = np.concatenate([[0], np.cumsum(grasped[at])])
    for end in np.unique(np.linspace(min(20, len(at)), len(at), _POINTS).astype(int)):
        begin = max(0, end - _WINDOW)
        yield Point(float(at[end - 1] + 1), float(held[end] - held[begin]) / (end - begin))
