"""The Lance tables of a dataset under a writer: append, sweep, compact.

Fork after importing Lance hangs; processes that use this module are started with `spawn`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import lance
import pyarrow as pa
import pyarrow.compute as pc

from selfgrasp.core import InputError
from selfgrasp.dataset.checksums import (
    CHECKSUM,
    damaged_files,
    keep_files,
    newest_version,
    note_files,
    require_newest_version,
    with_checksum_column,
    with_checksums,
)
from selfgrasp.dataset.lock import no_readers
from selfgrasp.dataset.meta import table_path
from selfgrasp.dataset.schema import SCHEMAS, TABLES, require_values

# Bytes of metadata that Lance keeps of an open table. Without a bound a writer grew by 22 MB every
# 1,000 attempts; a reader looks at the same files again and again, a writer never.
_READER_CACHE, _WRITER_CACHE = 64_000_000, 1_000_000

# Struct columns that may be null need 2.1.
_STORAGE_VERSION: Literal["2.1"] = "2.1"

WHILE_WRITING = {"pictures": 128, "steps": 4096, "labels": 16384, "attempts": 4096}
AT_CLOSE = {**WHILE_WRITING, "pictures": 2048}
"""Fragments that have reached these rows are left alone, so that compaction copies each row a
bounded number of times. Pictures are most of the bytes: joining them into large fragments makes
random reads three times faster (128 rows from 600 fragments 17 ms, from 9 fragments 5 ms), but
would hold up a collection for seconds, and so waits for its end."""


def address(path: Path, name: str) -> str:
    """Of table `name` of the dataset in `path`, as Lance takes it: absolute, since the beginning of
    a relative path may read as that of a URL, as in `run:1`.

    Raises:
        InputError: a name with characters that Lance has no address for.
    """
    target = str(table_path(path.resolve(), name))
    if not target.isprintable():
        raise InputError(
            given=f"dataset {target!r}",
            wanted="a path without control characters, in UTF-8",
        )
    return target


def create_tables(path: Path) -> None:
    """Empty tables in `path`."""
    for name in TABLES:
        lance.write_dataset(
            with_checksum_column(name, SCHEMAS[name]).empty_table(),
            address(path, name),
            mode="create",
            data_storage_version=_STORAGE_VERSION,
        )


def require_regular_files(table: Path) -> None:
    """Refuse a table (its folder) that holds a link, a pipe or a device: Lance would follow it, or
    wait for it.

    Raises:
        InputError: the first of these.
    """
    entries = (entry for folder, *_ in os.walk(table) for entry in os.scandir(folder))
    strange = (
        entry.path
        for entry in entries
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
    )
    found = str(table) if table.is_symlink() else next(strange, None)
    if found is not None:
        raise InputError(
            given=f"{found}, a link, a pipe or a device", wanted="a table of regular files"
        )


def open_table(path: Path, name: str, *, cache_bytes: int = _READER_CACHE) -> Any:
    """The newest version of table `name` as a `lance.LanceDataset`, which keeps at most
    `cache_bytes` of metadata in memory.

    Raises:
        InputError: links, pipes or devices in it, or another version than was written last.
        OSError, ValueError: of Lance, which cannot read it.
    """
    require_regular_files(table_path(path, name))
    require_newest_version(table_path(path, name))
    return lance.dataset(address(path, name), metadata_cache_size_bytes=cache_bytes)


def data_files(table: Any, *, fewer_rows_than: int | None = None) -> list[Path]:
    """The files of a Lance dataset that hold its rows, of all fragments or of small ones."""
    return [
        Path(table.uri) / "data" / file.path
        for fragment in table.get_fragments()
        if fewer_rows_than is None or fragment.physical_rows < fewer_rows_than
        for file in fragment.data_files()
    ]


class Tables:
    """The four tables, open for writing by the holder of the writer's lock."""

    def __init__(self, path: Path) -> None:
        """Opens the tables in `path`."""
        self._path = path
        self._open: dict[str, Any] = {
            name: open_table(path, name, cache_bytes=_WRITER_CACHE) for name in TABLES
        }

    def column(self, table: str, name: str) -> list[Any]:
        """One column of one table, which has a value in every row.

        Raises:
            InputError: it has none in some.
        """
        return self._column(table, name).to_pylist()  # type: ignore[no-any-return]

    def _column(self, table: str, name: str) -> pa.ChunkedArray:
        return require_values(self._open[table].to_table(columns=[name]), table)[name]

    def append(self, rows: Mapping[str, pa.Table]) -> None:
        """Appends to several tables in the order of `TABLES`; each is on the disk before the next
        begins, so that `attempts` commits the rest."""
        for name in TABLES:
            table = rows.get(name)
            if table is not None and table.num_rows:
                # Tables that were made before checksums go on without.
                summed = CHECKSUM in self._open[name].schema.names
                rows_of = with_checksums(table) if summed else table
                self._open[name] = append_rows(self._open[name], rows_of)

    def sweep(self) -> int:
        """Deletes steps and labels whose attempt never came to be, left by a process that was
        killed; returns how many rows."""
        ids = self._column("attempts", "id").combine_chunks()
        swept = 0
        for name in ("steps", "labels"):
            named = pc.unique(self._column(name, "attempt"))
            strays = named.filter(pc.invert(pc.is_in(named, value_set=ids))).to_pylist()
            if strays:
                before = self._open[name].count_rows()
                self._open[name].delete(where("attempt", strays))
                swept += before - self._open[name].count_rows()
        return swept

    def compact(self, rows_per_fragment: Mapping[str, int]) -> None:
        """Joins fragments with fewer rows than given, then removes old versions and the leavings of
        killed processes, unless somebody reads. A table with a damaged file stays as it is: `check`
        finds it."""
        for name in TABLES:
            compact_files(self._open[name], rows_per_fragment[name])
        with no_readers(self._path) as alone:
            if alone:
                for name in TABLES:
                    # Unverified files belong to no version. Only the one writer makes files here,
                    # and it is idle now, so they are safe to delete.
                    self._open[name].cleanup_old_versions(
                        older_than=timedelta(0), delete_unverified=True
                    )


