"""Examples of a method from datasets on disk: gathered by several processes, kept beside the
dataset, never decoded twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from selfgrasp.common.atomic_write import atomic_write
from selfgrasp.common.processes import processes
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset
from selfgrasp.learn import DatasetSource, DeclaredSource, Examples

if TYPE_CHECKING:
    from selfgrasp.learn import Method, Split

_CHUNK = 1000
"""Attempts that a process gathers at a time."""
_VALIDATION_SHARE = 1 / 8
"""Of validation to training attempts in a dataset's usual split."""


@dataclass(frozen=True, eq=False)
class Data:
    """What `train` learns from.

    Attributes:
        train, validation: the examples of both parts.
        fingerprint: changes when an attempt, a label or a split does.
    """

    train: Examples
    validation: Examples
    fingerprint: str


def data_of(
    method: Method, folders: Sequence[Path], *, first: int | None = None, workers: int = 2
) -> Data:
    """Both parts of several datasets as one.

    Args:
        method: what learns from them.
        folders: of the datasets.
        first: use only so many training examples, the first ones, and an eighth as many for
            validation; None for all.
        workers: processes that gather.

    Raises:
        InputError: no dataset, or one in which there is nothing to learn from.
    """

    parts = {
        split: [examples_of(method, folder, split, workers=workers) for folder in folders]
        for split in ("train", "validation")
    }
    train, validation = (
        Examples.concatenate([examples for examples, _ in parts[split]])
        for split in ("train", "validation")
    )
    prints = [f for _, f in parts["train"]]
    if first is not None:
        train, validation = (
            train.first(first),
            validation.first(max(1, round(first * _VALIDATION_SHARE))),
        )
        prints.append(str(first))
    if not len(train):
        raise InputError(
            given=f"{', '.join(map(str, folders))} with no training example",
            wanted=f"at least one attempt that {method.name} can learn from",
        )
    return Data(
        train,
        validation,
        prints[0]
        if len(prints) == 1
        else hashlib.sha256("|".join(prints).encode()).hexdigest()[:16],
    )


def examples_of(
    method: Method, folder: Path, split: Split, *, workers: int = 2
) -> tuple[Examples, str]:
    """One part of a dataset, and the dataset's fingerprint; from the file that an earlier call left
    in the dataset's folder, if nothing changed since."""

    with Dataset.open(folder) as data:
        source = DatasetSource(data)
        fingerprint, total = source.fingerprint, source.len_of(split)
    key = hashlib.sha256(
        json.dumps([method.name, method.version, method.examples_key], default=str).encode()
    ).hexdigest()[:8]
    kept = folder / "examples" / f"{method.name}-{key}-{split}.safetensors"
    if (found := _read(kept, fingerprint)) is not None:
        return found, fingerprint
    starts = range(0, total, _CHUNK)
    if len(starts) <= 1 or workers == 1:
        parts = [_gather(method, folder, split, start) for start in starts]
    else:
        with processes(workers) as pool:
            parts = list(
                pool.map(
                    _gather,
                    *zip(*[(method, folder, split, start) for start in starts], strict=True),
                )
            )
    examples = Examples.concatenate(parts or [_gather(method, folder, split, 0)])
    _write(kept, examples, fingerprint)
    return examples, fingerprint


def _gather(method: Method, folder: Path, split: Split, start: int) -> Examples:

    with Dataset.open(folder) as data:
        source = DatasetSource(data, (start, start + _CHUNK), threads=1)
        return method.gather(
            DeclaredSource(source, method.reads_labels, method.name),
            split,
            np.random.default_rng(start),
        )


def _read(path: Path, fingerprint: str) -> Examples | None:

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            if (file.metadata() or {}).get("fingerprint") != fingerprint:
                return None
            columns = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        # Cut off while it was written: made again.
        return None
    weights = columns.pop("weights")
    return Examples(columns, weights)


def _write(path: Path, examples: Examples, fingerprint: str) -> None:

    columns = {name: np.ascontiguousarray(column) for name, column in examples.columns.items()}
    with atomic_write(path) as partial:
        save_file({**columns, "weights": examples.weights}, partial, {"fingerprint": fingerprint})
