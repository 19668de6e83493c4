"""Pinto & Gupta 2016, Table I: how many attempts of each kind were collected, and how many of them
held something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset

COLUMNS = (
    "type",
    "positive",
    "negative",
    "total",
    "grasp rate",
    "paper: positive",
    "paper: negative",
    "paper: total",
    "paper: grasp rate",
)


def attempts_table(
    folders: Mapping[str, Path | Sequence[Path]], paper: Mapping[str, tuple[int, int, int]]
) -> Table:
    """A row a type of data and their sum, the paper's beside ours.

    Args:
        folders: the dataset of each type, or its several datasets, by the type's name.
        paper: positive, negative and total, by the same names; types that only the paper has get a
            row as well.

    Returns:
        A table of report.json.

    Raises:
        InputError: no such dataset, or figures of the paper that do not add up.
    """
    ours = {
        name: _counts([folder] if isinstance(folder, Path) else folder)
        for name, folder in folders.items()
    }
    theirs = {name: _checked(name, counts) for name, counts in paper.items()}
    names = list(dict.fromkeys([*ours, *theirs]))
    rows: list[list[Cell]] = [
        [name, *_cells(ours.get(name)), *_cells(theirs.get(name))] for name in names
    ]
    if len(names) > 1:
        rows.append(["all", *_cells(_sum([*ours.values()])), *_cells(_sum([*theirs.values()]))])
    return Table(
        title="Attempts collected (Table I)",
        note="Positive: something was held after the lift, as the fingers felt it. Rates follow "
        "from the counts.",
        columns=COLUMNS,
        rows=rows,
    )


def _counts(folders: Sequence[Path]) -> tuple[int, int, int]:

    positive = total = 0
    for folder in folders:
        with Dataset.open(folder) as data:
            positive, total = positive + int(data.column("grasped").sum()), total + len(data)
    return positive, total - positive, total


def _checked(name: str, counts: tuple[int, int, int]) -> tuple[int, int, int]:

    positive, negative, total = counts
    if positive + negative != total:
        raise InputError(
            given=f"{name}: {positive} positive and {negative} negative of {total}",
            wanted="positive and negative that add up to the total",
        )
    return counts


def _sum(counts: Sequence[tuple[int, int, int]]) -> tuple[int, int, int] | None:
    if not counts:
        return None
    positive, negative, total = map(sum, zip(*counts, strict=True))
    return positive, negative, total


def _cells(counts: tuple[int, int, int] | None) -> list[Cell]:
    if counts is None:
        return [None] * 4
    positive, _, total = counts
    return [*counts, f"{100 * positive / total:.2f} %" if total else None]
