"""Candidates beside the attempts: a row a depth picture, with all grasps seen in it.

Grasps that were never executed come by the million, hundreds to a picture. Depth pictures are kept
as plain 16-bit levels, so that the pictures of a random batch are read from the disk in
milliseconds and nothing is held in memory; poses, widths and labels (60 bytes a grasp) are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.codec import depth_from_levels
from selfgrasp.common.split import SplitRule
from selfgrasp.core import Candidates, InputError
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.meta import table_path
from selfgrasp.dataset.tables import open_table

TABLE = "candidates"
_LABEL = "label:"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
NUMBERS_A_POSE = 12
"""Numbers a pose: its first three rows."""


class CandidateTable:
    """The candidates of a dataset as they were when this was made, by `Dataset.candidates`.

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
        counts = self._keys["count"]
        if counts.null_count or (len(counts) and pc.min(counts).as_py() < 0):
            raise self._damaged("count")
        self._counts = counts.to_numpy().astype(np.int64)
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
        return size_of(self.table)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, sorted."""
        return label_names_of(self.table)

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

    def rows(self, split: SplitRule, part: str) -> NDArray[np.int64]:
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

    def identities(self, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(V,) a hash of each picture with its candidates, as far as `labels` are read of them."""
        columns = (self._keys[name].to_pylist() for name in ("session", "shard", "index", "count"))
        texts = (repr((key, sorted(labels))).encode() for key in zip(*columns, strict=True))
        hashes = b"".join(hashlib.blake2b(text, digest_size=8).digest() for text in texts)
        return np.frombuffer(hashes, dtype="<i8").astype(np.int64)

    def label(self, name: str) -> NDArray[np.float32]:
        """(N,) one label, NaN where a candidate has none; the others are not read.

        Raises:
            InputError: there is no such label.
        """
        if name not in self.label_names:
            raise unknown_name("label of candidates", name, self.label_names)
        return self._flat(label_column(name), 1)[:, 0]

    @cached_property
    def world_from_tool(self) -> NDArray[np.float32]:
        """(N, 3, 4) the first three rows of each pose."""
        return self._flat("world_from_tool", NUMBERS_A_POSE).reshape(-1, 3, 4)

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
        broken = next((name for name in found.column_names if found[name].null_count), None)
        if broken is not None:
            raise self._damaged(broken)
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

    def _damaged(self, column: str) -> InputError:
        return InputError(
            given=f"{self.table.uri} with a damaged row in column {column}",
            wanted="candidates as they were written; `selfgrasp check` says more",
        )

    def as_stored(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values (N, ...) of all candidates as the table has them: those of a picture together, and
        pictures in the order of their writing."""
        parts = np.split(values, np.cumsum(self._counts)[:-1])
        return [parts[place] for place in np.argsort(self._order)]

    def _flat(self, name: str, numbers: int) -> NDArray[np.float32]:
        """(N, numbers) a column of lists, in the order of the candidates."""
        column = self.table.to_table(columns=[name])[name].combine_chunks()
        values: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False)
        counts = np.zeros(len(self._order), np.int64)
        counts[self._order] = self._counts
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        if (lengths != numbers * counts).any():
            raise self._damaged(name)
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
        raise InputError(
            given=f"dataset {path} without candidates",
            wanted="a dataset with some, as `selfgrasp candidates` makes",
        )
    return CandidateTable(open_table(path, TABLE))


def label_column(label: str) -> str:
    """The column of a label: Lance takes no dots in names."""
    if not _NAME.fullmatch(label):
        raise InputError(
            given=f"{label!r} as a label of candidates", wanted="letters, digits, dots, - and _"
        )
    return _LABEL + label.replace(".", ":")


def label_names_of(table: Any) -> tuple[str, ...]:
    """The names of the labels in a Lance table of candidates, sorted."""
    labels = (name for name in table.schema.names if name.startswith(_LABEL))
    return tuple(sorted(name.removeprefix(_LABEL).replace(":", ".") for name in labels))


def size_of(table: Any) -> tuple[int, int]:
    """(height, width) px of the pictures in a Lance table of candidates."""
    metadata = table.schema.metadata
    return int(metadata[b"height"]), int(metadata[b"width"])
