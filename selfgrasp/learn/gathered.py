"""Examples of a method from datasets on disk, gathered by several processes.

They are kept beside the dataset in chunks of attempts: an append costs work for what is new.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from selfgrasp.common.files import atomic_write
from selfgrasp.common.outside import say_once
from selfgrasp.common.processes import processes
from selfgrasp.common.progress import Progress
from selfgrasp.common.split import Split
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset
from selfgrasp.learn.digest import digest_of
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Method
from selfgrasp.learn.source import (
    DataIdentity,
    DatasetSource,
    DeclaredSource,
    fingerprint_of,
)

CHUNK = 1000
"""Attempts of a dataset whose examples are gathered at once and kept in one file."""
_VALIDATION_SHARE = 1 / 8
"""Of validation to training attempts in a dataset's usual split."""
_WEIGHTS, _CONTENT, _DIGEST = "weights", "content", "digest"


@dataclass(frozen=True, eq=False)
class Data:
    """What `train` learns from.

    Attributes:
        train, validation: the examples of both parts.
        identity: of the attempts that they were made of.
    """

    train: Examples
    validation: Examples
    identity: DataIdentity


@dataclass(frozen=True, eq=False)
class Gathered:
    """The examples of one part of a dataset, on the disk.

    Attributes:
        files: one a chunk of attempts, in the order of their writing.
        identities: (N,) of the attempts, see `Source.identities`, and of the candidates that have
            labels which the method declares.
    """

    files: tuple[Path, ...]
    identities: NDArray[np.int64]


def data_of(
    method: Method,
    folders: Sequence[Path],
    *,
    first: int | None = None,
    workers: int = 2,
    chunk: int = CHUNK,
) -> Data:
    """Both parts of several datasets as one.

    Args:
        method: what learns from them.
        folders: of the datasets.
        first: use only so many training examples, the first ones, and an eighth as many for
            validation; None for all.
        workers: processes that gather.
        chunk: attempts that are gathered at once.

    Raises:
        InputError: no dataset, or one in which there is nothing to learn from.
    """
    if method.reads_candidates:
        return _of_candidates(method, folders, first)
    train, validation = (
        [gather(method, folder, split, workers=workers, chunk=chunk) for folder in folders]
        for split in ("train", "validation")
    )
    few = None if first is None else max(1, round(first * _VALIDATION_SHARE))
    data = Data(
        _load([file for part in train for file in part.files], first),
        _load([file for part in validation for file in part.files], few),
        DataIdentity(np.concatenate([p.identities for p in (*train, *validation)]), first),
    )
    if not len(data.train):
        raise InputError(
            given=f"{', '.join(map(str, folders))} with no training example",
            wanted=f"at least one attempt that {method.name} can learn from",
        )
    return data


def _of_candidates(method: Method, folders: Sequence[Path], first: int | None) -> Data:
    """Examples that are row numbers: nothing is decoded, and so nothing is kept beside the data."""
    if len(folders) != 1:
        raise InputError(
            given=f"{len(folders)} datasets of candidates",
            wanted="one (`selfgrasp merge` makes one of several)",
        )
    dataset = Dataset.open(folders[0])
    source = DeclaredSource(DatasetSource(dataset), method.reads_labels, method.name)
    rng = np.random.default_rng(0)
    train, validation = (method.gather(source, split, rng) for split in ("train", "validation"))
    if first is not None:
        few = max(1, round(first * _VALIDATION_SHARE))
        train, validation = train.first(first), validation.first(few)
    if not len(train):
        raise InputError(
            given=f"{folders[0]} with no training example",
            wanted=f"at least one candidate that {method.name} can learn from",
        )
    identities = dataset.candidates().identities(method.reads_labels)
    return Data(train, validation, DataIdentity(identities, first))


