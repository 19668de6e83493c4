"""Episodes of a benchmark, kept until it is done: an interrupted one goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, TextIO

import selfgrasp
from selfgrasp.common.files import open_to_append
from selfgrasp.common.record import versions
from selfgrasp.workcell.play import Episode, Task

EPISODES = ".episodes"
"""In a benchmark's folder: the folder of what was played."""


class EpisodeLog:
    """One policy's episodes so far, and a file to which more are added; a context manager.

    Args:
        folder: of the benchmark.
        of: all that an episode depends on beside its seed, the code and the libraries; what others
            have played is not taken up again.
        tasks: which scenes, in their order.
    """

    def __init__(self, folder: Path, of: Mapping[str, Any], tasks: Sequence[Task]) -> None:
        key = json.dumps(
            {**of, "code": _code(), "versions": versions()}, sort_keys=True, default=str
        )
        self._path = folder / EPISODES / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.jsonl"
        known = {episode.task: episode for episode in _read(self._path)}
        self.kept = [known[task] for task in takewhile(known.__contains__, tasks)]
        self.missing = tasks[len(self.kept) :]

    def __enter__(self) -> EpisodeLog:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = open_to_append(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, episode: Episode) -> None:
        """Keep one more, whatever happens next."""
        # On a line of its own even where the last one was cut off.
        self._file.write(f"\n{json.dumps(episode.to_json())}")
        self._file.flush()


def forget(folder: Path) -> None:
    """The benchmark's report is written: the next one begins anew."""
    shutil.rmtree(folder / EPISODES, ignore_errors=True)


def _read(path: Path) -> list[Episode]:
    found: list[Episode] = []
    for line in path.read_text(errors="replace").splitlines() if path.is_file() else []:
        try:
            found.append(Episode.from_json(json.loads(line)))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            # Empty, cut off when it was written, or no episode.
            continue
    return found


def _code() -> str:
    """A hash of the package's sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(selfgrasp.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
