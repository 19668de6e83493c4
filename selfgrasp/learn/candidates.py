"""Candidates as training data: a part of a table on the disk, or of a list in memory, read a batch
at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Candidates

if TYPE_CHECKING:
    from selfgrasp.dataset.candidates import CandidateTable


class CandidateRows(Protocol):
    """The candidates of one part of a source.

    Labels are in memory, pictures are not: what `read` gives is read when it is asked for. It may
    be called from several threads.
    """

    @property
    def labels(self) -> Mapping[str, NDArray[np.float32]]:
        """Name to (N,), of the labels that were asked for; NaN where a candidate has none."""
        ...

    def __len__(self) -> int: ...

    def read(self, rows: NDArray[np.int64]) -> Candidates:
        """The candidates at `rows` (K,) with their pictures and the labels asked for."""
        ...


@dataclass(frozen=True, eq=False)
class MemoryCandidates:
    """Candidates in memory.

    Attributes:
        candidates: all of them.
    """

    candidates: Candidates

    @property
    def labels(self) -> Mapping[str, NDArray[np.float32]]:
        """Name to (N,)."""
        return self.candidates.labels

    def __len__(self) -> int:
        return len(self.candidates)

    def read(self, rows: NDArray[np.int64]) -> Candidates:
        """The candidates at `rows`."""
        return self.candidates.take(rows)


class StoredCandidates:
    """Some candidates of a table on the disk.

    Args:
        table: the table.
        rows: (N,) of the table.
        labels: names of those that are read.

    Raises:
        InputError: no such label.
    """

    def __init__(
        self, table: CandidateTable, rows: NDArray[np.int64], labels: Sequence[str]
    ) -> None:
        self._table, self._rows = table, rows
        self._all = {name: table.label(name) for name in labels}
        self.labels = {name: values[rows] for name, values in self._all.items()}

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: NDArray[np.int64]) -> Candidates:
        """The candidates at `rows`; only their pictures are read."""
        return self._table.read(self._rows[rows], self._all)
