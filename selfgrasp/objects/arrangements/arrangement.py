"""Objects that stand where somebody put them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply, checked_pose
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.solids import corners

HALF_SIDE = 0.224
"""m. Half the side of the square workspace, whose middle is the world's origin (Zeng et al. 2018,
section V)."""
MOST_MOVED, MOST_TURNED = 0.003, 3.0
"""m and degrees by which an object may move while it comes to rest."""


@dataclass(frozen=True, eq=False)
class Standing:
    """An object and where it stands.

    Attributes:
        model: the object.
        world_from_object: (4, 4); the table's surface is z = 0.

    Raises:
        InputError: a pose that is not rigid.
    """

    model: ObjectModel
    world_from_object: FloatArray

    def __post_init__(self) -> None:
        where = checked_pose(self.world_from_object, "world_from_object")
        object.__setattr__(self, "world_from_object", where)

    @property
    def corners(self) -> FloatArray:
        """(N, 3) m, corners of all parts in the world's frame; round ones have many."""
        local = np.concatenate([corners(part) for part in self.model.parts])
        return apply(self.world_from_object, local)


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Objects that stand side by side.

    Attributes:
        name: of the file, or of the generator.
        standing: one or more objects; the same model may stand there twice, and two models of one
            name are the same model.

    Raises:
        InputError: no object.
    """

    name: str
    standing: tuple[Standing, ...]

    def __post_init__(self) -> None:
        if not self.standing:
            raise InputError(
                given=f"arrangement {self.name!r} without objects", wanted="at least one"
            )

    @property
    def models(self) -> tuple[ObjectModel, ...]:
        """The objects, each as often as it stands there."""
        return tuple(one.model for one in self.standing)


def unsettled(arrangement: Arrangement, poses: Sequence[FloatArray]) -> str:
    """Which objects moved too far while they came to rest, and how far; empty where none did.

    Args:
        arrangement: as it was put there.
        poses: world_from_object (4, 4) of each of its objects at rest, in its order.

    Raises:
        InputError: another number of poses.
    """
    if len(poses) != len(arrangement.standing):
        raise InputError(
            given=f"{len(poses)} poses", wanted=f"{len(arrangement.standing)}, one an object"
        )
    moved = []
    for number, (one, after) in enumerate(zip(arrangement.standing, poses, strict=True), 1):
        before = one.world_from_object
        distance = float(np.linalg.norm(after[:3, 3] - before[:3, 3]))
        cosine = (np.trace(before[:3, :3].T @ after[:3, :3]) - 1.0) / 2.0
        turn = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        if distance > MOST_MOVED or turn > MOST_TURNED:
            moved.append(
                f"object {number} ({one.model.name}) moved by {distance * 1e3:.1f} mm and "
                f"turned by {turn:.1f} degrees"
            )
    return "; ".join(moved)
