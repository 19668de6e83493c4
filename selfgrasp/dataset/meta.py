"""`dataset.json`: schema version, cell, sessions and split of a dataset; written last when a
dataset is made, and always replaced whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfgrasp.codec import session_from_plain, session_key, session_to_plain
from selfgrasp.common.files import atomic_write
from selfgrasp.common.split import SplitRule
from selfgrasp.common.untrusted import read_json
from selfgrasp.core import CellSpec, InputError, Session
from selfgrasp.core.errors import first_line
from selfgrasp.dataset.schema import READABLE_VERSIONS, SCHEMA_VERSION, TABLES

META_FILE = "dataset.json"
VECTORS = "vectors"
"""The folder of the tables of vectors."""
_OTHER_SPLIT = "; `selfgrasp.dataset.merge` makes a dataset with another split of an unchanged one"


@dataclass(frozen=True, eq=False)
class Meta:
    """What `dataset.json` holds.

    Attributes:
        spec: the cell; every session has the same.
        sessions: by the key that attempts carry.
        split: how attempts fall into train, validation and test.
        license: of the data; empty until its owner says.
        version: of the schema, one of `READABLE_VERSIONS`.
    """

    spec: CellSpec
    sessions: Mapping[str, Session]
    split: SplitRule
    license: str = ""
    version: int = SCHEMA_VERSION

    def with_sessions(self, sessions: Mapping[str, Session]) -> Meta:
        """The same with more sessions.

        Raises:
            InputError: a session of another cell.
        """
        for session in sessions.values():
            require_same_cell(session.spec, self.spec)
        return replace(self, sessions={**self.sessions, **sessions})


def require_same_cell(given: CellSpec, exists: CellSpec) -> None:
    """Raises an `InputError` that names both cells where they differ."""
    if given.fingerprint != exists.fingerprint:
        old, new = exists.to_json(), given.to_json()
        differs = ", ".join(key for key in old if old[key] != new[key])
        raise InputError(
            given=f"cell {given.name!r} ({given.fingerprint})",
            wanted="the cell of the dataset, since attempts of two cells do not mix",
            exists=f"cell {exists.name!r} ({exists.fingerprint}); they differ in {differs}",
        )


def require_only_session(path: Path, session: Session) -> None:
    """For work that goes on only where it was begun: the dataset in `path`, where there is one, has
    no other session than `session`.

    Raises:
        InputError: it has; the message says what differs.
    """
    wanted = session_to_plain(session)
    for other in read_meta(path).sessions.values() if (path / META_FILE).exists() else ():
        kept = session_to_plain(other)
        differs = [name for name in wanted if kept[name] != wanted[name]]
        if differs:
            raise InputError(
                given=", ".join(f"{name} = {wanted[name]}" for name in differs),
                wanted=f"a folder for this collection alone; delete {path} or choose another",
                exists=", ".join(f"{name} = {kept[name]}" for name in differs),
            )


def write_meta(path: Path, meta: Meta) -> None:
    """Replaces `dataset.json` in one step, so that a killed process leaves the old one or the new
    one."""
    write_json(
        path / META_FILE,
        {
            "schema": meta.version,
            "cell": meta.spec.to_json(),
            "cell_fingerprint": meta.spec.fingerprint,
            "sessions": {key: session_to_plain(session) for key, session in meta.sessions.items()},
            "split": meta.split.to_json(),
            "split_hash": meta.split.hash,
            "license": meta.license,
        },
    )


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes JSON to the disk itself, then renames it over `path`."""
    with atomic_write(path) as partial, partial.open("w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read_meta(path: Path) -> Meta:
    """What `dataset.json` in `path` says; every reader and writer of a dataset begins here.

    Raises:
        InputError: no such folder, no or half a dataset in it, a damaged file, a cell, session or
            split that is not the one whose hash stands beside it, or a schema version that this
            program cannot read.
    """
    data = read_raw_meta(path)
    version = data.get("schema")
    if type(version) is not int or version not in READABLE_VERSIONS:
        raise other_version(path, version)
    missing = [name for name in TABLES if not table_path(path, name).is_dir()]
    if missing:
        raise InputError(
            given=f"dataset {path} without its tables {', '.join(missing)}",
            wanted=f"all of {', '.join(TABLES)}",
            exists=", ".join(name for name in TABLES if name not in missing) or "none",
        )
    try:
        meta = Meta(
            spec=CellSpec.from_json(data["cell"]),
            sessions={key: session_from_plain(plain) for key, plain in data["sessions"].items()},
            split=SplitRule.from_json(data["split"]),
            license=data["license"],
            version=version,
        )
        if not isinstance(meta.license, str):
            raise TypeError("license is no text")
        hashes = [
            ("cell", meta.spec.fingerprint, data["cell_fingerprint"]),
            ("split", meta.split.hash, data["split_hash"]),
            *((f"session {k}", session_key(session), k) for k, session in meta.sessions.items()),
        ]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            given=f"{path / META_FILE} with a wrong or missing field: {first_line(error)}",
            wanted="the fields that selfgrasp writes",
        ) from error
    for what, hashed, stored in hashes:
        if hashed != stored:
            raise InputError(
                given=f"{path / META_FILE}, in which the {what} was changed: its hash is {hashed}, "
                f"not {stored}",
                wanted="what was written when the attempts were made"
                + (_OTHER_SPLIT if what == "split" else ""),
            )
    return meta


def read_raw_meta(path: Path) -> dict[str, Any]:
    """The JSON of `dataset.json`, of any schema version.

    Raises:
        InputError: no such folder, no dataset or half a dataset in it, or a damaged file.
    """
    if not path.is_dir():
        beside = (
            sorted(child.parent.name for child in path.parent.glob(f"*/{META_FILE}"))
            if path.parent.is_dir()
            else []
        )
        raise InputError(
            given=f"dataset {path}, which is not a folder",
            wanted="the folder of a dataset",
            exists=", ".join(beside) or f"none in {path.parent}",
        )
    if not (path / META_FILE).is_file():
        inside = sorted(child.name for child in path.iterdir() if not child.name.startswith("."))
        half = any(table_path(path, name).is_dir() for name in TABLES)
        raise InputError(
            given=f"{path} without {META_FILE}"
            + (
                ", a half-written dataset: its making was cut short before any attempt"
                if half
                else ""
            ),
            wanted="a dataset"
            + (" (start the collection again, it begins anew here)" if half else ""),
            exists=", ".join(inside[:8]) or "an empty folder",
        )
    data = read_json(path / META_FILE)
    if not isinstance(data, dict):
        raise InputError(
            given=f"{path / META_FILE} holding {type(data).__name__}", wanted="a JSON object"
        )
    return data


def table_path(path: Path, name: str) -> Path:
    """Where table `name` lies."""
    return path / f"{name}.lance"


def other_version(path: Path, version: object) -> InputError:
    """The error of a dataset in `path` whose schema has another version than it must have."""
    older = isinstance(version, int) and version < SCHEMA_VERSION
    return InputError(
        given=f"dataset {path} of schema version {version}",
        wanted=f"schema version {SCHEMA_VERSION} "
        + (
            f"(`selfgrasp upgrade {path}` brings an older one up)"
            if older
            else "or older (a newer selfgrasp wrote this one)"
        ),
    )
