"""Train, validation and test: decided by a hash, so that appended attempts never move old ones.

Datasets and training share this one rule; it stands here so that training loads no tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.errors import unknown_name

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
LEFT_OUT = "left_out"
_BLOCK = 10


class SplitBy(StrEnum):
    """What stays together: all attempts on a scene, or all attempts that grasped an object (label
    `truth.object`)."""

    SCENE = "scene"
    OBJECT = "object"


@dataclass(frozen=True)
class SplitRule:
    """How attempts fall into three parts.

    A scene's part hangs on its session's seed and its number; an object's part on its name. Nothing
    hangs on what else is in the dataset. Of every ten scenes in a row (0 to 9, 10 to 19 ...) each
    part gets its share, so that a small dataset has no empty part.

    Attributes:
        train, validation, test: shares, which sum to 1.
        by: what stays together.
        salt: another salt gives another split of the same shares.
    """

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    by: SplitBy = SplitBy.SCENE
    salt: str = ""

    def __post_init__(self) -> None:
        shares = (self.train, self.validation, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise InputError(
                given=f"shares {shares}", wanted="three shares of at least 0 that sum to 1"
            )

    def part_of(self, key: str) -> Split:
        """One of `SPLITS` for whatever `key` names."""
        return self._part_at(self._place(key))

    def part_of_scene(self, seed: int, scene: int) -> Split:
        """One of `SPLITS` for a scene of a session with `seed`."""
        block, position = divmod(scene, _BLOCK)
        places = [self._place(f"scene|{seed}|{block}|{i}") for i in range(_BLOCK)]
        rank = sum(place < places[position] for place in places)
        return self._part_at((rank + self._place(f"within|{seed}|{scene}")) / _BLOCK)

    def _place(self, key: str) -> float:
        digest = hashlib.blake2b(f"{self.salt}|{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def _part_at(self, place: float) -> Split:
        if place < self.train:
            return "train"
        return "validation" if place < self.train + self.validation else "test"

    @property
    def hash(self) -> str:
        """12 hex digits over everything above: equal hashes, equal parts of equal attempts."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SplitRule:
        """The inverse of `to_json`."""
        return SplitRule(**{**data, "by": SplitBy(data["by"])})

    def require_part(self, name: str) -> None:
        """Raises an `InputError` where `name` is no part."""
        if name not in SPLITS:
            raise unknown_name("split", name, SPLITS)


def assign(
    split: SplitRule,
    *,
    seeds: Sequence[int],
    scenes: Sequence[int],
    groups: Sequence[str],
    objects: Sequence[str | None],
) -> NDArray[np.str_]:
    """(N,) the part of each attempt, out of `SPLITS`, or `LEFT_OUT`.

    By object, an attempt that grasped nothing goes with its state group, and without one with its
    scene; a state group whose attempts grasped objects of different parts is left out whole,
    because it may neither be parted nor bring an object to both sides.

    Args:
        split: the rule.
        seeds: (N,) of each attempt's session.
        scenes: (N,) numbers.
        groups: (N,) state groups.
        objects: (N,) what was grasped, where it is known; only read when splitting by object.
    """
    keys = list(zip(seeds, scenes, strict=True))
    part_of = {key: split.part_of_scene(*key) for key in set(keys)}
    by_scene = [part_of[key] for key in keys]
    if split.by is SplitBy.SCENE:
        return np.array(by_scene, dtype=np.str_)

    own = [None if name is None else split.part_of(f"object|{name}") for name in objects]
    parts_of_group: dict[str, set[str]] = {}
    for group, part in zip(groups, own, strict=True):
        if part is not None:
            parts_of_group.setdefault(group, set()).add(part)
    assigned = []
    for group, scene_part in zip(groups, by_scene, strict=True):
        parts = parts_of_group.get(group, {scene_part})
        assigned.append(next(iter(parts)) if len(parts) == 1 else LEFT_OUT)
    return np.array(assigned, dtype=np.str_)
