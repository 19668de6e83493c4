"""What is wrong with the labels of a dataset: each one is parsed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from selfgrasp.core import InputError
from selfgrasp.dataset.check_attempts import some
from selfgrasp.dataset.checksums import damaged_rows
from selfgrasp.dataset.schema import label_value
from selfgrasp.dataset.stream import Stored

_CHUNK = 4096


def label_problems(stored: Stored, lengths: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with labels, in words.

    Args:
        stored: the tables.
        lengths: number of steps by attempt.
    """
    damaged: list[str] = []
    wrong: list[str] = []
    for batch in stored.labels.to_batches(batch_size=_CHUNK):
        rows = batch.to_pylist()
        damaged.extend(f"{rows[i]['name']} of {rows[i]['attempt']}" for i in damaged_rows(batch))
        wrong.extend(
            f"{row['name']} of {row['attempt']} ({why})"
            for row in rows
            if (why := _wrong(row, lengths))
        )
    if damaged:
        yield f"{len(damaged)} labels that are not as they were written: {some(damaged)}"
    if wrong:
        yield f"{len(wrong)} labels that cannot be read: {some(wrong)}"


def _wrong(row: Mapping[str, Any], lengths: Mapping[str, int]) -> str:
    """Why the row of a label is none; empty where it is one."""
    if not all(row[name] for name in ("attempt", "name", "by")):
        return "no attempt, name or author"
    step = row["step"]
    if step is not None and not 0 <= step < lengths.get(row["attempt"], step + 1):
        return f"step {step}"
    try:
        value = label_value(row["value"], row.get("numbers"))
    except InputError as error:
        return error.given
    numbers = value if isinstance(value, tuple) else (value,)
    if any(isinstance(n, float) and not math.isfinite(n) for n in numbers):
        return f"{value!r:.40} is not finite"
    return ""
