"""From an older schema version to this one, a version at a time, in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from selfgrasp.core import InputError
from selfgrasp.dataset.check import wrong_columns
from selfgrasp.dataset.lock import WriterLock
from selfgrasp.dataset.meta import META_FILE, other_version, read_raw_meta, write_json
from selfgrasp.dataset.schema import SCHEMA_VERSION, TABLES, labels_of_this_version
from selfgrasp.dataset.tables import open_table, overwrite

Migration = Callable[[Path], None]
"""Changes the dataset in a folder from one schema version to the next.

It replaces each table in one step, leaves what it finds changed already, and never touches the
version in `dataset.json`: that is raised when the migration is done, and a migration that was cut
short is run again.
"""


def _lists_of_numbers(path: Path) -> None:
    """Version 1 to 2: labels that are lists of numbers get a column of their own."""
    labels = open_table(path, "labels")
    if "numbers" not in labels.schema.names:
        overwrite(path, "labels", labels_of_this_version(labels.to_table()))


MIGRATIONS: Mapping[int, Migration] = MappingProxyType({1: _lists_of_numbers})
"""By the version they start from."""


def upgrade(path: str | Path, *, migrations: Mapping[int, Migration] = MIGRATIONS) -> int:
    """Brings the dataset in `path` to `SCHEMA_VERSION`, in place; returns the version it had.

    Killed at any moment, it leaves a dataset that can be read and upgraded again. What does not
    come out as the new version's tables is taken back.

    Args:
        path: of the dataset.
        migrations: by the version they start from.

    Raises:
        InputError: no dataset, a newer version than this program's, no way from that version, a
            writer at work, or tables that do not have the new version's columns afterwards.
    """
    path = Path(path)
    version = read_raw_meta(path).get("schema")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise other_version(path, version)
    missing = [v for v in range(version, SCHEMA_VERSION) if v not in migrations]
    if missing:
        known = ", ".join(f"from {v}" for v in sorted(migrations)) or "none"
        raise InputError(
            given=f"dataset {path} of schema version {version}",
            wanted=f"a way from version {missing[0]} on",
            exists=f"migrations: {known}",
        )
    lock = WriterLock(path)
    try:
        for step in range(version, SCHEMA_VERSION):
            _migrate(path, step, migrations[step])
    finally:
        lock.release()
    return version


def _migrate(path: Path, version: int, migration: Migration) -> None:
    raw = read_raw_meta(path)
    tables = {name: open_table(path, name) for name in TABLES}
    migration(path)
    problems = list(wrong_columns(path, version + 1))
    if problems:
        for table in tables.values():
            table.restore()
        write_json(path / META_FILE, raw)
        raise InputError(
            given=f"{path}, of which the upgrade made a dataset in which {'; '.join(problems)}",
            wanted=f"the tables of version {version + 1} (the dataset is as it was)",
        )
    write_json(path / META_FILE, {**read_raw_meta(path), "schema": version + 1})
