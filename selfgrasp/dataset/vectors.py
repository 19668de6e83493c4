"""Vectors beside the attempts: embeddings by name, a Lance table each, with nearest neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.arrays import checked, checked_number
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.tables import append_rows, open_table, overwrite

FOLDER = "vectors"
ROWS_PER_FRAGMENT = 16384
INDEX_FROM = 200_000
"""Rows from which an index is used where there is one; below, exact search is quick enough."""

INDEX_LEAST = 1000

_BATCH = 8192
_SPARE = 16
"""Rows beyond k that a search in float32 hands to the ranking in float64: rounding moves a row by
a few places at most."""
_PROBES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Metric(StrEnum):
    """How far two vectors are apart: 1 - cosine of their angle (0..2; 1 for a vector of zeros), or
    the Euclidean distance."""

    COSINE = "cosine"
    L2 = "l2"


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


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The rows nearest to each query, nearest first.

    Attributes:
        attempts: (K,) or (Q, K) object, ids, as the query was (D,) or (Q, D).
        steps, views: of the same shape, as in `Vectors`.
        distances: of the same shape, float64; infinite, with "" as id, where fewer than K rows
            could be asked.
    """

    attempts: NDArray[np.object_]
    steps: NDArray[np.int64]
    views: NDArray[np.object_]
    distances: NDArray[np.float64]