def examples_of(
    method: Method, folder: Path, split: Split, *, workers: int = 2, chunk: int = CHUNK
) -> Examples:
    """The examples of one part of a dataset, in the order of its attempts."""
    return _load(gather(method, folder, split, workers=workers, chunk=chunk).files)


def gather(
    method: Method, folder: Path, split: Split, *, workers: int = 2, chunk: int = CHUNK
) -> Gathered:
    """Gather the examples of one part of a dataset, without what earlier calls left beside it.

    A chunk holds `chunk` attempts in a row of the dataset, whatever their part, so that neither an
    append nor an attempt that changes its part moves another chunk. Its file is valid while the
    identities of its attempts stay: their ids, part and declared labels. Candidates go with the
    first chunk.

    Args:
        method: whose examples. Methods with the same name, version and `examples_key` share files.
        folder: of the dataset.
        split: which part.
        workers: processes that gather.
        chunk: attempts a file.
    """
    with Dataset.open(folder) as data:
        source, total = DatasetSource(data), len(data)
        rows, identities = source.rows(split), source.identities(split, method.reads_labels)
        candidates = source.candidate_identities(split, method.reads_labels)
    # A dataset of candidates alone has one chunk too.
    starts = range(0, max(total, 1), chunk)
    parts = np.split(identities, np.searchsorted(rows, starts[1:]))
    parts[0] = np.concatenate([parts[0], candidates])
    contents = [fingerprint_of([part]) for part in parts]
    named = [
        _Chunk(Path(f"{split}-{start:09d}.safetensors"), start, content)
        for start, content in zip(starts, contents, strict=True)
    ]
    work = partial(_gather, method, folder, split, chunk)
    kept = _folder(method, folder, chunk)
    chunks = [one.inside(kept) for one in named]
    missing = [one for one in chunks if not one.is_valid]
    if not missing:
        say_once(
            f"{method.name}: examples kept in {kept}; delete that folder if `gather` has changed",
            about=str(kept),
        )
    try:
        _gather_missing(missing, work, workers)
    except OSError as error:
        if not str(error.filename).startswith(str(kept)):
            raise
        # Keeping them beside the data is a convenience.
        print(f"{kept}: {error.strerror}; examples are kept for this time alone", file=sys.stderr)
        instead = _temporary() / hashlib.sha256(str(kept.resolve()).encode()).hexdigest()[:16]
        chunks = [one if one.is_valid else one.inside(instead) for one in chunks]
        _gather_missing([one for one in chunks if not one.is_valid], work, workers)
    return Gathered(tuple(one.file for one in chunks), np.concatenate([identities, candidates]))


def _gather_missing(
    missing: Sequence[_Chunk], work: Callable[[_Chunk], None], workers: int
) -> None:
    """Gather chunks that are not there.

    Raises:
        OSError: one cannot be kept.
    """
    for one in missing:
        if any(folder.is_symlink() for folder in one.file.parents[:2]):
            # A stranger's dataset could have them written anywhere.
            raise OSError(errno.ELOOP, "a link, which is not followed", str(one.file))
    if not missing:
        return
    with ExitStack() as opened:
        alone = len(missing) == 1 or workers == 1
        mapped = map if alone else opened.enter_context(processes(workers)).map
        progress = opened.enter_context(Progress("gather", len(missing), unit="files"))
        for done, _ in enumerate(mapped(work, missing), start=1):
            progress.update(done)


