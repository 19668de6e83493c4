"""What is wrong with the attempts of a dataset: each one is decoded, pictures included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec import decode_attempt, picture_key
from selfgrasp.common.imap import imap_ordered
from selfgrasp.core import InputError
from selfgrasp.core.errors import first_line
from selfgrasp.dataset.checksums import CHECKSUM, checksum_of
from selfgrasp.dataset.schema import attempt_plain, attempt_row, picture_keys
from selfgrasp.dataset.stream import Stored

_CHUNK = 32
_THREADS = 2

DAMAGED = "attempts that are not as they were written"
NO_STEPS = "attempts whose steps are missing or repeated"
NO_PICTURES = "attempts that refer to missing pictures"
NO_ATTEMPT = "attempts that cannot be decoded"
OTHER_COLUMNS = "attempts with columns that differ from what was seen and done"
DAMAGE = (
    OSError,
    ValueError,
    RuntimeError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    InputError,
)
"""What reading damaged tables raises."""

Found = dict[str, list[str]]
"""Attempts, or what was said of them, by kind of problem."""


def attempt_problems(stored: Stored) -> tuple[set[str], list[str]]:
    """The keys of every picture that attempts refer to, and what is wrong with attempts."""
    chunks = [
        np.arange(start, min(start + _CHUNK, len(stored.ids)), dtype=np.int64)
        for start in range(0, len(stored.ids), _CHUNK)
    ]
    used: set[str] = set()
    problems: Found = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for keys, found in imap_ordered(pool, partial(_examined, stored), chunks, most=_THREADS):
            used |= keys
            for kind, names in found.items():
                problems.setdefault(kind, []).extend(names)
    return used, [f"{len(names)} {kind}: {some(names)}" for kind, names in problems.items()]


def some(names: Sequence[str]) -> str:
    """The first three of `names`."""
    return ", ".join(map(str, names[:3])) + (" ..." if len(names) > 3 else "")


def _examined(stored: Stored, rows: NDArray[np.int64]) -> tuple[set[str], Found]:
    found: Found = {}
    used: set[str] = set()
    try:
        for row, steps in zip(*stored.rows(rows), strict=True):
            for kind, name in _problems_of(stored, row, steps, used):
                found.setdefault(kind, []).append(name)
    except DAMAGE as error:
        found[f"chunks of attempts that cannot be read, from attempt {rows[0]} on"] = [
            first_line(error)
        ]
    return used, found


def _problems_of(
    stored: Stored, row: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], used: set[str]
) -> list[tuple[str, str]]:
    name = str(row["id"])
    problems = []
    if any(CHECKSUM in one and one[CHECKSUM] != checksum_of(one) for one in (row, *steps)):
        problems.append((DAMAGED, name))
    if [step["index"] for step in steps] != list(range(row["length"] or 0)):
        return [*problems, (NO_STEPS, name)]
    try:
        plain = attempt_plain(row, steps)
        keys = picture_keys([plain])
        used |= keys
        pictures = stored.picture_bytes(keys)
        if missing := keys - set(pictures):
            return [*problems, (NO_PICTURES, f"{name} ({some(sorted(missing))})")]
        if all(picture_key(data) == key for key, data in pictures.items()):
            # Damaged pictures are counted with the pictures.
            decode_attempt(plain, pictures)
        if not _same(row, attempt_row(plain)):
            problems.append((OTHER_COLUMNS, name))
    except DAMAGE as error:
        problems.append((NO_ATTEMPT, f"{name} ({first_line(error)})"))
    return problems


def _same(row: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """Whether the scalars in `row` are those that come of the attempt in it."""
    for name, value in again.items():
        stored = row[name]
        if isinstance(value, float) and isinstance(stored, float):
            close = math.isclose(value, stored, rel_tol=1e-9, abs_tol=1e-9)
            if not close and not (math.isnan(value) and math.isnan(stored)):
                return False
        elif name != "goal" and value != stored:
            return False
    return True