class VectorTable:
    """The vectors of one name as they were when the dataset was opened; made by
    `Dataset.vectors`. Vectors of other names are never read.

    Attributes:
        name: of the vectors.
        table: the Lance dataset.
    """

    def __init__(self, name: str, table: Any) -> None:
        self.name = name
        self.table = table

    def __len__(self) -> int:
        return int(self.table.count_rows())

    @property
    def dimension(self) -> int:
        """D."""
        return int(self.table.schema.field("values").type.list_size)

    @cached_property
    def attempts(self) -> NDArray[np.object_]:
        """(N,) the attempt of each row."""
        return np.array(self._column("attempt"), dtype=object)

    @cached_property
    def authors(self) -> tuple[str, ...]:
        """Who made them, sorted."""
        return tuple(sorted(set(self._column("by"))))

    def batches(self) -> Iterator[NDArray[np.float32]]:
        """The values, (B, D) each, in order; memory does not grow with their number."""
        for batch in self.table.to_batches(columns=["values"], batch_size=_BATCH):
            yield _values(batch["values"])

    def of(self, attempts: pa.Array) -> Iterator[Vectors]:
        """Those of `attempts`, an Arrow array of ids, in order and in batches."""
        for batch in self.table.to_batches(batch_size=_BATCH):
            mine = batch.filter(pc.is_in(batch["attempt"], value_set=attempts))
            for by in pc.unique(mine["by"]).to_pylist():
                rows = mine.filter(pc.equal(mine["by"], by))
                yield Vectors(
                    rows["attempt"].to_pylist(),
                    _values(rows["values"]),
                    by,
                    rows["step"].to_numpy(),
                    rows["view"].to_pylist(),
                )

    def read(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(N, D) the values of `rows`, in that order; of all rows where None."""
        if rows is None:
            table = self.table.to_table(columns=["values"])
        else:
            table = self.table.take(np.asarray(rows).tolist(), columns=["values"])
        return _values(table["values"].combine_chunks())

    def nearest(
        self,
        query: NDArray[np.floating[Any]],
        k: int,
        *,
        metric: Metric = Metric.COSINE,
        ids: Sequence[str] | None = None,
        without: Sequence[str] | None = None,
        exact: bool | None = None,
    ) -> Neighbours:
        """The `k` rows nearest to each query.

        Exact search reads the values once for all queries together. An index, where there is one of
        this metric, answers a single query in milliseconds and misses a few neighbours.

        Args:
            query: (D,) or (Q, D).
            k: how many.
            metric: how far vectors are apart.
            ids: search among these attempts only.
            without: (Q,) an attempt for each query that is not among its neighbours: its own.
            exact: whether to read everything; where None, an index is used from `INDEX_FROM` rows
                on, unless `ids` or `without` are given.

        Raises:
            InputError: another dimension, k below 1, as many `without` as queries are not given, or
                an index asked for (`exact` False) that there is not.
        """
        queries = checked(np.atleast_2d(query), (None, self.dimension), np.float64, "query")
        checked_number(k, 1, 1e9, "k")
        if without is not None and len(without) != len(queries):
            raise InputError(
                given=f"{len(queries)} queries and {len(without)} attempts to leave out",
                wanted="one for each query",
            )
        filtered = ids is not None or without is not None
        indexed = metric in self.indexed and not filtered
        if exact is False and not indexed:
            raise InputError(
                given=f"a search by {metric.value} in the index of {self.name}, "
                f"{'with' if filtered else 'without'} a choice of attempts",
                wanted="a metric that is indexed (`DatasetWriter.index_vectors`), all attempts",
                exists=", ".join(self.indexed) or "no index",
            )
        if exact is None:
            exact = not indexed or len(self) < INDEX_FROM
        found = (
            self._exact(queries, k, metric, ids, without)
            if exact
            else self._indexed(queries, k, metric)
        )
        if np.ndim(query) > 1:
            return found
        return Neighbours(found.attempts[0], found.steps[0], found.views[0], found.distances[0])

    @cached_property
    def indexed(self) -> tuple[Metric, ...]:
        """The metrics that there is an index for."""
        there = _indices(self.table)
        return tuple(metric for metric in Metric if _index_of(metric) in there)

    def _exact(
        self,
        queries: NDArray[np.float64],
        k: int,
        metric: Metric,
        ids: Sequence[str] | None,
        without: Sequence[str] | None,
    ) -> Neighbours:
        allowed = None
        if ids is not None:
            names = pa.array(self.attempts, pa.string())
            allowed = pc.is_in(names, value_set=pa.array(list(ids), pa.string())).to_numpy(False)
        own = None if without is None else np.array(list(without), dtype=object)
        keep = min(k + _SPARE, len(self))
        small = queries.astype(np.float32)
        rows = np.zeros((len(queries), 0), np.int64)
        far = np.zeros((len(queries), 0), np.float32)
        start = 0
        for values in self.batches():
            end = start + len(values)
            distance = _distances(small, values, metric)
            if allowed is not None:
                distance[:, ~allowed[start:end]] = np.inf
            if own is not None:
                distance[self.attempts[None, start:end] == own[:, None]] = np.inf
            here = np.broadcast_to(np.arange(start, end), distance.shape)
            far, rows = _smallest(
                np.concatenate([far, distance], axis=1),
                np.concatenate([rows, here], axis=1),
                keep,
            )
            start = end
        return self._ranked(queries, rows, ~np.isfinite(far), k, metric)

    def _ranked(
        self,
        queries: NDArray[np.float64],
        rows: NDArray[np.int64],
        left_out: NDArray[np.bool_],
        k: int,
        metric: Metric,
    ) -> Neighbours:
        """The first `k` of each query's `rows` (Q, M), by distances computed in float64."""
        unique, place = np.unique(rows, return_inverse=True)
        values = self.read(unique).astype(np.float64)
        distance = np.stack(
            [
                _distances(query[None], values[places], metric, squared=False)[0]
                for query, places in zip(queries, place.reshape(rows.shape), strict=True)
            ]
        )
        distance[left_out] = np.inf
        order = np.lexsort((rows, distance), axis=1)[:, :k]
        distance, rows = (np.take_along_axis(a, order, axis=1) for a in (distance, rows))
        flat = self.table.take(rows.ravel().tolist(), columns=["attempt", "step", "view"])
        missing = ~np.isfinite(distance)
        attempts = np.array(flat["attempt"].to_pylist(), dtype=object).reshape(rows.shape)
        views = np.array(flat["view"].to_pylist(), dtype=object).reshape(rows.shape)
        attempts[missing], views[missing] = "", ""
        steps = np.where(missing, -1, flat["step"].to_numpy().reshape(rows.shape))
        return Neighbours(attempts, steps, views, distance)

    def _indexed(self, queries: NDArray[np.float64], k: int, metric: Metric) -> Neighbours:
        columns = ["attempt", "step", "view", "_distance"]
        found = [
            self.table.to_table(
                columns=columns,
                nearest={
                    "column": "values",
                    "q": query.astype(np.float32),
                    "k": min(k, len(self)),
                    "metric": metric.value,
                    "nprobes": _PROBES,
                },
            )
            for query in queries
        ]
        distance = np.array([table["_distance"].to_numpy() for table in found], dtype=np.float64)
        attempts, steps, views = (
            np.array([table[name].to_pylist() for table in found], dtype=kind)
            for name, kind in (("attempt", object), ("step", np.int64), ("view", object))
        )
        # Lance's L2 is the square of the distance.
        distance = np.sqrt(distance) if metric is Metric.L2 else distance
        return Neighbours(attempts, steps, views, distance)

    def _column(self, name: str) -> list[Any]:
        return self.table.to_table(columns=[name])[name].to_pylist()  # type: ignore[no-any-return]


def vector_names(path: Path) -> tuple[str, ...]:
    """The names of the vectors of the dataset in `path`, sorted."""
    # A folder without a manifest is what a process left that was killed before it had written
    # anything.
    manifests = (path / FOLDER).glob("*.lance/_versions/*.manifest")
    return tuple(sorted({manifest.parents[1].stem for manifest in manifests}))


def open_vectors(path: Path, name: str) -> VectorTable:
    """The newest version of the vectors called `name` of the dataset in `path`.

    Raises:
        InputError: there are none.
    """
    if name not in vector_names(path):
        raise unknown_name("name of vectors", name, vector_names(path))
    return VectorTable(name, open_table(path, _table_name(name)))


def append_vectors(path: Path, name: str, vectors: Vectors) -> Any:
    """Adds `vectors` to those called `name`; the Lance dataset with them.

    Raises:
        InputError: a name that no file can have, or another dimension than that of those there are.
    """
    rows = vectors.to_table()
    if name not in vector_names(path):
        return overwrite(path, _table_name(name), rows)
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
        return overwrite(path, _table_name(name), reader)
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
    for old in _indices(table):
        table.drop_index(old)
    # Not quantised: product quantisation lost a quarter of the nearest ten and took ten times as
    # long to build (200,000 x 128).
    return table.create_index(
        "values",
        "IVF_FLAT",
        name=_index_of(metric),
        metric=metric.value,
        num_partitions=max(1, round(rows**0.5 / 2)),
    )


def compact_vectors(path: Path, names: Iterable[str], *, alone: bool) -> None:
    """Joins small fragments of the vectors called `names`, and with `alone` (nobody reads) removes
    old versions and what killed processes left."""
    for name in names:
        table = open_vectors(path, name).table
        table.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FRAGMENT)
        if alone:
            table.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


