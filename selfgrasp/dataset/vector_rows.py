"""Vectors on their way to the disk: appended, replaced whole, indexed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.arrays import checked
from selfgrasp.dataset.nearest import Metric
from selfgrasp.dataset.tables import append_rows, compact_files, overwrite
from selfgrasp.dataset.vectors import (
    BATCH,
    VectorTable,
    index_name,
    indices_of,
    open_vectors,
    table_name,
    values_of,
    vector_names,
)

ROWS_PER_FRAGMENT = 16384
INDEX_LEAST = 1000


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of one name.

    Attributes:
        attempts: (N,) ids.
        values: (N, D) float32, finite.
        by: who made them: a method with its checkpoint's hash, for example.
        steps: (N,) the step that each is of; -1 is the whole attempt. All -1 by default.
        views: (N,) the view that each is of; "" is all of them. All "" by default.

    Raises:
        InputError: lengths that differ, or values that are not finite.
    """

    attempts: Sequence[str]
    values: NDArray[np.float32]
    by: str
    steps: NDArray[np.int64] | None = None
    views: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", checked(self.values, (None, None), np.float32, "values"))
        for name in ("attempts", "steps", "views"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.values):
                raise InputError(
                    given=f"{len(self.values)} vectors and {len(column)} {name}",
                    wanted="as many of one as of the other",
                )

    def __len__(self) -> int:
        return len(self.values)

    def to_table(self) -> pa.Table:
        """As rows of the table on the disk."""
        n, dimension = self.values.shape
        steps = np.full(n, -1) if self.steps is None else np.asarray(self.steps)
        return pa.table(
            [
                pa.array(list(self.attempts), pa.string()),
                pa.array(steps, pa.int64()),
                pa.array([""] * n if self.views is None else list(self.views), pa.string()),
                pa.FixedSizeListArray.from_arrays(pa.array(self.values.ravel()), dimension),
                pa.array([self.by] * n, pa.string()),
            ],
            schema=_schema(dimension),
        )


def vectors_of(table: VectorTable, attempts: pa.Array) -> Iterator[Vectors]:
    """The vectors of `attempts`, an Arrow array of ids, in order and in batches."""
    for batch in table.table.to_batches(batch_size=BATCH):
        mine = batch.filter(pc.is_in(batch["attempt"], value_set=attempts))
        for by in pc.unique(mine["by"]).to_pylist():
            rows = mine.filter(pc.equal(mine["by"], by))
            yield Vectors(
                rows["attempt"].to_pylist(),
                values_of(rows["values"]),
                by,
                rows["step"].to_numpy(),
                rows["view"].to_pylist(),
            )


def append_vectors(path: Path, name: str, vectors: Vectors) -> Any:
    """Adds `vectors` to those called `name`; the Lance dataset with them.

    Raises:
        InputError: a name that no file can have, or another dimension than that of those there are.
    """
    rows = vectors.to_table()
    if name not in vector_names(path):
        return overwrite(path, table_name(name), rows)
    existing = open_vectors(path, name)
    _require_dimension(name, vectors, existing.dimension)
    return append_rows(existing.table, rows)


def replace_vectors(path: Path, name: str, batches: Iterable[Vectors]) -> Any:
    """The vectors of `batches` instead of those called `name`, all in one step: until the last one
    is written, and where one fails, the old ones stay.

    Raises:
        InputError: no batches, batches of different dimensions, or a name that no file can have.
    """
    left = iter(batches)
    first = next(left, None)
    if first is None:
        raise InputError(given=f"no vectors for {name}", wanted="at least one batch")
    failed: list[Exception] = []

    def rows() -> Iterator[pa.RecordBatch]:
        try:
            for vectors in chain([first], left):
                _require_dimension(name, vectors, first.values.shape[1])
                yield from vectors.to_table().to_batches()
        except Exception as error:
            failed.append(error)
            raise

    reader = pa.RecordBatchReader.from_batches(_schema(first.values.shape[1]), rows())
    try:
        return overwrite(path, table_name(name), reader)
    except Exception:
        if failed:
            # Lance passes on no more than the text of what went wrong in `rows`.
            raise failed[0] from None
        raise


def index_vectors(path: Path, name: str, metric: Metric) -> Any:
    """Makes the vectors called `name` searchable by an index of `metric`, in place of the one there
    was; takes seconds for 200,000 rows. What is appended later is found as well, a little slower.

    Raises:
        InputError: no such vectors, or fewer than `INDEX_LEAST`.
    """
    table = open_vectors(path, name).table
    rows = table.count_rows()
    if rows < INDEX_LEAST:
        raise InputError(
            given=f"{rows} vectors called {name}",
            wanted=f"at least {INDEX_LEAST} for an index; fewer are searched at once",
        )
    for old in indices_of(table):
        table.drop_index(old)
    # Not quantised: product quantisation lost a quarter of the nearest ten and took ten times as
    # long to build (200,000 x 128).
    return table.create_index(
        "values",
        "IVF_FLAT",
        name=index_name(metric),
        metric=metric.value,
        num_partitions=max(1, round(rows**0.5 / 2)),
    )


def compact_vectors(path: Path, names: Iterable[str], *, alone: bool) -> None:
    """Joins small fragments of the vectors called `names`, and with `alone` (nobody reads) removes
    old versions and what killed processes left."""
    for name in names:
        table = open_vectors(path, name).table
        compact_files(table, ROWS_PER_FRAGMENT)
        if alone:
            table.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


def _require_dimension(name: str, vectors: Vectors, dimension: int) -> None:
    if vectors.values.shape[1] != dimension:
        raise InputError(
            given=f"vectors of {vectors.values.shape[1]} numbers for {name}",
            wanted=f"vectors of {dimension}, as the others of this name have",
        )


def _schema(dimension: int) -> pa.Schema:
    return pa.schema(
        [
            ("attempt", pa.string()),
            ("step", pa.int64()),
            ("view", pa.string()),
            ("values", pa.list_(pa.float32(), dimension)),
            ("by", pa.string()),
        ]
    )
