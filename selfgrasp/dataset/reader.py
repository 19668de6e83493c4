"""A dataset as it was when it was opened: columns as arrays, attempts as a stream, labels by
name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.common.split import SplitBy, SplitRule, assign
from selfgrasp.core import Attempt, CellSpec, InputError, Label, LabelValue, Session
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.candidates import CandidateTable, has_candidates, open_candidates
from selfgrasp.dataset.lock import ReaderLock
from selfgrasp.dataset.meta import Meta, read_meta
from selfgrasp.dataset.schema import SCALAR_COLUMNS, label_values, require_values
from selfgrasp.dataset.stream import Stored, stream
from selfgrasp.dataset.tables import where
from selfgrasp.dataset.vectors import VectorTable, open_vectors, vector_names

OBJECT_LABEL = "truth.object"
"""What the simulator says was grasped; read by splits by object: a split is no input of a
method."""


class Dataset:
    """Attempts on the disk, read-only; made by `Dataset.open`. What is appended meanwhile is seen
    by the next `open`.

    Attributes:
        path: folder.
        stored: the tables and the indices that join them.
    """

    def __init__(self, path: Path, meta: Meta, stored: Stored, lock: ReaderLock) -> None:
        """`Dataset.open` is the way in."""
        self.path = path
        self._meta = meta
        self.stored = stored
        self._lock = lock
        self._columns: dict[str, NDArray[Any]] = {}
        self._label_names: tuple[str, ...] | None = None
        self._labels: dict[str, pa.Table] = {}
        self._parts: NDArray[np.str_] | None = None

    @staticmethod
    def open(path: str | Path) -> Dataset:
        """The dataset in the folder `path`.

        Raises:
            InputError: missing, half-written, damaged, of another schema version, or without any
                attempt or candidate.
        """
        path = Path(path)
        meta = read_meta(path)
        lock = ReaderLock(path)
        try:
            stored = Stored.open(path)
            _require_ids(path, stored)
            if not len(stored.ids) and not has_candidates(path):
                raise InputError(
                    given=f"dataset {path} without any attempt",
                    wanted="a dataset with attempts or candidates",
                    exists=f"{len(meta.sessions)} sessions",
                )
        except BaseException:
            lock.release()
            raise
        return Dataset(path, meta, stored, lock)

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.stored.ids)

    def close(self) -> None:
        """Lets a writer remove the versions that were read here; reading on may then fail. Not
        closing costs only room on the disk."""
        self._lock.release()

    @property
    def spec(self) -> CellSpec:
        """The cell in which every attempt was made."""
        return self._meta.spec

    @property
    def sessions(self) -> MappingProxyType[str, Session]:
        """Sessions by the key that attempts carry."""
        return MappingProxyType(dict(self._meta.sessions))

    @property
    def split(self) -> SplitRule:
        """How attempts fall into train, validation and test; its `hash` goes into reports."""
        return self._meta.split

    @property
    def version(self) -> int:
        """Of the schema that it is stored in."""
        return self._meta.version

    @property
    def license(self) -> str:
        """Of the data; empty until its owner says."""
        return self._meta.license

    def ids(self, split: str | None = None) -> NDArray[np.object_]:
        """(N,) attempt ids as strings, in the order of their writing, of one part of the split or
        of all."""
        return self.stored.ids[self._rows(split)]

    def parts(self) -> NDArray[np.str_]:
        """(N,) the part of the split of each attempt: train, validation, test, or left_out (splits
        by object only)."""
        if self._parts is None:
            seeds = {key: session.seed for key, session in self._meta.sessions.items()}
            keys = self.column("session").tolist()
            for key in set(keys) - set(seeds):
                raise unknown_name("session of attempts", key, seeds)
            objects: dict[str, Any] = {}
            if self.split.by is SplitBy.OBJECT and OBJECT_LABEL in self.label_names:
                objects = self.label(OBJECT_LABEL)
            self._parts = assign(
                self.split,
                seeds=[seeds[key] for key in keys],
                scenes=self.column("scene").tolist(),
                groups=self.column("state_group").tolist(),
                objects=[objects.get(attempt) or None for attempt in self.stored.ids],
            )
        return self._parts

    def column(self, name: str, split: str | None = None) -> NDArray[Any]:
        """(N,) one scalar column of `attempts`, read-only, in the order of `ids(split)`.

        bool, int64 or float64 with NaN where there is none, or object holding strings with "" where
        there is none.

        Raises:
            InputError: no such column or part; the message lists them.
        """
        if name not in SCALAR_COLUMNS:
            raise unknown_name("column", name, SCALAR_COLUMNS)
        if name not in self._columns:
            found = self.stored.attempts.to_table(columns=[name])
            self._columns[name] = _as_numpy(require_values(found, "attempts")[name])
        column = self._columns[name]
        if split is not None:
            column = column[self._rows(split)]
            column.flags.writeable = False
        return column

    def attempts(
        self,
        ids: Sequence[str] | NDArray[np.object_] | None = None,
        *,
        split: str | None = None,
        views: bool = True,
        order: np.random.Generator | None = None,
        threads: int = 2,
    ) -> Iterator[Attempt]:
        """Attempts one by one, read and decoded ahead in threads; memory does not grow with their
        number.

        Args:
            ids: which, in which order; all where None.
            split: only those of this part, where `ids` is None.
            views: False leaves the pictures on the disk: observations have no views, and there is
                no present view.
            order: shuffles them; otherwise they come in the order asked for.
            threads: that read and decode; 1 is enough where something else uses the cores.

        Raises:
            InputError: an unknown id or part, before anything is read; a missing or damaged
                picture, while reading.
        """
        rows = self._rows(split) if ids is None else self.stored.rows_of(list(ids))
        if order is not None:
            rows = order.permutation(rows)
        return stream(self.stored, rows, views=views, threads=threads)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, sorted."""
        if self._label_names is None:
            found = require_values(self.stored.labels.to_table(columns=["name"]), "labels")
            self._label_names = tuple(sorted(pc.unique(found["name"]).to_pylist()))
        return self._label_names

    def label(self, name: str) -> dict[str, LabelValue]:
        """Attempt ids to the values of the label `name` of whole attempts; the latest value where
        there are several. Labels of other names are not read.

        Raises:
            InputError: there is no such label.
        """
        rows = self._labels_of(name)
        rows = rows.filter(pc.and_(rows["step"].is_null(), rows["view"].is_null()))
        return dict(zip(rows["attempt"].to_pylist(), label_values(rows), strict=True))

    def labels(self, name: str) -> tuple[Label, ...]:
        """Every label called `name`, those of single steps and views too, oldest first. Labels of
        other names are not read.

        Raises:
            InputError: there is no such label.
        """
        rows = self._labels_of(name)
        columns = [rows[column].to_pylist() for column in ("attempt", "by", "step", "view")]
        return tuple(
            Label(attempt, name, value, by, step, view)
            for value, attempt, by, step, view in zip(label_values(rows), *columns, strict=True)
        )

    @property
    def vector_names(self) -> tuple[str, ...]:
        """The names of the vectors, sorted."""
        return vector_names(self.path)

    def vectors(self, name: str) -> VectorTable:
        """The vectors called `name`, with a search for nearest neighbours.

        Raises:
            InputError: there are no such vectors.
        """
        return open_vectors(self.path, name)

    @property
    def has_candidates(self) -> bool:
        """Whether there are grasps that were never executed."""
        return has_candidates(self.path)

    def candidates(self) -> CandidateTable:
        """The grasps that were never executed.

        Raises:
            InputError: there are none.
        """
        return open_candidates(self.path)

    def _labels_of(self, name: str) -> pa.Table:
        if name not in self._labels:
            table = self.stored.labels
            columns = ["attempt", "value", "by", "step", "view"]
            rows = table.to_table(columns=columns, filter=where("name", [name]))
            require_values(rows, "labels")
            if not len(rows):
                raise unknown_name("label", name, self.label_names)
            if "numbers" in table.schema.names and rows["value"].null_count:
                rows = table.to_table(columns=[*columns, "numbers"], filter=where("name", [name]))
            # A label can precede its attempt on the disk for a moment, or for ever where its writer
            # was killed in between.
            known = pa.array(self.stored.ids, pa.string())
            self._labels[name] = rows.filter(pc.is_in(rows["attempt"], value_set=known))
        return self._labels[name]

    def _rows(self, split: str | None) -> NDArray[np.int64]:
        if split is None:
            return np.arange(len(self), dtype=np.int64)
        self.split.require_part(split)
        return np.flatnonzero(self.parts() == split)


def _require_ids(path: Path, stored: Stored) -> None:
    known = set(stored.ids.tolist())
    if None in known or len(known) < len(stored.ids):
        raise InputError(
            given=f"dataset {path} with {len(stored.ids)} attempts and {len(known - {None})} ids",
            wanted="an id for every attempt, which no other has (`selfgrasp check` says which)",
        )


def _as_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        array: NDArray[Any] = np.array(column.fill_null("").to_pylist(), dtype=object)
    else:
        array = column.to_numpy()
    array.flags.writeable = False
    return array
