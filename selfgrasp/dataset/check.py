"""Is a dataset whole? Every promise the format makes, tried on every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfgrasp.codec import picture_key
from selfgrasp.common.split import LEFT_OUT, SplitBy
from selfgrasp.core import InputError
from selfgrasp.core.errors import first_line
from selfgrasp.dataset.candidate_rows import candidate_problems
from selfgrasp.dataset.candidates import TABLE as CANDIDATES
from selfgrasp.dataset.candidates import has_candidates
from selfgrasp.dataset.check_attempts import DAMAGE, attempt_problems, some
from selfgrasp.dataset.check_labels import label_problems
from selfgrasp.dataset.checksums import damaged_files
from selfgrasp.dataset.lock import ReaderLock
from selfgrasp.dataset.meta import VECTORS, Meta, read_meta, read_raw_meta, table_path
from selfgrasp.dataset.reader import OBJECT_LABEL, Dataset
from selfgrasp.dataset.schema import TABLES, schemas_of
from selfgrasp.dataset.stream import Stored
from selfgrasp.dataset.tables import data_files, open_table
from selfgrasp.dataset.vectors import vector_names

_CHUNK = 512
_OF_OUTCOME = ("width", "force", "changed")
_OF_ACTION = ("x", "y", "z", "score", "probability")


@dataclass(frozen=True)
class CheckReport:
    """What `check` found.

    Attributes:
        problems: in words, worst first by table; empty for a sound dataset.
        attempts, steps, labels, pictures: numbers of rows.
        vectors: number of vectors of all names.
        candidates: number of grasps that were never executed.
        unused_pictures: pictures no attempt refers to: harmless leavings of a killed writer, which
            `merge` leaves behind.
        split_counts: attempts in each part of the split.
    """

    problems: tuple[str, ...]
    attempts: int = 0
    steps: int = 0
    labels: int = 0
    pictures: int = 0
    vectors: int = 0
    candidates: int = 0
    unused_pictures: int = 0
    split_counts: tuple[tuple[str, int], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def check(path: str | Path) -> CheckReport:
    """Reads the whole dataset in `path` once, pictures included, and reports what is wrong with it.

    Raises:
        InputError: there is no dataset in `path` at all.
    """
    path = Path(path)
    read_raw_meta(path)
    lock = ReaderLock(path)
    try:
        meta = read_meta(path)
        problems = list(wrong_columns(path, meta.version)) or list(_damaged_files(path))
        if problems:
            return CheckReport(tuple(problems))
        stored = Stored.open(path)
        if not len(stored.ids) and not has_candidates(path):
            return CheckReport(("no attempts",))
        return _check(Dataset(path, meta, stored, lock), meta, stored)
    except InputError as error:
        return CheckReport((str(error),))
    except BaseException as error:
        # A panic of Rust is no Exception.
        if type(error).__module__ != "pyo3_runtime":
            raise
        return CheckReport((f"tables cannot be read: {first_line(error)}",))
    finally:
        lock.release()


def _check(dataset: Dataset, meta: Meta, stored: Stored) -> CheckReport:
    used, of_attempts = attempt_problems(stored)
    problems = [
        *_guarded("sessions", lambda: _cells(dataset, meta)),
        *_ids(stored),
        *_guarded("fragments", lambda: _deleted(stored)),
        *_guarded("columns of attempts", lambda: _numbers(dataset)),
        *of_attempts,
        *_guarded("labels", lambda: label_problems(stored, _lengths(dataset))),
        *_guarded("pictures", lambda: _pictures(stored, used)),
        *_guarded("parts of the split", lambda: _split(dataset)),
        *_vectors(dataset),
        *_candidates(dataset, meta),
    ]
    parts: Counter[str] = Counter()
    if not problems:
        parts.update(dataset.parts().tolist())
    return CheckReport(
        problems=tuple(problems),
        attempts=len(dataset),
        steps=stored.steps.count_rows(),
        labels=stored.labels.count_rows(),
        pictures=len(stored.picture_keys),
        vectors=sum(len(dataset.vectors(name)) for name in vector_names(dataset.path)),
        candidates=len(dataset.candidates()) if dataset.has_candidates else 0,
        unused_pictures=len(set(stored.picture_keys.astype(str).tolist()) - used),
        split_counts=tuple(sorted(parts.items())),
    )


def _guarded(what: str, find: Callable[[], Iterable[str]]) -> list[str]:
    """What `find` finds; where it ends by damage, that is the problem."""
    try:
        return list(find())
    except DAMAGE as error:
        return [f"{what} cannot be read: {first_line(error)}"]


def _lengths(dataset: Dataset) -> dict[str, int]:
    return dict(zip(dataset.ids().tolist(), dataset.column("length").tolist(), strict=True))


def _damaged_files(path: Path) -> Iterator[str]:
    """Tables with files that are not, byte by byte, as they were written."""
    others = (f"{VECTORS}/{name}" for name in vector_names(path))
    for name in (*TABLES, *others, *([CANDIDATES] if has_candidates(path) else [])):
        try:
            table = open_table(path, name)
            damaged = list(damaged_files(table_path(path, name), data_files(table)))
        except DAMAGE as error:
            yield f"table {name} cannot be opened: {first_line(error)}"
            continue
        if damaged:
            yield (
                f"{len(damaged)} files of table {name} are not as they were written: "
                f"{some([file.name for file in damaged])}"
            )


def wrong_columns(path: Path, version: int) -> Iterator[str]:
    """What tables of the dataset in `path` lack that `version` of the schema has."""
    schemas = schemas_of(version)
    for name in TABLES:
        try:
            schema = open_table(path, name).schema
        except DAMAGE as error:
            yield f"table {name} cannot be opened: {first_line(error)}"
            continue
        wanted = schemas[name]
        missing = [field.name for field in wanted if field.name not in schema.names]
        retyped = [
            field.name
            for field in wanted
            if field.name in schema.names and schema.field(field.name).type != field.type
        ]
        if missing or retyped:
            yield (
                f"table {name} has another schema: missing {', '.join(missing) or 'none'}; of "
                f"another type {', '.join(retyped) or 'none'}"
            )


def _cells(dataset: Dataset, meta: Meta) -> Iterator[str]:
    prints = {session.spec.fingerprint for session in meta.sessions.values()} | {
        meta.spec.fingerprint
    }
    if len(prints) > 1:
        yield f"{len(prints)} cells are mixed: {', '.join(sorted(prints))}"
    unknown = sorted(set(dataset.column("session").tolist()) - set(meta.sessions))
    if unknown:
        yield f"attempts of {len(unknown)} sessions that are not described: {some(unknown)}"


def _deleted(stored: Stored) -> Iterator[str]:
    """Rows that somebody else deleted: selfgrasp deletes no attempt and no picture."""
    for name, table in (("attempts", stored.attempts), ("pictures", stored.pictures)):
        if deleted := sum(fragment.num_deletions for fragment in table.get_fragments()):
            yield f"{deleted} rows of table {name} were deleted"
    if len(strays := stored.stray_steps):
        rows = stored.steps.take(strays.tolist(), columns=["attempt"])
        lost = pc.unique(rows["attempt"]).to_pylist()
        yield f"{len(lost)} attempts are missing, of which there are steps: {some(lost)}"


def _ids(stored: Stored) -> Iterator[str]:
    twice = sorted(name for name, count in Counter(stored.ids.tolist()).items() if count > 1)
    if twice:
        yield f"{len(twice)} attempt ids occur more than once: {some(twice)}"


def _numbers(dataset: Dataset) -> Iterator[str]:
    always = np.ones(len(dataset), dtype=bool)
    acted = dataset.column("length") > 0
    expected_of = {
        **dict.fromkeys(_OF_OUTCOME, always),
        **dict.fromkeys(_OF_ACTION, acted),
        "yaw": acted & (dataset.column("kind") != "release"),
    }
    for name, expected in expected_of.items():
        bad = np.flatnonzero(expected & ~np.isfinite(dataset.column(name)))
        if len(bad):
            yield (
                f"{len(bad)} attempts whose {name} is not a finite number: "
                f"{some(dataset.ids()[bad].tolist())}"
            )


def _pictures(stored: Stored, used: set[str]) -> Iterator[str]:
    """Damage shows in the key, which is a hash of the content."""
    damaged: list[str] = []
    try:
        for batch in stored.pictures.to_batches(batch_size=_CHUNK):
            for key, data in zip(batch["key"].to_pylist(), batch["data"].to_pylist(), strict=True):
                if picture_key(data) != key:
                    damaged.append(key)
    except DAMAGE as error:
        yield f"table pictures cannot be read to its end: {first_line(error)}"
    if damaged:
        yield (
            f"{len(damaged)} damaged pictures ({len(used.intersection(damaged))} of them in "
            f"use): {some(damaged)}"
        )


def _vectors(dataset: Dataset) -> Iterator[str]:
    known = pa.array(dataset.stored.ids, pa.string())
    for name in dataset.vector_names:
        try:
            table = dataset.vectors(name)
            places = table.table.to_table(columns=["attempt", "step", "view"])
            damaged = sum(int((~np.isfinite(batch)).any(axis=1).sum()) for batch in table.batches())
        except DAMAGE as error:
            yield f"vectors {name} cannot be read to their end: {first_line(error)}"
            continue
        strays = pc.unique(places["attempt"]).filter(
            pc.invert(pc.is_in(pc.unique(places["attempt"]), value_set=known))
        )
        if len(strays):
            yield f"vectors {name} of {len(strays)} unknown attempts: {some(strays.to_pylist())}"
        twice = len(places) - len(places.group_by(["attempt", "step", "view"]).aggregate([]))
        if twice:
            yield f"{twice} vectors {name} of a place that has one already"
        if damaged:
            yield f"{damaged} vectors {name} with values that are not finite"


def _candidates(dataset: Dataset, meta: Meta) -> Iterator[str]:
    if dataset.has_candidates:
        try:
            yield from candidate_problems(dataset.path, list(meta.sessions))
        except DAMAGE as error:
            yield f"candidates cannot be read to their end: {first_line(error)}"


def _split(dataset: Dataset) -> Iterator[str]:
    parts = dataset.parts()
    parts_of_group: dict[str, set[str]] = {}
    for group, part in zip(dataset.column("state_group").tolist(), parts.tolist(), strict=True):
        parts_of_group.setdefault(group, set()).add(part)
    parted = sorted(group for group, found in parts_of_group.items() if len(found) > 1)
    if parted:
        yield f"{len(parted)} state groups are parted by the split: {some(parted)}"
    if dataset.split.by is SplitBy.OBJECT and OBJECT_LABEL in dataset.label_names:
        yield from _shared_objects(
            dataset, dict(zip(dataset.ids().tolist(), parts.tolist(), strict=True))
        )


def _shared_objects(dataset: Dataset, part_of: dict[str, str]) -> Iterator[str]:
    parts_of_object: dict[Any, set[str]] = {}
    for attempt, value in dataset.label(OBJECT_LABEL).items():
        if part_of[attempt] != LEFT_OUT:
            parts_of_object.setdefault(value, set()).add(part_of[attempt])
    shared = sorted(str(value) for value, found in parts_of_object.items() if len(found) > 1)
    if shared:
        yield f"{len(shared)} objects are on several sides of a split by object: {some(shared)}"