@cache
def _temporary() -> Path:
    """A folder that goes with this process."""
    folder = tempfile.mkdtemp(prefix="selfgrasp-examples-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@dataclass(frozen=True)
class _Chunk:
    """Where its examples are kept, its first attempt's place in the dataset, and what is in it."""

    file: Path
    start: int
    content: str

    def inside(self, folder: Path) -> _Chunk:
        """The same with its file in `folder`."""
        return replace(self, file=folder / self.file.name)

    @property
    def is_valid(self) -> bool:
        """Whether the file is there, as it was written, and made of the same attempts and labels;
        it is made again where it is not."""
        if not self.file.is_file() or self.file.is_symlink():
            return False
        try:
            with safe_open(self.file, framework="np") as opened:
                said = opened.metadata() or {}
                if said.get(_CONTENT) != self.content:
                    return False
                columns = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
                return said.get(_DIGEST) == digest_of(columns)
        except (OSError, SafetensorError):
            return False


def _folder(method: Method, folder: Path, chunk: int) -> Path:
    """Where the chunks of a method lie. Files of earlier releases, one a dataset, are removed."""
    for old in (folder / "examples").glob("*.safetensors"):
        with suppress(OSError):
            old.unlink(missing_ok=True)
    key = json.dumps([method.name, method.version, method.examples_key, chunk], default=str)
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return folder / "examples" / f"{method.name}-{digest}"


def _gather(method: Method, folder: Path, split: Split, size: int, chunk: _Chunk) -> None:
    """Gather one chunk and keep it; in a process of its own where there are several."""
    with Dataset.open(folder) as data:
        source = DatasetSource(data, (chunk.start, chunk.start + size), threads=1)
        examples = method.gather(
            DeclaredSource(source, method.reads_labels, method.name),
            split,
            np.random.default_rng(chunk.start),
        )
    columns = {name: np.ascontiguousarray(column) for name, column in examples.columns.items()}
    columns[_WEIGHTS] = np.ascontiguousarray(examples.weights)
    said = {_CONTENT: chunk.content, _DIGEST: digest_of(columns)}
    with atomic_write(chunk.file) as partial_file:
        save_file(columns, partial_file, said)


def _load(files: Sequence[Path], first: int | None = None) -> Examples:
    """The examples of several files as one, or the first so many.

    Files are memory-mapped and copied one after the other into columns of the final length: the
    examples are in memory once, beside one chunk.

    Raises:
        InputError: no file, or files with different columns.
    """
    if not files:
        raise InputError(given="no datasets", wanted="at least one to learn from")
    lengths = []
    for file in files:
        with safe_open(file, framework="np") as opened:
            lengths.append(int(opened.get_slice(_WEIGHTS).get_shape()[0]))
    total = sum(lengths) if first is None else min(first, sum(lengths))
    # The columns of a chunk without examples can be of any type, as those of an empty list are.
    filled = [pair for pair in zip(files, lengths, strict=True) if pair[1]] or [(files[0], 0)]
    columns: dict[str, NDArray[Any]] = {}
    start = 0
    for file, length in filled:
        rows = min(length, total - start)
        with safe_open(file, framework="np") as opened:
            names = sorted(opened.keys())
            if not columns:
                columns = {name: _column(opened.get_tensor(name), total) for name in names}
            elif names != sorted(columns):
                raise InputError(
                    given=f"{file} with columns {', '.join(names)}",
                    wanted=f"the columns of {filled[0][0]}",
                    exists=", ".join(sorted(columns)),
                )
            for name, column in columns.items():
                part = opened.get_tensor(name)
                if (part.shape[1:], part.dtype) != (column.shape[1:], column.dtype):
                    raise InputError(
                        given=f"{file}, rows {part.shape[1:]} {part.dtype} in column {name!r}",
                        wanted=f"{column.shape[1:]} {column.dtype}, as in {filled[0][0]}",
                    )
                if len(part) != length:
                    raise InputError(
                        given=f"{file}, {len(part)} rows in column {name!r}",
                        wanted=f"{length}, as it has weights",
                    )
                column[start : start + rows] = part[:rows]
        start += rows
        if start == total:
            break
    return Examples(
        {name: column for name, column in columns.items() if name != _WEIGHTS}, columns[_WEIGHTS]
    )


def _column(part: NDArray[Any], length: int) -> NDArray[Any]:
    """(length, ...) of the type and the shape of rows of `part`, to be filled."""
    return np.empty((length, *part.shape[1:]), part.dtype)
