"""A compact in-memory store of training examples: columns of equal length, one weight each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.arrays import checked
from selfgrasp.learn.candidates import CandidateRows


@dataclass(frozen=True, eq=False)
class Examples:
    """What one pass over the attempts left behind. Small types (uint8 colour, float16 height):
    nothing is decoded twice.

    Attributes:
        columns: name to (N, ...) array.
        weights: (N,) float32, how much an example counts in the loss; 0 or more.
        candidates: what a column of row numbers refers to, where examples are candidates: their
            pictures are too many for memory and are read by the batch.

    Raises:
        InputError: columns of different lengths, weights that are negative or not finite.
    """

    columns: Mapping[str, NDArray[Any]]
    weights: NDArray[np.float32]
    candidates: CandidateRows | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", checked(self.weights, (None,), np.float32, "weights"))
        if len(self.weights) and self.weights.min() < 0:
            raise InputError(
                given=f"a weight of {self.weights.min():g}", wanted="weights of 0 or more"
            )
        wrong = {
            name: len(column)
            for name, column in self.columns.items()
            if len(column) != len(self.weights)
        }
        if wrong:
            raise InputError(
                given=f"columns of lengths {wrong}",
                wanted=f"{len(self.weights)} rows, as there are weights",
            )

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.columns:
            raise InputError(
                given=f"column {name!r}",
                wanted="a column of these examples",
                exists=", ".join(self.columns),
            )
        return self.columns[name]

    def take(self, indices: NDArray[np.int64]) -> Examples:
        """The rows at `indices` (K,)."""
        return Examples(
            {name: column[indices] for name, column in self.columns.items()},
            self.weights[indices],
            self.candidates,
        )

    def first(self, count: int) -> Examples:
        """The first `count` rows, or all if there are fewer."""
        return Examples(
            {name: column[:count] for name, column in self.columns.items()},
            self.weights[:count],
            self.candidates,
        )

    @staticmethod
    def concatenate(parts: Sequence[Examples]) -> Examples:
        """All rows of `parts`, in order: how rounds of collection become one dataset.

        Raises:
            InputError: parts with different columns or of different candidates, or none.
        """
        if not parts or any(set(p.columns) != set(parts[0].columns) for p in parts):
            raise InputError(
                given=f"examples with columns {[sorted(p.columns) for p in parts]}",
                wanted="one or more parts with the same columns",
            )
        if any(part.candidates is not parts[0].candidates for part in parts):
            raise InputError(
                given="examples of several tables of candidates",
                wanted="one table (`selfgrasp merge` makes one of several datasets)",
            )
        columns = {
            name: np.concatenate([p.columns[name] for p in parts]) for name in parts[0].columns
        }
        weights = np.concatenate([p.weights for p in parts])
        return Examples(columns, weights, parts[0].candidates)