def _table_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            given=f"{name!r} as a name of vectors",
            wanted="letters, digits, dots, - and _, beginning with a letter or digit",
        )
    return f"{FOLDER}/{name}"


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


def _values(column: Any) -> NDArray[np.float32]:
    """(N, D) from a column of lists of equal lengths."""
    flat: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), -1)


def _index_of(metric: Metric) -> str:
    return f"nearest_{metric.value}"


def _indices(table: Any) -> list[str]:
    return [index.name for index in table.describe_indices()]


def _distances(
    queries: NDArray[Any], values: NDArray[Any], metric: Metric, *, squared: bool = True
) -> NDArray[Any]:
    """(Q, N) distances; those of L2 may stay squared, since the order is the same."""
    if metric is Metric.COSINE:
        return np.asarray(1 - _unit(queries) @ _unit(values).T)
    if not squared:
        return np.asarray(np.linalg.norm(queries[:, None] - values[None], axis=2))
    squares = (queries**2).sum(axis=1)[:, None] + np.einsum("nd,nd->n", values, values)
    return np.asarray(squares - 2 * queries @ values.T)


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    length = np.sqrt(np.einsum("nd,nd->n", values, values))[:, None]
    unit: NDArray[Any] = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    return unit


def _smallest(
    distance: NDArray[np.float32], rows: NDArray[np.int64], keep: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `keep` smallest of each row of `distance` (Q, M) and their `rows`, in any order."""
    if distance.shape[1] <= keep:
        return distance, rows
    best = np.argpartition(distance, keep - 1, axis=1)[:, :keep]
    return np.take_along_axis(distance, best, axis=1), np.take_along_axis(rows, best, axis=1)
