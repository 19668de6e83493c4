"""Several datasets of one cell into a new one; nothing is decoded, and leavings stay behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfgrasp.common.files import atomic_folder
from selfgrasp.common.split import SplitRule
from selfgrasp.core import InputError
from selfgrasp.dataset.candidates import has_candidates, open_candidates
from selfgrasp.dataset.checksums import damaged_rows
from selfgrasp.dataset.meta import META_FILE, read_meta, require_same_cell
from selfgrasp.dataset.reader import Dataset
from selfgrasp.dataset.schema import SCHEMAS, labels_of_this_version, picture_keys
from selfgrasp.dataset.stream import Stored
from selfgrasp.dataset.tables import as_table
from selfgrasp.dataset.vector_rows import vectors_of
from selfgrasp.dataset.vectors import open_vectors, vector_names
from selfgrasp.dataset.writer import DatasetWriter, require_room

_CHUNK = 512


def merge(paths: Sequence[str | Path], out: str | Path, *, split: SplitRule | None = None) -> int:
    """Writes the attempts of the datasets in `paths`, with labels and sessions, to a new dataset in
    `out`; returns how many.

    An attempt that several of them hold (equal id, equal session) is written once, with the first
    one's labels and vectors; so is a shard of candidates. Indices of vectors are not copied. The
    sources stay as they are.

    Args:
        paths: of datasets of one cell.
        out: a new folder, in which there is nothing until everything is.
        split: of the new dataset; that of the first source where None.

    Raises:
        InputError: no paths, too little room on the disk, a bad source, another cell (both are
            named), one id in two sessions, different licences, vectors of one name and several
            dimensions, candidates with different labels or sizes of pictures, or `out` is not
            empty.
    """
    sources = [Path(path) for path in paths]
    if not sources:
        raise InputError(given="no datasets", wanted="at least one")
    if (Path(out) / META_FILE).exists():
        raise InputError(given=f"{out}, which holds a dataset", wanted="a new folder")
    metas = [read_meta(source) for source in sources]
    for meta in metas[1:]:
        require_same_cell(meta.spec, metas[0].spec)
    licenses = {meta.license for meta in metas}
    if len(licenses) > 1:
        raise InputError(
            given=f"licences {', '.join(sorted(repr(name) for name in licenses))}",
            wanted="datasets of one licence",
        )
    _require_distinct(sources)
    _require_equal_dimensions(sources)
    _require_equal_candidates(sources)
    sessions = {key: session for meta in metas for key, session in meta.sessions.items()}
    folder = Path(out).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    require_room(folder, "run the same command again")
    with (
        atomic_folder(Path(out)) as partial,
        DatasetWriter.create_or_open(
            partial, next(iter(sessions.values())), split=split or metas[0].split
        ) as writer,
    ):
        for session in sessions.values():
            writer.add_session(session)
        writer.set_license(licenses.pop())
        for source in sources:
            _copy(source, writer)
        merged = len(writer)
    return merged


def _require_distinct(sources: Sequence[Path]) -> None:
    session_of: dict[str, str] = {}
    for source in sources:
        with Dataset.open(source) as dataset:
            clashes = [
                name
                for name, key in zip(dataset.ids(), dataset.column("session"), strict=True)
                if session_of.setdefault(name, key) != key
            ]
        if clashes:
            raise InputError(
                given=f"{len(clashes)} attempts of {source} whose ids another source uses "
                "in another "
                f"session ({', '.join(clashes[:3])})",
                wanted="ids that are unique over all sources (collect with another seed)",
            )


def _require_equal_dimensions(sources: Sequence[Path]) -> None:
    dimension_of: dict[str, int] = {}
    for source in sources:
        for name in vector_names(source):
            dimension = open_vectors(source, name).dimension
            if dimension_of.setdefault(name, dimension) != dimension:
                raise InputError(
                    given=f"vectors {name} of {dimension} numbers in {source}",
                    wanted=f"{dimension_of[name]}, as another source has",
                )


def _require_equal_candidates(sources: Sequence[Path]) -> None:
    kinds = {}
    for source in sources:
        if has_candidates(source):
            table = open_candidates(source)
            kinds[source] = f"{table.size} px with labels {', '.join(table.label_names)}"
    if len(set(kinds.values())) > 1:
        raise InputError(
            given="; ".join(f"{source}: candidates in {kind}" for source, kind in kinds.items()),
            wanted="pictures of one size, and the same labels",
        )


def _copy(source: Path, writer: DatasetWriter) -> None:
    with Dataset.open(source) as dataset:
        stored = dataset.stored
        labels = labels_of_this_version(_sound("labels", stored.labels.to_table()))
        new = np.array(
            [row for row, name in enumerate(stored.ids) if name not in writer], dtype=np.int64
        )
        copied = pa.array(stored.ids[new], pa.string())
        for start in range(0, len(new), _CHUNK):
            rows = new[start : start + _CHUNK]
            writer.append_tables(
                pictures=_pictures(stored, rows, writer),
                steps=_steps(stored, rows),
                labels=labels.filter(
                    pc.is_in(labels["attempt"], value_set=pa.array(stored.ids[rows], pa.string()))
                ),
                attempts=_cast("attempts", stored.attempts.take(rows.tolist())),
            )
        for name in dataset.vector_names:
            for vectors in vectors_of(dataset.vectors(name), copied):
                writer.append_vectors(name, vectors)
        if dataset.has_candidates:
            writer.copy_candidates(source)


def _steps(stored: Stored, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    together = np.concatenate(
        [stored.step_rows[stored.step_starts[row] : stored.step_starts[row + 1]] for row in rows]
    )
    return (
        _cast("steps", stored.steps.take(together.tolist()))
        if len(together)
        else SCHEMAS["steps"].empty_table()
    )


def _pictures(
    stored: Stored, rows: np.ndarray[tuple[int], np.dtype[np.int64]], writer: DatasetWriter
) -> pa.Table:
    missing = set(writer.missing_pictures(picture_keys(stored.plain(rows))))
    return as_table(
        "pictures",
        [{"key": key, "data": data} for key, data in stored.all_picture_bytes(missing).items()],
    )


def _cast(name: str, table: pa.Table) -> pa.Table:
    return _sound(name, table).select(SCHEMAS[name].names).cast(SCHEMAS[name])


def _sound(name: str, table: pa.Table) -> pa.Table:
    """`table` itself.

    Raises:
        InputError: rows that are not as they were written, which would get new checksums.
    """
    damaged = damaged_rows(table)
    if len(damaged):
        raise InputError(
            given=f"{len(damaged)} damaged rows of table {name}",
            wanted="datasets that `selfgrasp check` calls sound",
        )
    return table
