"""The one writer of a dataset: acknowledges attempts only once they are on the disk, and takes each
only once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from selfgrasp.codec import EncodedAttempt, session_key
from selfgrasp.common.split import SplitRule
from selfgrasp.core import Candidates, InputError, Label, Session
from selfgrasp.core.errors import unknown_name
from selfgrasp.dataset.candidate_rows import (
    append_candidates,
    append_table,
    compact_candidates,
    shard_rows,
    stored_shards,
)
from selfgrasp.dataset.candidates import has_candidates
from selfgrasp.dataset.lock import WriterLock, no_readers
from selfgrasp.dataset.meta import (
    META_FILE,
    Meta,
    other_version,
    read_meta,
    table_path,
    write_meta,
)
from selfgrasp.dataset.nearest import Metric
from selfgrasp.dataset.schema import SCHEMA_VERSION, TABLES, attempt_row, label_row, step_rows
from selfgrasp.dataset.tables import (
    AT_CLOSE,
    WHILE_WRITING,
    Tables,
    as_table,
    create_tables,
    open_table,
)
from selfgrasp.dataset.vector_rows import (
    Vectors,
    append_vectors,
    compact_vectors,
    index_vectors,
    replace_vectors,
)

MIN_FREE = 200_000_000
"""Bytes that stay free on the disk: enough to compact and to close in good order."""

_APPENDS_PER_COMPACTION = 64


class DatasetWriter:
    """Appends attempts to a dataset; a context manager. Only one can be open on a dataset at a
    time, over all processes.

    Made by `create_or_open`. A process killed at any moment loses only attempts that `append` had
    not yet returned from.
    """

    def __init__(self, path: Path, lock: WriterLock, meta: Meta) -> None:
        """Opens an existing dataset whose writer's lock is held; `create_or_open` is the way in."""
        self.path = path
        self._lock = lock
        self._meta = meta
        self._appends = 0
        self._made = False
        self._vectors: set[str] = set()
        self._shards: dict[str, set[int]] = {}
        self._load()

    @staticmethod
    def create_or_open(
        path: str | Path, session: Session, *, split: SplitRule | None = None
    ) -> DatasetWriter:
        """A writer on the dataset in `path`, made where there is none, with `session` known to it.

        Args:
            path: folder of the dataset.
            session: of the attempts to come; `session_key(session)` is what they carry.
            split: of a new dataset; an existing one keeps its own and must agree.

        Raises:
            InputError: another writer is at work, the folder holds something else, the dataset has
                another schema version, cell or split, or is damaged.
        """
        path = Path(path)
        lock = WriterLock(path)
        try:
            made = not (path / META_FILE).exists()
            if made:
                _begin(path, Meta(session.spec, {}, split or SplitRule()))
            meta = read_meta(path)
            if meta.version != SCHEMA_VERSION:
                raise other_version(path, meta.version)
            if split is not None and split.hash != meta.split.hash:
                raise InputError(
                    given=f"split {split}",
                    wanted="the split of the dataset, which never changes",
                    exists=str(meta.split),
                )
            writer = DatasetWriter(path, lock, meta)
            writer._made = made
            writer.add_session(session)
        except BaseException:
            lock.release()
            raise
        return writer

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            empty = not self._ids and not has_candidates(self.path)
            if error is not None and self._made and empty:
                # What failed before its first attempt leaves no dataset that another cell's would
                # not fit into.
                (self.path / META_FILE).unlink(missing_ok=True)
                _remove_tables(self.path)
        finally:
            # Compaction can wait: what interrupted wants an end, and a full disk would fill it too.
            if error is None:
                self.close()
            else:
                self._lock.release()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, attempt_id: object) -> bool:
        return attempt_id in self._ids

    @property
    def ids(self) -> frozenset[str]:
        """The ids of every attempt on the disk: what a resumed collection need not do again."""
        return frozenset(self._ids)

    def add_session(self, session: Session) -> str:
        """Makes `session` known and returns its key.

        Raises:
            InputError: of another cell.
        """
        key = session_key(session)
        meta = self._meta.with_sessions({key: session})
        if key not in self._meta.sessions:
            write_meta(self.path, meta)
            self._meta = meta
        return key

    def set_license(self, license: str) -> None:
        """States the licence of the data, for example "CC-BY-4.0"; `card` prints it."""
        meta = replace(self._meta, license=license)
        write_meta(self.path, meta)
        self._meta = meta

    def append(self, attempts: Sequence[EncodedAttempt]) -> int:
        """Stores those of `attempts` that are not there yet, with their labels; returns how many.
        When it returns they are on the disk.

        Raises:
            InputError: an attempt of an unknown session, or too little room on the disk; nothing is
                stored then.
        """
        if self._unsure:
            self._load()
        new = list(
            {attempt.id: attempt for attempt in attempts if attempt.id not in self._ids}.values()
        )
        for attempt in new:
            if attempt.plain["session"] not in self._meta.sessions:
                raise unknown_name("session", attempt.plain["session"], self._meta.sessions)
        pictures = {
            key: data
            for attempt in new
            for key, data in attempt.pictures.items()
            if key not in self._pictures
        }
        plains = [attempt.plain for attempt in new]
        self.append_tables(
            pictures=as_table(
                "pictures", [{"key": key, "data": data} for key, data in pictures.items()]
            ),
            steps=as_table("steps", [row for plain in plains for row in step_rows(plain)]),
            labels=as_table(
                "labels", [label_row(label) for attempt in new for label in attempt.labels]
            ),
            attempts=as_table("attempts", [attempt_row(plain) for plain in plains]),
        )
        return len(new)

    def append_tables(
        self, *, pictures: pa.Table, steps: pa.Table, labels: pa.Table, attempts: pa.Table
    ) -> None:
        """Stores rows that are already Arrow tables; the caller has left out what exists (`ids`,
        `missing_pictures`).

        Raises:
            InputError: too little room on the disk.
        """
        self._require_room()
        self._unsure = True
        self._tables.append(
            {"pictures": pictures, "steps": steps, "labels": labels, "attempts": attempts}
        )
        self._unsure = False
        self._ids.update(attempts["id"].to_pylist())
        self._pictures.update(pictures["key"].to_pylist())
        self._appends += 1
        if self._appends % _APPENDS_PER_COMPACTION == 0:
            self._tables.compact(WHILE_WRITING)

    def append_labels(self, labels: Sequence[Label]) -> None:
        """Stores labels of attempts that exist.

        Raises:
            InputError: labels of attempts that do not exist, with their number; nothing is stored
                then.
        """
        self._require_known((label.attempt for label in labels), "label")
        self._require_room()
        self._tables.append({"labels": as_table("labels", [label_row(label) for label in labels])})

    def append_vectors(self, name: str, vectors: Vectors) -> None:
        """Stores vectors of attempts that exist, behind those already called `name`. When it
        returns they are on the disk, all or none.

        Raises:
            InputError: attempts that do not exist, another dimension than before, or a name that no
                file can have.
        """
        self._require_known(vectors.attempts, "vector")
        self._require_room()
        append_vectors(self.path, name, vectors)
        self._vectors.add(name)

    def replace_vectors(self, name: str, batches: Iterable[Vectors]) -> None:
        """Stores the vectors of all `batches` in place of those called `name`, in one step: readers
        see the old ones until the last is written, and go on seeing them if one fails.

        Raises:
            InputError: as `append_vectors`, or no batches.
        """

        def known() -> Iterator[Vectors]:
            for vectors in batches:
                self._require_known(vectors.attempts, "vector")
                yield vectors

        self._require_room()
        replace_vectors(self.path, name, known())
        self._vectors.add(name)

    def index_vectors(self, name: str, metric: Metric) -> None:
        """Makes the vectors called `name` searchable by an index of `metric`; any other index of
        them goes.

        Raises:
            InputError: there are no such vectors, or too few.
        """
        index_vectors(self.path, name, metric)
        self._vectors.add(name)

    def missing_pictures(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that are not stored yet."""
        return [key for key in keys if key not in self._pictures]

    def close(self) -> None:
        """Compacts and lets another process write. Closing twice is harmless."""
        try:
            if self._appends:
                self._appends = 0
                self._tables.compact(AT_CLOSE)
            self._compact_others()
        finally:
            self._lock.release()

    def _compact_others(self) -> None:
        if not self._vectors and not self._shards:
            return
        with no_readers(self.path) as alone:
            compact_vectors(self.path, self._vectors, alone=alone)
            if self._shards and has_candidates(self.path):
                compact_candidates(self.path, alone=alone)
        self._vectors.clear()
        self._shards.clear()

    def _load(self) -> None:
        self._tables = Tables(self.path)
        self._tables.sweep()
        self._ids: set[str] = set(self._tables.column("attempts", "id"))
        self._pictures: set[str] = set(self._tables.column("pictures", "key"))
        # Between the first and the last table of an append that failed (a full disk), memory and
        # disk may differ.
        self._unsure = False

    def candidate_shards(self, session: str) -> frozenset[int]:
        """The shards of candidates of `session` that are stored: what need not be made again."""
        return stored_shards(self.path, session)

    def append_candidates(self, session: str, shards: Mapping[int, Candidates]) -> int:
        """Stores those shards of candidates that are not there yet; returns how many. When it
        returns they are on the disk, all or none.

        In whatever order and batches shards are stored, they are read in the order of their
        numbers. A shard may be empty.

        Args:
            session: key of the session whose options say how they were made.
            shards: by number.

        Raises:
            InputError: an unknown session, or candidates with other labels or pictures of another
                size than those that are there.
        """
        if session not in self._meta.sessions:
            raise unknown_name("session", session, self._meta.sessions)
        if self._shards.get(session) is None:
            self._shards[session] = {*stored_shards(self.path, session)}
        there = self._shards[session]
        new = {shard: shards[shard] for shard in sorted(shards) if shard not in there}
        if new:
            self._require_room()
            append_candidates(self.path, session, new)
            there.update(new)
        return len(new)

    def copy_candidates(self, source: Path) -> None:
        """Stores the shards of candidates of the dataset in `source` that are not there yet;
        nothing is decoded."""
        there = [
            (key, shard) for key in self._meta.sessions for shard in self.candidate_shards(key)
        ]
        for rows in shard_rows(source, there):
            self._require_room()
            append_table(self.path, rows)
        self._shards = {key: set(self.candidate_shards(key)) for key in self._meta.sessions}

    def _require_known(self, attempts: Iterable[str], what: str) -> None:
        strays = sorted(set(attempts) - self._ids)
        if strays:
            raise InputError(
                given=f"{what}s of {len(strays)} unknown attempts "
                f"({', '.join(strays[:3])}{' ...' if len(strays) > 3 else ''})",
                wanted=f"ids of attempts in the dataset; no {what} was written",
                exists=f"{len(self._ids)} attempts, for example "
                f"{', '.join(sorted(self._ids)[:3]) or 'none'}",
            )

    def _require_room(self) -> None:
        if not (self.path / META_FILE).is_file():
            # Lance would make its folders again.
            raise InputError(
                given=f"dataset {self.path}, which was removed or renamed meanwhile",
                wanted="a folder that stays where it is",
            )
        require_room(
            self.path, f"start again: it goes on after the {len(self)} attempts that are stored"
        )


def require_room(path: Path, then: str) -> None:
    """Refuse to write in the folder `path` where too little room is on its disk.

    Args:
        path: must be there.
        then: what to do once there is room, for the message.

    Raises:
        InputError: fewer than `MIN_FREE` bytes are free.
    """
    free = shutil.disk_usage(path).free
    if free < MIN_FREE:
        raise InputError(
            given=f"{free / 1e6:.0f} MB free on the disk of {path}",
            wanted=f"at least {MIN_FREE / 1e6:.0f} MB (make room and {then})",
        )


def _begin(path: Path, meta: Meta) -> None:
    """Makes an empty dataset: tables first, `dataset.json` last, so that a killed process leaves
    either none or a whole one."""
    strange = sorted(
        child.name
        for child in path.iterdir()
        if not child.name.startswith(".") and child.suffix not in (".lance", ".partial")
    )
    if strange:
        raise InputError(
            given=f"{path}, which holds something else",
            wanted="a dataset, or an empty or new folder",
            exists=", ".join(strange[:8]),
        )
    attempts = table_path(path, "attempts")
    if attempts.exists():
        try:
            rows = open_table(path, "attempts").count_rows()
        except (OSError, ValueError):
            rows = 0
        if rows:
            raise InputError(
                given=f"{path} with {rows} attempts and without {META_FILE}",
                wanted=f"the {META_FILE} that belongs to them",
            )
    try:
        _remove_tables(path)
        create_tables(path)
        write_meta(path, meta)
    except BaseException:
        _remove_tables(path)
        raise


def _remove_tables(path: Path) -> None:
    for name in TABLES:
        shutil.rmtree(table_path(path, name), ignore_errors=True)
