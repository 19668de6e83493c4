"""Results of many scenes, kept in files of some scenes each, so that an interrupted step goes on
where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from selfgrasp.common.record import plain, write_json
from selfgrasp.core import Policy
from selfgrasp.papers.steps import OF, kept
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.simulated import SimCell

Task = TypeVar("Task")
PART = 50
"""Scenes in a file."""
_SCENES = "scenes"


@dataclass(frozen=True)
class KeptParts:
    """Files of one measurement.

    Attributes:
        folder: of the files.
        name: of the files, before their number.
        of: see `steps.kept`.
    """

    folder: Path
    name: str
    of: Mapping[str, Any]

    def played(
        self,
        play: Callable[[SimCell, Policy, Task], Any],
        tasks: Sequence[Task],
        config: WorkerConfig,
        *,
        workers: int,
    ) -> Iterator[Any]:
        """What `play` returns for each task, in order, as plain values: read from a file, or played
        now. See `workers.play_all`."""
        parts = [tasks[at : at + PART] for at in range(0, len(tasks), PART)]
        before = [kept(self._path(index), self.of) for index in range(len(parts))]
        missing = [
            task
            for part, known in zip(parts, before, strict=True)
            if known is None
            for task in part
        ]
        with closing(play_all(play, missing, config, workers=workers)) as results:
            for index, (part, known) in enumerate(zip(parts, before, strict=True)):
                if known is not None:
                    yield from known[_SCENES]
                    continue
                played = []
                for result in islice(results, len(part)):
                    played.append(plain(result))
                    yield played[-1]
                write_json(self._path(index), {OF: plain(self.of), _SCENES: played})

    def _path(self, index: int) -> Path:
        return self.folder / f"{self.name}-{index:03d}.json"
