"""A run's log: one JSON object a line, and the same numbers for TensorBoard."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from selfgrasp.common.files import open_to_append, write_whole
from selfgrasp.common.untrusted import parse_json, read_text
from selfgrasp.core import InputError


class RunLog:
    """Appends to `log.jsonl` and to TensorBoard's events in a run's folder. A context manager.

    Args:
        folder: the run's folder.
        start: step at which the run goes on; later lines, written before an interruption, are
            dropped.
    """

    def __init__(self, folder: Path, *, start: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "log.jsonl"
        kept = (
            [line for line in read_text(path).splitlines() if _step(line) <= start]
            if path.is_file() and start
            else []
        )
        write_whole(path, "".join(line + "\n" for line in kept).encode())
        self._file = open_to_append(path)
        self._folder, self._start = folder, start
        self._events: Any = None

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._events is not None:
            self._events.close()

    def write(self, step: int, part: str, values: dict[str, float]) -> None:
        """One line of `values` measured on `part` ("train" or "validation") after `step` steps."""
        self._file.write(
            json.dumps({"step": step, "part": part, **{k: round(v, 6) for k, v in values.items()}})
            + "\n"
        )
        self._file.flush()
        for name, value in values.items():
            self._writer().add_scalar(f"{part}/{name}", value, step)

    def _writer(self) -> Any:
        if self._events is None:
            # The import costs a second and is only needed once something is logged.

            self._events = SummaryWriter(
                str((self._folder / "tensorboard").absolute()), purge_step=self._start or None
            )
        return self._events


class Means:
    """Weighted means of named numbers, emptied by `take`; not every one need be there each time."""

    def __init__(self) -> None:
        """Of no number yet."""
        self._sums: dict[str, float] = defaultdict(float)
        self._weights: dict[str, float] = defaultdict(float)

    def add(self, values: dict[str, float], weight: float = 1.0) -> None:
        """Some more numbers, which count `weight` times."""
        for name, value in values.items():
            self._sums[name] += value * weight
            self._weights[name] += weight

    def take(self) -> dict[str, float]:
        """The means of what was added since the last time."""
        means = {name: value / self._weights[name] for name, value in self._sums.items()}
        self._sums.clear()
        self._weights.clear()
        return means


def _step(line: str) -> float:
    """The step of a line; infinity where it is no line of a log."""
    try:
        found = parse_json(line)
    except InputError:
        return float("inf")
    step = found.get("step") if isinstance(found, dict) else None
    return step if isinstance(step, int | float) else float("inf")
