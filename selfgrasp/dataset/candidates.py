"""Candidates beside the attempts: a row a depth picture, with all grasps seen in it.

Grasps that were never executed come by the million, hundreds to a picture. Depth pictures are kept
as plain 16-bit levels, so that the pictures of a random batch are read from the disk in
milliseconds and nothing is held in memory; poses, widths and labels (a hundred bytes a grasp) are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.codec import depth_from_levels, depth_levels
from selfgrasp.core import Candidates, InputError
from selfgrasp.core.arrays import checked
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.meta import table_path
from selfgrasp.dataset.split import Split
from selfgrasp.dataset.tables import append_rows, open_table, overwrite

TABLE = "candidates"
ROWS_PER_FRAGMENT = 1024
_LABEL = "label:"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_POSE = 12
"""Numbers a pose: its first three rows."""


class CandidateTable:
    """The candidates of a dataset as they were when it was opened; made by `Dataset.candidates`.

    They are in the order of session, shard and picture, whatever order they were written in.

    Attributes:
        table: the Lance dataset.
    """

    def __init__(self, table: Any) -> None:
        self.table = table
        keys = table.to_table(columns=["session", "shard", "index", "object", "count"])
        order = pc.sort_indices(
            keys, [(name, "ascending") for name in ("session", "shard", "index")]
        )
        self._order = order.to_numpy().astype(np.int64)
        self._keys = keys.take(order)
        self._counts = self._keys["count"].to_numpy().astype(np.int64)
        self._view_of = np.repeat(np.arange(len(self._counts)), self._counts)

    def __len__(self) -> int:
        return len(self._view_of)

    @property
    def pictures(self) -> int:
        """How many depth pictures there are."""
        return int((self._counts > 0).sum())

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every picture, px."""
        return _size(self.table)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, sorted."""
        return _label_names(self.table)

    @cached_property
    def objects(self) -> NDArray[np.object_]:
        """(N,) the object that each candidate is a grasp of; "" where nobody knows."""
        return np.array(self._keys["object"].to_pylist(), dtype=object)[self._view_of]

    @cached_property
    def shards(self) -> NDArray[np.object_]:
        """(N,) "session-shard" of each candidate: the unit of work that made it."""
        sessions, shards = self._keys["session"].to_pylist(), self._keys["shard"].to_pylist()
        names = [f"{session}-{shard}" for session, shard in zip(sessions, shards, strict=True)]
        return np.array(names, dtype=object)[self._view_of]

    def rows(self, split: Split, part: str) -> NDArray[np.int64]:
        """(M,) rows of one part of `split`, ascending: an object's candidates never part, nor do
        those of a shard in which nobody knows the object.

        Raises:
            InputError: no such part.
        """
        split.require_part(part)
        columns = (self._keys[name].to_pylist() for name in ("session", "shard", "object"))
        names = [
            f"object|{name}" if name else f"shard|{session}|{shard}"
            for session, shard, name in zip(*columns, strict=True)
        ]
        parts = {name: split.part_of(name) for name in set(names)}
        mine = np.array([parts[name] == part for name in names], dtype=bool)
        return np.flatnonzero(mine[self._view_of])

    def label(self, name: str) -> NDArray[np.float32]:
        """(N,) one label, NaN where a candidate has none; the others are not read.

        Raises:
            InputError: there is no such label.
        """
        if name not in self.label_names:
            raise unknown_name("label of candidates", name, self.label_names)
        return self._flat(_column(name), 1)[:, 0]

    @cached_property
    def world_from_tool(self) -> NDArray[np.float32]:
        """(N, 3, 4) the first three rows of each pose."""
        return self._flat("world_from_tool", _POSE).reshape(-1, 3, 4)

    @cached_property
    def width(self) -> NDArray[np.float32]:
        """(N,) m between the fingers on the way down."""
        return self._flat("width", 1)[:, 0]

    def read(
        self, rows: NDArray[np.int64], labels: Mapping[str, NDArray[np.float32]] | None = None
    ) -> Candidates:
        """The candidates at `rows` (K,), in that order, with their pictures, each once.

        Args:
            rows: any, in any order; of the pictures only those of these rows are read.
            labels: of all candidates, (N,) each, as `label` returns them.
        """
        views, view = np.unique(self._view_of[rows], return_inverse=True)
        stored = self._order[views]
        by_place = np.argsort(stored)
        found = self.table.take(
            stored[by_place].tolist(), columns=["depth", "intrinsics", "world_from_camera"]
        )
        back = np.argsort(by_place)
        levels, intrinsics, cameras = (
            found[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            for name in ("depth", "intrinsics", "world_from_camera")
        )
        poses = np.zeros((len(rows), 4, 4))
        poses[:, :3], poses[:, 3, 3] = self.world_from_tool[rows], 1
        return Candidates(
            depth=depth_from_levels(levels.reshape(len(views), *self.size)[back]),
            intrinsics=intrinsics.reshape(-1, 3, 3)[back],
            world_from_camera=cameras.reshape(-1, 4, 4)[back],
            objects=tuple(self._keys["object"].take(views).to_pylist()),
            view=view.astype(np.int64),
            world_from_tool=poses,
            width=self.width[rows].astype(np.float64),
            labels={name: values[rows] for name, values in (labels or {}).items()},
        )

    def _flat(self, name: str, numbers: int) -> NDArray[np.float32]:
        """(N, numbers) a column of lists, in the order of the candidates."""
        column = self.table.to_table(columns=[name])[name].combine_chunks()
        values: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False)
        counts = np.zeros(len(self._order), np.int64)
        counts[self._order] = self._counts
        starts = (np.cumsum(counts) - counts)[self._order]
        within = np.arange(len(self)) - np.repeat(
            np.cumsum(self._counts) - self._counts, self._counts
        )
        ordered: NDArray[np.float32] = values.reshape(-1, numbers)[
            np.repeat(starts, self._counts) + within
        ]
        return ordered


def has_candidates(path: Path) -> bool:
    """Whether the dataset in `path` has a table of candidates."""
    return any((table_path(path, TABLE) / "_versions").glob("*.manifest"))


def open_candidates(path: Path) -> CandidateTable:
    """The newest version of the candidates of the dataset in `path`.

    Raises:
        InputError: there are none.
    """
    if not has_candidates(path):
        raise InputError(given=f"dataset {path}", wanted="a dataset with candidates", exists="none")
    return CandidateTable(open_table(path, TABLE))


def stored_shards(path: Path, session: str) -> frozenset[int]:
    """The shards of `session` that are stored in the dataset in `path`, empty ones too."""
    if not has_candidates(path):
        return frozenset()
    keys = open_table(path, TABLE).to_table(columns=["session", "shard"])
    return frozenset(keys.filter(pc.equal(keys["session"], session))["shard"].to_pylist())


def append_candidates(path: Path, session: str, shards: Mapping[int, Candidates]) -> None:
    """Adds whole shards of `session`; they are on the disk on return, or none of them is there.

    Raises:
        InputError: pictures of another size or other labels than before.
    """
    for candidates in shards.values():
        _require_alike(path, candidates, next(iter(shards.values())))
    tables = [_as_table(session, shard, candidates) for shard, candidates in shards.items()]
    append_table(path, pa.concat_tables(tables))


def append_table(path: Path, rows: pa.Table) -> None:
    """Adds rows that are an Arrow table already."""
    if has_candidates(path):
        append_rows(open_table(path, TABLE), rows)
    else:
        overwrite(path, TABLE, rows)


def add_candidate_label(path: Path, name: str, values: NDArray[np.float32]) -> None:
    """Adds a label (N,) to the candidates of the dataset in `path`, NaN where there is none, in one
    step; nothing else is rewritten.

    Raises:
        InputError: the label exists, or there are more or fewer candidates.
    """
    candidates = open_candidates(path)
    values = checked(values, (len(candidates),), np.float32, f"label {name}", finite=False)
    if name in candidates.label_names:
        raise InputError(
            given=f"label {name!r} of candidates, which exists",
            wanted="a new name",
            exists=", ".join(candidates.label_names),
        )
    stored = np.argsort(candidates._order)
    ends = np.cumsum(candidates._counts)
    parts = [values[end - count : end] for end, count in zip(ends, candidates._counts, strict=True)]
    lists = pa.array([parts[place] for place in stored], pa.list_(pa.float32()))
    candidates.table.add_columns(pa.table({_column(name): lists}).to_reader())


def compact_candidates(path: Path, *, alone: bool) -> None:
    """Joins small fragments, and with `alone` (nobody reads) removes old versions and what killed
    processes left."""
    table = open_table(path, TABLE)
    table.optimize.compact_files(target_rows_per_fragment=ROWS_PER_FRAGMENT)
    if alone:
        table.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


def shard_rows(path: Path, without: Sequence[tuple[str, int]]) -> Iterator[pa.Table]:
    """The rows of the candidates in `path` as Arrow tables, but not those of the shards
    (session, shard) `without`."""
    left_out = pa.array([f"{session}-{shard}" for session, shard in without], pa.string())
    table = open_table(path, TABLE)
    for batch in table.to_batches(batch_size=64):
        name = pc.binary_join_element_wise(
            batch["session"], pc.cast(batch["shard"], pa.string()), "-"
        )
        mine = batch.filter(pc.invert(pc.is_in(name, value_set=left_out)))
        if len(mine):
            yield pa.Table.from_batches([mine], schema=table.schema)


def candidate_problems(path: Path, sessions: Sequence[str]) -> Iterator[str]:
    """What is wrong with the candidates of the dataset in `path`, in words."""
    table = open_table(path, TABLE)
    keys = table.to_table(columns=["session", "shard", "index", "count"])
    unknown = set(keys["session"].to_pylist()) - set(sessions)
    if unknown:
        yield f"candidates of {len(unknown)} sessions that are not described"
    twice = len(keys) - len(keys.group_by(["session", "shard", "index"]).aggregate([]))
    if twice:
        yield f"{twice} pictures of candidates occur more than once"
    for name in ("world_from_tool", "width", *map(_column, _label_names(table))):
        numbers = _POSE if name == "world_from_tool" else 1
        lengths = pc.list_value_length(table.to_table(columns=[name])[name])
        wrong = pc.sum(pc.not_equal(lengths, pc.multiply(keys["count"], numbers))).as_py()
        if wrong:
            yield f"{wrong} pictures of candidates with too few or too many values of {name}"


def _as_table(session: str, shard: int, candidates: Candidates) -> pa.Table:
    views, (height, width) = len(candidates.depth), candidates.depth.shape[1:]
    schema = _schema(height, width, sorted(candidates.labels))
    by_view = np.argsort(candidates.view, kind="stable")
    counts = np.bincount(candidates.view, minlength=views)
    # A shard without any picture leaves a row all the same: it need not be made again.
    rows = max(views, 1)
    counts = np.concatenate([counts, np.zeros(rows - views, np.int64)])

    def lists(values: NDArray[Any], numbers: int = 1) -> pa.Array:
        flat = np.asarray(values, np.float32).reshape(len(candidates), numbers)
        offsets = np.concatenate([[0], np.cumsum(counts)]) * numbers
        flat_values = pa.array(flat[by_view].ravel(), pa.float32())
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat_values)

    def fixed(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
        if not views:
            return pa.nulls(1, kind)
        return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), kind.list_size)

    columns = {
        "session": [session] * rows,
        "shard": [shard] * rows,
        "index": list(range(rows)),
        "object": [*candidates.objects, *[""] * (rows - views)],
        "count": counts,
        "depth": fixed(depth_levels(candidates.depth), schema.field("depth").type),
        "intrinsics": fixed(candidates.intrinsics, schema.field("intrinsics").type),
        "world_from_camera": fixed(
            candidates.world_from_camera, schema.field("world_from_camera").type
        ),
        "world_from_tool": lists(candidates.world_from_tool[:, :3], _POSE),
        "width": lists(candidates.width),
        **{_column(name): lists(values) for name, values in candidates.labels.items()},
    }
    return pa.table([columns[field.name] for field in schema], schema=schema)


def _schema(height: int, width: int, labels: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [
            ("session", pa.string()),
            ("shard", pa.int64()),
            ("index", pa.int64()),
            ("object", pa.string()),
            ("count", pa.int64()),
            ("depth", pa.list_(pa.uint16(), height * width)),
            ("intrinsics", pa.list_(pa.float64(), 9)),
            ("world_from_camera", pa.list_(pa.float64(), 16)),
            ("world_from_tool", pa.list_(pa.float32())),
            ("width", pa.list_(pa.float32())),
            *((_column(name), pa.list_(pa.float32())) for name in labels),
        ],
        metadata={"height": str(height), "width": str(width)},
    )


def _require_alike(path: Path, candidates: Candidates, first: Candidates) -> None:
    given = (candidates.depth.shape[1:], tuple(sorted(candidates.labels)))
    wanted = (first.depth.shape[1:], tuple(sorted(first.labels)))
    if has_candidates(path):
        table = open_table(path, TABLE)
        wanted = (_size(table), _label_names(table))
    if given != wanted:
        (height, width), names = given
        (wanted_height, wanted_width), wanted_names = wanted
        raise InputError(
            given=f"candidates in pictures of {width} x {height} px with labels "
            f"{', '.join(names) or 'none'}",
            wanted=f"{wanted_width} x {wanted_height} px and labels "
            f"{', '.join(wanted_names) or 'none'}, as the others have",
        )


def _column(label: str) -> str:
    """The column of a label: Lance takes no dots in names."""
    if not _NAME.fullmatch(label):
        raise InputError(
            given=f"{label!r} as a label of candidates", wanted="letters, digits, dots, - and _"
        )
    return _LABEL + label.replace(".", ":")


def _label_names(table: Any) -> tuple[str, ...]:
    labels = (name for name in table.schema.names if name.startswith(_LABEL))
    return tuple(sorted(name.removeprefix(_LABEL).replace(":", ".") for name in labels))


def _size(table: Any) -> tuple[int, int]:
    metadata = table.schema.metadata
    return int(metadata[b"height"]), int(metadata[b"width"])
