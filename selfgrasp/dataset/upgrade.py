"""From an older schema version to this one, a version at a time, on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from selfgrasp.core import InputError
from selfgrasp.dataset.check import check
from selfgrasp.dataset.lock import WriterLock
from selfgrasp.dataset.meta import META_FILE, read_raw_meta, write_json
from selfgrasp.dataset.schema import SCHEMA_VERSION

Migration = Callable[[Path], None]
"""Changes the dataset in a folder from one schema version to the next; `dataset.json`'s version is
set for it afterwards."""

MIGRATIONS: Mapping[int, Migration] = MappingProxyType({})
"""By the version they start from. Version 1 is the first, so there are none yet."""


def upgrade(path: str | Path, *, migrations: Mapping[int, Migration] = MIGRATIONS) -> int:
    """Brings the dataset in `path` to `SCHEMA_VERSION`; returns the version it had. The old one
    stays beside it as `<name>.v<version>`.

    The work is done on a copy, which takes the dataset's place only when `check` finds nothing
    wrong with it.

    Args:
        path: of the dataset.
        migrations: by the version they start from.

    Raises:
        InputError: no dataset, a newer version than this program's, no way from that version, or an
            upgraded copy that is not sound.
    """
    path = Path(path)
    raw = read_raw_meta(path)
    version = raw.get("schema")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise InputError(
            given=f"dataset {path} of schema version {version}",
            wanted=f"version {SCHEMA_VERSION} or older (a newer selfgrasp wrote this one)",
        )
    if version == SCHEMA_VERSION:
        return version
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
        _upgrade(path, version, migrations)
    finally:
        lock.release()
    return version


def _upgrade(path: Path, version: int, migrations: Mapping[int, Migration]) -> None:
    copy, old = path.with_name(path.name + ".upgrading"), path.with_name(f"{path.name}.v{version}")
    if old.exists():
        raise InputError(
            given=f"{old}, where the old dataset is to go", wanted="a name that is free"
        )
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy)
    for step in range(version, SCHEMA_VERSION):
        migrations[step](copy)
        write_json(copy / META_FILE, {**read_raw_meta(copy), "schema": step + 1})
    problems = check(copy).problems
    if problems:
        raise InputError(
            given=f"{copy}, the upgraded copy, in which {'; '.join(problems)}",
            wanted=f"a sound dataset ({path} is untouched)",
        )
    path.rename(old)
    copy.rename(path)
