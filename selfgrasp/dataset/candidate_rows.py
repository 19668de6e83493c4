"""Candidates on their way to the disk: shards as rows, rows of other datasets, and what is wrong
with rows that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.codec import depth_levels
from selfgrasp.core import Candidates, InputError
from selfgrasp.core.arrays import checked
from selfgrasp.dataset.candidates import (
    NUMBERS_A_POSE,
    TABLE,
    has_candidates,
    label_column,
    label_names_of,
    open_candidates,
    size_of,
)
from selfgrasp.dataset.tables import append_rows, compact_files, open_table, overwrite

ROWS_PER_FRAGMENT = 1024


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
    lists = pa.array(candidates.as_stored(values), pa.list_(pa.float32()))
    candidates.table.add_columns(pa.table({label_column(name): lists}).to_reader())


def compact_candidates(path: Path, *, alone: bool) -> None:
    """Joins small fragments, and with `alone` (nobody reads) removes old versions and what killed
    processes left."""
    table = open_table(path, TABLE)
    compact_files(table, ROWS_PER_FRAGMENT)
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
    lost = pc.or_kleene(pc.is_null(keys["count"]), pc.less(keys["count"], 0))
    if count := pc.sum(pc.fill_null(lost, True)).as_py():
        yield f"{count} pictures of candidates without a number of candidates"
    for name in ("depth", "intrinsics", "world_from_camera"):
        if count := table.count_rows(f"`{name}` IS NULL AND `count` > 0"):
            yield f"{count} pictures of candidates without {name}"
    for name in ("world_from_tool", "width", *map(label_column, label_names_of(table))):
        numbers = NUMBERS_A_POSE if name == "world_from_tool" else 1
        lengths = pc.list_value_length(table.to_table(columns=[name])[name])
        unlike = pc.not_equal(lengths, pc.multiply(keys["count"], numbers))
        wrong = pc.sum(pc.fill_null(unlike, True)).as_py()
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
        "world_from_tool": lists(candidates.world_from_tool[:, :3], NUMBERS_A_POSE),
        "width": lists(candidates.width),
        **{label_column(name): lists(values) for name, values in candidates.labels.items()},
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
            *((label_column(name), pa.list_(pa.float32())) for name in labels),
        ],
        metadata={"height": str(height), "width": str(width)},
    )


def _require_alike(path: Path, candidates: Candidates, first: Candidates) -> None:
    given = (candidates.depth.shape[1:], tuple(sorted(candidates.labels)))
    wanted = (first.depth.shape[1:], tuple(sorted(first.labels)))
    if has_candidates(path):
        table = open_table(path, TABLE)
        wanted = (size_of(table), label_names_of(table))
    if given != wanted:
        (height, width), names = given
        (wanted_height, wanted_width), wanted_names = wanted
        raise InputError(
            given=f"candidates in pictures of {width} x {height} px with labels "
            f"{', '.join(names) or 'none'}",
            wanted=f"{wanted_width} x {wanted_height} px and labels "
            f"{', '.join(wanted_names) or 'none'}, as the others have",
        )
