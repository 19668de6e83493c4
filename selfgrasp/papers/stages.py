"""The stages of a demo: what was done and how long it took, also before an interruption."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selfgrasp.common.record import write_json
from selfgrasp.common.untrusted import read_json


@dataclass(frozen=True)
class Stage:
    """A stage that is done: its name, its seconds over all runs of the command, and what it did."""

    name: str
    seconds: float
    detail: str


class StageLog:
    """Stages in the order in which they were last done, kept in a file.

    Args:
        path: of the file; stages that it has are taken up.
    """

    def __init__(self, path: Path) -> None:
        kept = read_json(path, nonfinite=True) if path.exists() else []
        self._path, self.done = path, [Stage(**one) for one in kept]

    @contextmanager
    def stage(self, name: str, detail: str) -> Iterator[None]:
        """Say what is done now, and keep how long it took if it ends well."""
        print(f"\n== {name}: {detail}", file=sys.stderr, flush=True)
        start = time.perf_counter()
        yield
        before = sum(one.seconds for one in self.done if one.name == name)
        others = [one for one in self.done if one.name != name]
        self.done = [*others, Stage(name, before + time.perf_counter() - start, detail)]
        write_json(self._path, self.done)
