"""What the attempts of a collection are asked for: anything, a category, or the thing in a
picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfgrasp.core import ANYTHING, Attempt, Goal, InputError, ObjectRef, View
from selfgrasp.dataset import Dataset
from selfgrasp.objects.model import ObjectModel

ANY, CATEGORIES, GRASPED = "anything", "categories", "grasped"
"""Values of `CollectJob.goals` that are no folder."""
GOAL_SET = 10
"""Objects that are grasped in a scene before their pictures are the goals (Jang et al. 2018,
appendix B)."""


class GraspedGoals:
    """Anything, until so many objects were held before the camera in a scene; from then on the
    thing in one of these present images, drawn at random.

    Args:
        scene_seed: of the draws.
        goal_set: how many objects.
    """

    def __init__(self, scene_seed: int, goal_set: int) -> None:
        self._rng = np.random.default_rng([scene_seed, 3])
        self._goal_set = goal_set
        self._images: list[View] = []

    def saw(self, attempt: Attempt) -> None:
        """To be called with each attempt of the scene when it has ended."""
        missing = len(self._images) < self._goal_set
        if missing and attempt.outcome.grasped and attempt.present is not None:
            self._images.append(attempt.present)

    def goals(self, placed: Sequence[ObjectRef] | None) -> Iterator[Goal]:
        """What each attempt is asked for, without end, by what was seen when it begins."""
        while True:
            if len(self._images) < self._goal_set:
                yield ANYTHING
            else:
                yield Goal(image=self._images[int(self._rng.integers(self._goal_set))])


@dataclass(frozen=True)
class GoalPictures:
    """Present images of a dataset as goals (Jang et al. 2018, algorithm 1).

    Attributes:
        dataset: its folder.
        attempts: ids of attempts whose present images are the goals.
    """

    dataset: Path
    attempts: tuple[str, ...]

    @property
    def identity(self) -> str:
        """The folder and a hash of the ids, as sessions store them."""
        digest = hashlib.sha256("\n".join(self.attempts).encode()).hexdigest()
        return f"{self.dataset}@{digest[:12]}"

    @property
    def seeds(self) -> frozenset[int]:
        """Of the collections that the dataset is made of."""
        with Dataset.open(self.dataset) as data:
            return frozenset(session.seed for session in data.sessions.values())

    def drawn(self, scene_seed: int, count: int) -> GoalPictures:
        """`count` of them, drawn at random with replacement; those of a lower count are the first
        of these."""
        rng = np.random.default_rng([scene_seed, 3])
        rows = [int(rng.integers(len(self.attempts))) for _ in range(count)]
        return GoalPictures(self.dataset, tuple(self.attempts[row] for row in rows))

    def goals(self) -> Iterator[Goal]:
        """A goal for each attempt, in order; pictures are read when they are asked for."""
        with Dataset.open(self.dataset) as data:
            for attempt in self.attempts:
                (found,) = data.attempts([attempt], threads=1)
                yield Goal(image=found.present)


def categories_of(goals: str, objects: Sequence[ObjectModel]) -> tuple[str, ...]:
    """The categories of the objects where `goals` asks for those; empty otherwise."""
    return tuple(sorted({one.family for one in objects})) if goals == CATEGORIES else ()


def pictures_of(goals: str) -> GoalPictures | None:
    """Present images of all attempts that held something, of the dataset that `goals` names; None
    where it names none.

    Raises:
        InputError: no dataset, or one in which nothing was held before a camera.
    """
    if goals in (ANY, CATEGORIES, GRASPED):
        return None
    folder = Path(goals)
    if not folder.is_dir():
        raise InputError(
            given=f"goals {goals!r}",
            wanted=f"{ANY}, {CATEGORIES}, {GRASPED}, or the folder of a dataset with present "
            "images",
        )
    with Dataset.open(folder) as data:
        shown = data.column("grasped") & data.column("has_present")
        attempts = tuple(sorted(str(one) for one in data.ids()[shown]))
    if not attempts:
        raise InputError(
            given=f"goals from {folder}",
            wanted="a dataset with present images of what was held, as `kuka_bin` takes them",
        )
    return GoalPictures(folder, attempts)


def stored_pictures(stored: str, given: str | None = None) -> GoalPictures | None:
    """The pictures of a session's goals; None where those were no pictures.

    Args:
        stored: the session's option `goals`.
        given: folder of the dataset, where it has moved.

    Raises:
        InputError: as of `pictures_of`, or it has other attempts now.
    """
    folder, mark, _ = stored.rpartition("@")
    if not mark:
        return None
    found = pictures_of(given or folder)
    if found is None or found.identity.rpartition("@")[2] != stored.rpartition("@")[2]:
        raise InputError(
            given=f"goals from {given or folder} as it is now",
            wanted=f"the dataset that the attempts' goals were drawn from, {stored}; see --goals",
        )
    return found
