"""From rows on the disk to attempts in memory: joins the tables a chunk at a time and decodes ahead
in threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfgrasp.codec import decode_attempt
from selfgrasp.common.imap import imap_ordered
from selfgrasp.core import Attempt, InputError
from selfgrasp.core.errors import first_line
from selfgrasp.dataset.checksums import CHECKSUM, checksum_of
from selfgrasp.dataset.schema import attempt_plain, picture_keys
from selfgrasp.dataset.tables import open_table

_CHUNK = 32


@dataclass(frozen=True, eq=False)
class Stored:
    """One version of the four tables and the indices that join them.

    Attributes:
        attempts, steps, pictures, labels: Lance datasets.
        ids: (N,) attempt ids as str objects.
        step_rows: (S,) int64 rows of `steps`, by attempt and then by index.
        step_starts: (N + 1,) int64; steps of attempt i are step_rows[step_starts[i] : step_starts[i
            + 1]].
        picture_keys: (P,) sorted keys as bytes.
        picture_rows: (P,) int64 rows of `pictures` in that order.
    """

    attempts: Any
    steps: Any
    pictures: Any
    labels: Any
    ids: NDArray[np.object_]
    step_rows: NDArray[np.int64]
    step_starts: NDArray[np.int64]
    picture_keys: NDArray[np.bytes_]
    picture_rows: NDArray[np.int64]

    @staticmethod
    def open(path: Path) -> Stored:
        """The newest version of the dataset in `path`.

        Raises:
            InputError: a table cannot be read.
        """
        try:
            return _opened(path)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            raise InputError(
                given=f"dataset {path} with a damaged table: {first_line(error)}",
                wanted="tables as they were written",
            ) from error

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """(N,) rows of attempts by id.

        Raises:
            InputError: unknown ids, with their number.
        """
        found = pc.index_in(
            pa.array(list(ids), pa.string()), value_set=pa.array(self.ids, pa.string())
        )
        rows: NDArray[np.int64] = pc.fill_null(found, -1).to_numpy().astype(np.int64)
        if (rows < 0).any():
            unknown = [name for name, row in zip(ids, rows, strict=True) if row < 0]
            raise InputError(
                given=f"{len(unknown)} unknown attempt ids ({', '.join(unknown[:3])})",
                wanted="ids of attempts in the dataset",
                exists=f"{len(self.ids)} attempts, for example {', '.join(self.ids[:3])}",
            )
        return rows

    def plain(self, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The plain values of the attempts in `rows`, in that order.

        Raises:
            InputError: values that are not as they were written, or that make no attempt, or steps
                that are missing or repeated.
        """
        plains = []
        for row, steps in zip(*self.rows(rows), strict=True):
            for one in (row, *steps):
                if CHECKSUM in one and one[CHECKSUM] != checksum_of(one):
                    raise InputError(
                        given=f"attempt {row['id']}, whose values are damaged",
                        wanted="values as they were written (`selfgrasp check` says which are not)",
                    )
            if (found := [step["index"] for step in steps]) != list(range(row["length"] or 0)):
                raise InputError(
                    given=f"attempt {row['id']} with the steps {found[:8]}",
                    wanted=f"each of its {row['length']} steps once",
                )
            plains.append(attempt_plain(row, steps))
        return plains

    def rows(
        self, rows: NDArray[np.int64]
    ) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
        """Rows of `attempts`, and the rows of the steps of each, as they are on the disk."""
        found = self.attempts.take(rows.tolist()).to_pylist()
        wanted = [self.step_rows[self.step_starts[row] : self.step_starts[row + 1]] for row in rows]
        together = np.concatenate(wanted) if wanted else np.zeros(0, np.int64)
        steps = iter(self.steps.take(together.tolist()).to_pylist()) if len(together) else iter(())
        return found, [[next(steps) for _ in mine] for mine in wanted]

    def all_picture_bytes(self, keys: set[str]) -> dict[str, bytes]:
        """The pictures called `keys`.

        Raises:
            InputError: some are missing.
        """
        found = self.picture_bytes(keys)
        if missing := sorted(keys - set(found)):
            raise InputError(
                given=f"{len(missing)} pictures that are missing ({', '.join(missing[:3])})",
                wanted="every picture an attempt refers to (`selfgrasp check` says which ones)",
            )
        return found

    @property
    def stray_steps(self) -> NDArray[np.int64]:
        """Rows of `steps` of no attempt that stand before those of one.

        Behind all others a killed writer leaves some, which the next one removes: it writes the
        steps of an attempt before the attempt. Of these the attempt was there, and is missing.
        """
        first = self.step_starts[0]
        none, last_known = self.step_rows[:first], self.step_rows[first:].max(initial=-1)
        strays: NDArray[np.int64] = none[none < last_known]
        return strays

    def picture_bytes(self, keys: set[str]) -> dict[str, bytes]:
        """The pictures called `keys`, without those that are missing."""
        asked = np.array(sorted(keys), dtype="S32")
        if not len(asked) or not len(self.picture_keys):
            return {}
        place = np.searchsorted(self.picture_keys, asked)
        place[place == len(self.picture_keys)] = 0
        rows = np.sort(self.picture_rows[place[self.picture_keys[place] == asked]])
        table = self.pictures.take(rows.tolist())
        found = zip(table["key"].to_pylist(), table["data"].to_pylist(), strict=True)
        return {key: data for key, data in found if data is not None}


