"""Is a dataset whole? Every promise the format makes, tried on every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
from selfgrasp.dataset.candidates import has_candidates
from selfgrasp.dataset.lock import ReaderLock
from selfgrasp.dataset.meta import Meta, read_meta, read_raw_meta
from selfgrasp.dataset.reader import OBJECT_LABEL, Dataset
from selfgrasp.dataset.schema import TABLES, picture_keys, schemas_of
from selfgrasp.dataset.stream import Stored
from selfgrasp.dataset.tables import open_table
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
        problems = list(wrong_columns(path, meta.version))
        if problems:
            return CheckReport(tuple(problems))
        stored = Stored.open(path)
        if not len(stored.ids) and not has_candidates(path):
            return CheckReport(("no attempts",))
        return _check(Dataset(path, meta, stored, lock), meta, stored)
    except InputError as error:
        return CheckReport((str(error),))
    finally:
        lock.release()


def _check(dataset: Dataset, meta: Meta, stored: Stored) -> CheckReport:
    used, attempt_problems = _attempts(dataset, stored)
    problems = [
        *_cells(dataset, meta),
        *_ids(stored),
        *_numbers(dataset),
        *attempt_problems,
        *_pictures(stored, used),
        *_split(dataset),
        *_vectors(dataset),
        *_candidates(dataset, meta),
    ]
    parts = Counter(dataset.parts().tolist())
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


def wrong_columns(path: Path, version: int) -> Iterator[str]:
    """What tables of the dataset in `path` lack that `version` of the schema has."""
    schemas = schemas_of(version)
    for name in TABLES:
        try:
            schema = open_table(path, name).schema
        except (OSError, ValueError, RuntimeError) as error:
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
        yield f"attempts of {len(unknown)} sessions that are not described: {_some(unknown)}"


def _ids(stored: Stored) -> Iterator[str]:
    twice = sorted(name for name, count in Counter(stored.ids.tolist()).items() if count > 1)
    if twice:
        yield f"{len(twice)} attempt ids occur more than once: {_some(twice)}"


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
                f"{_some(dataset.ids()[bad].tolist())}"
            )


def _attempts(dataset: Dataset, stored: Stored) -> tuple[set[str], list[str]]:
    """Every picture key referred to, and the attempts that lack steps or pictures."""
    used: set[str] = set()
    stored_keys = set(stored.picture_keys.astype(str).tolist())
    lost_steps, lost_pictures, unreadable = [], [], []
    length = dataset.column("length")
    for start in range(0, len(dataset), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(dataset)), dtype=np.int64)
        try:
            plains = stored.plain(rows)
        except (OSError, ValueError, RuntimeError) as error:
            unreadable.append(
                f"attempts {rows[0]} to {rows[-1]} cannot be read: {first_line(error)}"
            )
            continue
        for row, plain in zip(rows, plains, strict=True):
            keys = picture_keys([plain])
            used |= keys
            if [step["index"] for step in plain["steps"]] != list(range(length[row])):
                lost_steps.append(plain["id"])
            if not keys <= stored_keys:
                lost_pictures.append(plain["id"])
    problems = list(unreadable)
    if lost_steps:
        problems.append(
            f"{len(lost_steps)} attempts whose steps are missing or repeated: {_some(lost_steps)}"
        )
    if lost_pictures:
        problems.append(
            f"{len(lost_pictures)} attempts that refer to missing pictures: {_some(lost_pictures)}"
        )
    return used, problems


def _pictures(stored: Stored, used: set[str]) -> Iterator[str]:
    """Damage shows in the key, which is a hash of the content."""
    damaged: list[str] = []
    try:
        for batch in stored.pictures.to_batches(batch_size=_CHUNK):
            for key, data in zip(batch["key"].to_pylist(), batch["data"].to_pylist(), strict=True):
                if picture_key(data) != key:
                    damaged.append(key)
    except (OSError, ValueError, RuntimeError) as error:
        yield f"table pictures cannot be read to its end: {first_line(error)}"
    if damaged:
        yield (
            f"{len(damaged)} damaged pictures ({len(used.intersection(damaged))} of them in "
            f"use): {_some(damaged)}"
        )


def _vectors(dataset: Dataset) -> Iterator[str]:
    known = pa.array(dataset.stored.ids, pa.string())
    for name in dataset.vector_names:
        try:
            table = dataset.vectors(name)
            places = table.table.to_table(columns=["attempt", "step", "view"])
            damaged = sum(int((~np.isfinite(batch)).any(axis=1).sum()) for batch in table.batches())
        except (OSError, ValueError, RuntimeError) as error:
            yield f"vectors {name} cannot be read to their end: {first_line(error)}"
            continue
        strays = pc.unique(places["attempt"]).filter(
            pc.invert(pc.is_in(pc.unique(places["attempt"]), value_set=known))
        )
        if len(strays):
            yield f"vectors {name} of {len(strays)} unknown attempts: {_some(strays.to_pylist())}"
        twice = len(places) - len(places.group_by(["attempt", "step", "view"]).aggregate([]))
        if twice:
            yield f"{twice} vectors {name} of a place that has one already"
        if damaged:
            yield f"{damaged} vectors {name} with values that are not finite"


def _candidates(dataset: Dataset, meta: Meta) -> Iterator[str]:
    if dataset.has_candidates:
        try:
            yield from candidate_problems(dataset.path, list(meta.sessions))
        except (OSError, ValueError, RuntimeError) as error:
            yield f"candidates cannot be read to their end: {first_line(error)}"


def _split(dataset: Dataset) -> Iterator[str]:
    parts = dataset.parts()
    parts_of_group: dict[str, set[str]] = {}
    for group, part in zip(dataset.column("state_group").tolist(), parts.tolist(), strict=True):
        parts_of_group.setdefault(group, set()).add(part)
    parted = sorted(group for group, found in parts_of_group.items() if len(found) > 1)
    if parted:
        yield f"{len(parted)} state groups are parted by the split: {_some(parted)}"
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
        yield f"{len(shared)} objects are on several sides of a split by object: {_some(shared)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
