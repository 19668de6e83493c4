"""The attempts of a benchmark, handed to whoever wants to see them while it is measured.

Of each policy, the first `WATCHED` scenes are handed over whole, and of the later scenes the first
attempt that held nothing, until `FAILURES` were. Which ones does not depend on the number of
workers. After an interruption the first scenes are played once more to be watched; failures then
come from the scenes that were still to play.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from selfgrasp.core import Attempt, CellSpec, Label, Plan, Policy
from selfgrasp.core.watcher import Watcher
from selfgrasp.workcell.attempt import Played
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.play import Episode, Task
from selfgrasp.workcell.workcell import Workcell

WATCHED = 3
"""Scenes of a policy that are handed over whole."""
FAILURES = 12
"""Failed attempts of a policy that are handed over at most, from other scenes."""


class Seen(Enum):
    """How much of a scene's attempts is handed over."""

    ALL = "all"
    FAILURE = "first failure"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class WatchedScene:
    """Attempts of one scene.

    Attributes:
        policy: its label in reports.
        scene: its seed.
        spec: of the cell.
        played: attempts in order, each with its labels and plans.
        seen: whether these are all attempts of the scene, or its first failure.
        lost: objects that left the workspace without having been lifted; None where there is no
            truth.
    """

    policy: str
    scene: int
    spec: CellSpec
    played: tuple[Played, ...]
    seen: Seen
    lost: int | None = None

    @property
    def whole(self) -> bool:
        """Whether these are all attempts of the scene."""
        return self.seen is Seen.ALL


@dataclass(frozen=True)
class WatchedTask:
    """One scene to play.

    Attributes:
        task: which.
        seen: which of its attempts come back.
    """

    task: Task
    seen: Seen = Seen.NOTHING


@dataclass(frozen=True, eq=False)
class Result:
    """What came of a task: its episode, the attempts that were asked for, and the cell's spec."""

    task: WatchedTask
    episode: Episode
    played: tuple[Played, ...]
    spec: CellSpec


@dataclass(frozen=True)
class Play:
    """Plays tasks of a protocol; a worker calls it.

    Attributes:
        play: of the protocol.
    """

    play: Callable[[Workcell, Policy, Task], Episode]

    def __call__(self, cell: SimCell, policy: Policy, task: WatchedTask) -> Result:
        """Play one scene."""
        workcell = cell.cell
        before, recorder = workcell.watchers, Recorder(task.seen)
        workcell.watchers = (*before, recorder) if task.seen is not Seen.NOTHING else before
        try:
            episode = self.play(workcell, policy, task.task)
        finally:
            workcell.watchers = before
        return Result(task, episode, tuple(recorder.played), workcell.spec)


class Recorder(Watcher):
    """Keeps attempts with their labels and plans.

    Args:
        seen: which ones.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._plans: list[Plan] = []
        self.played: list[Played] = []

    def on_plan(self, plan: Plan) -> None:
        """Part of the attempt that is under way."""
        self._plans.append(plan)

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """Keep it, if it is one of those."""
        plans, self._plans = tuple(self._plans), []
        failure = not attempt.outcome.grasped and not self.played
        if self._seen is Seen.ALL or (self._seen is Seen.FAILURE and failure):
            self.played.append(Played(attempt, tuple(labels), plans))

    def on_label(self, label: Label) -> None:
        """Of the attempt that was kept last, or of one that was not."""
        if self.played and self.played[-1].attempt.id == label.attempt:
            last = self.played[-1]
            self.played[-1] = replace(last, labels=(*last.labels, label))