def _opened(path: Path) -> Stored:
    # Opposite to the order of writing: whatever an attempt refers to was on the disk before it, so
    # tables opened later hold it.
    attempts, labels, steps, pictures = (
        open_table(path, name) for name in ("attempts", "labels", "steps", "pictures")
    )
    ids = attempts.to_table(columns=["id"])["id"]
    of_step = steps.to_table(columns=["attempt", "index"])
    keys = pictures.to_table(columns=["key"])["key"]
    owner = (
        pc.fill_null(pc.index_in(of_step["attempt"], value_set=ids), -1).to_numpy().astype(np.int64)
    )
    order = np.lexsort((of_step["index"].to_numpy(), owner))
    sorted_keys = np.array(keys.to_pylist(), dtype="S32")
    by_key = np.argsort(sorted_keys, kind="stable")
    return Stored(
        attempts=attempts,
        steps=steps,
        pictures=pictures,
        labels=labels,
        ids=np.array(ids.to_pylist(), dtype=object),
        step_rows=order.astype(np.int64),
        step_starts=np.searchsorted(owner[order], np.arange(len(ids) + 1)).astype(np.int64),
        picture_keys=sorted_keys[by_key],
        picture_rows=by_key.astype(np.int64),
    )


def stream(
    stored: Stored, rows: NDArray[np.int64], *, views: bool, threads: int
) -> Iterator[Attempt]:
    """The attempts in `rows`, in that order; `threads` of them work ahead by about one chunk each.

    Raises:
        InputError: fewer than one thread; a missing or damaged picture, while iterating.
    """
    if threads < 1:
        raise InputError(given=f"{threads} threads", wanted="at least 1")
    chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
    return _stream(stored, chunks, views, threads)


def _stream(
    stored: Stored, chunks: list[NDArray[np.int64]], views: bool, threads: int
) -> Iterator[Attempt]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        for attempts in imap_ordered(
            pool, partial(_decoded, stored, views=views), chunks, most=threads
        ):
            yield from attempts
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _decoded(stored: Stored, rows: NDArray[np.int64], *, views: bool) -> list[Attempt]:
    try:
        plains = stored.plain(rows)
        pictures = stored.picture_bytes(picture_keys(plains)) if views else None
    except (OSError, ValueError, RuntimeError, TypeError, LookupError) as error:
        raise InputError(
            given=f"attempts that cannot be read: {first_line(error)}",
            wanted="tables as they were written",
        ) from error
    attempts = []
    for plain in plains:
        try:
            attempts.append(decode_attempt(plain, pictures))
        except InputError as error:
            raise InputError(
                given=f"attempt {plain['id']}: {error.given}",
                wanted=error.wanted,
                exists=error.exists,
            ) from error
    return attempts
