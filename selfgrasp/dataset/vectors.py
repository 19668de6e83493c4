"""Vectors beside the attempts: embeddings by name, a Lance table each, with nearest neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.arrays import checked, checked_number
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.meta import VECTORS
from selfgrasp.dataset.nearest import Metric, Neighbours, distances, nearest_rows
from selfgrasp.dataset.tables import open_table

INDEX_FROM = 200_000
"""Rows from which an index is used where there is one; below, exact search is quick enough."""

BATCH = 8192
_PROBES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


class VectorTable:
    """The vectors of one name as they were when this was made, by `Dataset.vectors`; those of other
    names are never read.

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
        for batch in self.table.to_batches(columns=["values"], batch_size=BATCH):
            yield values_of(batch["values"])

    def read(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(N, D) the values of `rows`, in that order; of all rows where None."""
        if rows is None:
            table = self.table.to_table(columns=["values"])
        else:
            table = self.table.take(np.asarray(rows).tolist(), columns=["values"])
        return values_of(table["values"].combine_chunks())

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
            InputError: no vectors, another dimension, k below 1, not as many `without` as queries,
                or an index asked for (`exact` False) that there is not.
        """
        queries = checked(np.atleast_2d(query), (None, self.dimension), np.float64, "query")
        checked_number(k, 1, 1e9, "k")
        if without is not None and len(without) != len(queries):
            raise InputError(
                given=f"{len(queries)} queries and {len(without)} attempts to leave out",
                wanted="one for each query",
            )
        k = min(k, len(self))
        if not k:
            raise InputError(given=f"no vectors called {self.name}", wanted="at least one")
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
        indexed_rows = None if exact else self._indexed(queries, k, metric)
        found = indexed_rows or self._exact(queries, k, metric, ids, without)
        if np.ndim(query) > 1:
            return found
        return Neighbours(found.attempts[0], found.steps[0], found.views[0], found.distances[0])

    @cached_property
    def indexed(self) -> tuple[Metric, ...]:
        """The metrics that there is an index for."""
        there = indices_of(self.table)
        return tuple(metric for metric in Metric if index_name(metric) in there)

    def _exact(
        self,
        queries: NDArray[np.float64],
        k: int,
        metric: Metric,
        ids: Sequence[str] | None,
        without: Sequence[str] | None,
    ) -> Neighbours:
        among = None
        if ids is not None:
            names = pa.array(self.attempts, pa.string())
            found = pc.is_in(names, value_set=pa.array(list(ids), pa.string()))
            among = np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)[None]
        own = None if without is None else np.array(list(without), dtype=object)[:, None]

        def allowed(rows: slice) -> NDArray[np.bool_] | None:
            others = None if own is None else np.asarray(self.attempts[None, rows] != own, bool)
            if among is None:
                return others
            return among[:, rows] if others is None else among[:, rows] & others

        rows, may = nearest_rows(queries, self.batches(), k, metric, allowed)
        return self._ranked(queries, rows, ~may, k, metric)

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
                distances(query[None], values[places], metric, squared=False)[0]
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

    def _indexed(self, queries: NDArray[np.float64], k: int, metric: Metric) -> Neighbours | None:
        """None where the index gives fewer than `k` rows."""
        columns = ["attempt", "step", "view", "_distance"]
        found = [
            self.table.to_table(
                columns=columns,
                nearest={
                    "column": "values",
                    "q": query.astype(np.float32),
                    "k": k,
                    "metric": metric.value,
                    "nprobes": _PROBES,
                },
            )
            for query in queries
        ]
        if any(len(table) < k for table in found):
            return None
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
    manifests = (path / VECTORS).glob("*.lance/_versions/*.manifest")
    return tuple(sorted({manifest.parents[1].stem for manifest in manifests}))


def open_vectors(path: Path, name: str) -> VectorTable:
    """The newest version of the vectors called `name` of the dataset in `path`.

    Raises:
        InputError: there are none.
    """
    if name not in vector_names(path):
        raise unknown_name("name of vectors", name, vector_names(path))
    return VectorTable(name, open_table(path, table_name(name)))


def table_name(name: str) -> str:
    """The table of the vectors called `name`.

    Raises:
        InputError: a name that no file can have.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            given=f"{name!r:.60} as a name of vectors",
            wanted="at most 200 letters, digits, dots, - and _, beginning with a letter or digit",
        )
    return f"{VECTORS}/{name}"


def values_of(column: Any) -> NDArray[np.float32]:
    """(N, D) from a column of lists of equal lengths."""
    flat: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), -1)


def index_name(metric: Metric) -> str:
    """The name of an index of `metric`."""
    return f"nearest_{metric.value}"


def indices_of(table: Any) -> list[str]:
    """The names of the indices of a Lance dataset."""
    return [index.name for index in table.describe_indices()]
