"""A table of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfgrasp.common.parts.part import Part, require
from selfgrasp.core import InputError

Cell = str | int | float | None
"""Text, a number, yes or no (a bool), or nothing."""


@dataclass(frozen=True, kw_only=True)
class Table(Part):
    """An entry of `tables`.

    Attributes:
        title: its heading.
        note: what to know of it, in sentences.
        columns: (C,) titles; one that names the paper holds the paper's figures.
        rows: each of C cells.

    Raises:
        InputError: a row of another length than the columns, or a cell that is none.
    """

    title: str
    note: str = ""
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(
                    given=f"a row of {len(row)} cells in the table {self.title!r}: {list(row)}",
                    wanted=f"{len(self.columns)}: {', '.join(self.columns)}",
                )
            for cell in row:
                if not isinstance(cell, Cell):
                    raise InputError(
                        given=f"a cell {cell!r} of type {type(cell).__name__} in the table "
                        f"{self.title!r}",
                        wanted="text, a plain number or None",
                    )

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Table:
        """From its JSON values.

        Raises:
            InputError: a key that is missing, or what the class refuses.
        """
        require(entry, "tables", ("title", "columns", "rows"))
        return Table(
            title=str(entry["title"]),
            note=str(entry.get("note") or ""),
            columns=[str(column) for column in entry["columns"]],
            rows=entry["rows"],
        )