def compact_files(table: Any, rows_per_fragment: int) -> None:
    """Joins fragments of a Lance dataset with fewer rows than `rows_per_fragment`, unless one of
    them is damaged: the file that it became a part of would look sound."""
    root = Path(table.uri)
    small = data_files(table, fewer_rows_than=rows_per_fragment)
    if not any(damaged_files(root, small)):
        table.optimize.compact_files(target_rows_per_fragment=rows_per_fragment)
        keep_files(root, [*data_files(table), *filter(None, [newest_version(root)])])


def append_rows(table: Any, rows: Any) -> Any:
    """`table`, a Lance dataset, with `rows` (an Arrow table or a reader of batches) behind its
    own; they are on the disk on return, or none of them is there."""
    known = {fragment.fragment_id for fragment in table.get_fragments()}
    written = lance.write_dataset(rows, table, mode="append")
    _flush(written, known)
    return written


def overwrite(path: Path, name: str, rows: Any) -> Any:
    """Table `name` with `rows` (an Arrow table or a reader of batches) instead of its own, on the
    disk on return; readers that have it open keep the old ones. Made where there is none."""
    target = table_path(path, name)
    exists = any((target / "_versions").glob("*.manifest"))
    written = lance.write_dataset(
        rows,
        address(path, name),
        mode="overwrite" if exists else "create",
        data_storage_version=_STORAGE_VERSION,
    )
    _flush(written, frozenset())
    return written


def _flush(table: Any, known_fragments: Collection[int]) -> None:
    """Forces what the last write wrote to the disk: Lance itself leaves it to the operating system,
    which a power cut does not ask."""
    root = Path(table.uri)
    fresh = [
        root / "data" / file.path
        for f in table.get_fragments()
        if f.fragment_id not in known_fragments
        for file in f.data_files()
    ]
    manifest = root / "_versions" / f"{2**64 - 1 - table.version:020d}.manifest"
    note_files(root, [*fresh, manifest])
    # A table that never had a row has no folder of data.
    data = [root / "data"] if (root / "data").exists() else []
    _fsync([*fresh, *data, manifest, root / "_versions"])


def where(column: str, values: Iterable[str]) -> str:
    """A Lance filter: rows in which `column` is one of `values`."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"


def as_table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table with the schema of table `name`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMAS[name])


def _fsync(paths: Iterable[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
