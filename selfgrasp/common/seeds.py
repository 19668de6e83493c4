"""Which seeds belong to what: the benchmark, validation, films and collected test sets.

Scenes of different purposes, and scenes of the same purpose under another `--seed`, never meet.
Collections draw their scenes by hashing (see `rollout.scene.SceneTask`).
"""

from __future__ import annotations

from enum import Enum

from selfgrasp.core.errors import InputError

_SCENES = 100_000
"""Scenes of one purpose under one seed."""
_COLLECTIONS = 1_000_000
"""Seeds of collections for one purpose."""
_LATER = 100_000_000
"""Where the scenes of seed 1 begin; those of seed 0 keep the numbers of published figures."""


class Purpose(Enum):
    """What scenes are played for; the value is the first scene under seed 0."""

    VALIDATION = 500_000
    BENCHMARK = 1_000_000
    TESTS = 2_000_000
    REPEATS = 6_000_000

    def first_scene(self, seed: int) -> int:
        """The first scene under `--seed`; up to 100,000 more count up from it."""
        if seed == 0:
            return self.value
        kinds = list(Purpose)
        return _LATER + ((seed - 1) * len(kinds) + kinds.index(self)) * _SCENES


class Collection(Enum):
    """What a dataset is collected for, other than training; the value is its `--seed` under seed
    0."""

    PREDICTION_TEST = 7_000_000
    PREDICTION_VALIDATION = 8_000_000
    NARROW_GRIPPER_TEST = 9_000_000

    def seed(self, seed: int) -> int:
        """The collection's seed where the measurement has `seed`.

        Raises:
            InputError: a seed so large that collections for other purposes have it.
        """
        if seed >= _COLLECTIONS:
            raise InputError(given=f"--seed {seed}", wanted=f"less than {_COLLECTIONS}")
        return self.value + seed
