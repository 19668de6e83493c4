"""Checksums that the writer stores, so that a single flipped bit is found.

Each row of attempts, steps and labels carries one over its values, which stays with the row however
files are joined. Each file of a table has one over its bytes, in `checksums.txt` beside the table's
own: pictures, vectors and candidates have no other, and unused bytes no value. So has the list of
files that makes each version of a table, which shows a table that was put back to an older one.
Rows and files of datasets that were written before have none, and are read without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from selfgrasp.common.files import atomic_write, open_to_append
from selfgrasp.common.untrusted import read_bytes
from selfgrasp.core import InputError

CHECKSUM = "checksum"
"""The column of a row's checksum, the last one of its table."""

WITH_CHECKSUMS = ("attempts", "steps", "labels")
"""Tables whose rows have one; the key of a picture is the hash of it."""

_FILE = "checksums.txt"
_VERSION = re.compile(r"\d{20}\.manifest")
"""Lance's name of the list of files of a version, which counts down from 2**64 - 1."""
_DIGITS = 32


def checksum_of(row: Mapping[str, Any]) -> int:
    """64 bits over the values of a row as Arrow gives them, without those of its `checksum`."""
    values = {name: value for name, value in row.items() if name != CHECKSUM}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def with_checksum_column(name: str, schema: pa.Schema) -> pa.Schema:
    """The schema of table `name` with a checksum for each row."""
    return schema.append(pa.field(CHECKSUM, pa.int64())) if name in WITH_CHECKSUMS else schema


def with_checksums(table: pa.Table) -> pa.Table:
    """Rows with their checksums."""
    sums = [checksum_of(row) for row in table.to_pylist()]
    return table.append_column(CHECKSUM, pa.array(sums, pa.int64()))


def damaged_rows(rows: pa.Table | pa.RecordBatch) -> NDArray[np.int64]:
    """The places of rows that are not as they were written; none where rows have no checksum."""
    if CHECKSUM not in rows.schema.names:
        return np.zeros(0, np.int64)
    wrong = [checksum_of(row) != row[CHECKSUM] for row in rows.to_pylist()]
    return np.flatnonzero(wrong)


def note_files(table: Path, files: Iterable[Path]) -> None:
    """Adds the checksums of `files` to those of the `table` (its folder). Not forced to the
    disk: a file without a line is one that nothing is known of."""
    lines = "".join(f"{_digest(file)} {file.name}\n" for file in files)
    if lines:
        with open_to_append(table / _FILE) as noted:
            noted.write(lines)


def keep_files(table: Path, files: Iterable[Path]) -> None:
    """Makes `files` the only ones that checksums are kept of; those of new ones are computed."""
    known = _noted(table)
    lines = [f"{known.get(file.name) or _digest(file)} {file.name}\n" for file in files]
    with atomic_write(table / _FILE) as partial:
        partial.write_text("".join(lines))


def newest_version(table: Path) -> Path | None:
    """The list of files of the newest version of `table`."""
    found = (p for p in (table / "_versions").glob("*.manifest") if _VERSION.fullmatch(p.name))
    return min(found, default=None)


def require_newest_version(table: Path) -> None:
    """Refuse a `table` (its folder) whose newest version is not the one that was written last.

    Raises:
        InputError: it is an older one, or its list of files is damaged.
    """
    # Read first: a writer makes a version before it notes it.
    known = _noted(table)
    noted = min(filter(_VERSION.fullmatch, known), default="")
    newest = newest_version(table)
    if newest is None:
        # Lance says that there is no table.
        return
    if noted and noted < newest.name:
        raise InputError(
            given=f"{table}, whose newest version is gone: rows that were written are missing",
            wanted="the table as it was written, all of its files",
        )
    if newest.name in known and _digest(newest) != known[newest.name]:
        raise InputError(given=f"{newest}, which is damaged", wanted="the file as it was written")


def damaged_files(table: Path, files: Iterable[Path]) -> Iterator[Path]:
    """Those of the data `files` of `table` that are not as they were written."""
    known = _noted(table)
    for file in files:
        if file.name in known and (not file.is_file() or _digest(file) != known[file.name]):
            yield file


def _noted(table: Path) -> dict[str, str]:
    """Checksums by the name of a file. A killed writer may leave half a line."""
    known = {}
    with contextlib.suppress(InputError):
        for line in read_bytes(table / _FILE).decode(errors="replace").splitlines():
            digest, space, name = line.partition(" ")
            if space and len(digest) == _DIGITS and name:
                known[name] = digest
    return known


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(
            opened, lambda: hashlib.blake2b(digest_size=_DIGITS // 2)
        ).hexdigest()
