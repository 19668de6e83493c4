"""A recorder that listens to a cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfgrasp.core import Attempt, CellSpec, Label, Plan, Watcher
from selfgrasp.report.story_recorder import StoryRecorder
from selfgrasp.workcell.attempt import Played


class StoryWatcher(Watcher):
    """Hands a `StoryRecorder` the scenes that are played before it, each once it has ended."""

    def __init__(self, folder: Path, spec: CellSpec, *, source: str) -> None:
        """As `StoryRecorder`."""
        self._recorder, self._spec = StoryRecorder(folder, source=source), spec
        self._plans: list[Plan] = []
        self._scene: list[Played] = []

    def __enter__(self) -> StoryWatcher:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Writes what was kept, also after an interruption."""
        self._end_scene()
        self._recorder.close()

    def on_plan(self, plan: Plan) -> None:
        """Keeps it until its attempt ends."""
        self._plans.append(plan)

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """Adds the attempt to its scene."""
        last = self._scene[-1].attempt if self._scene else attempt
        if (last.scene, last.policy, last.session) != (
            attempt.scene,
            attempt.policy,
            attempt.session,
        ):
            self._end_scene()
        self._scene.append(Played(attempt, tuple(labels), tuple(self._plans)))
        self._plans.clear()

    def _end_scene(self) -> None:
        if self._scene:
            self._recorder.add_scene(self._scene[0].attempt.policy, self._scene, self._spec)
        self._scene = []
