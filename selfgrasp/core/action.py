"""What a robot can do: a closed union, so that `match` finds every place to extend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.pose import checked_pose


@dataclass(frozen=True, eq=False)
class Grasp:
    """Reach a pose with the fingers `width` apart, close, lift. Ends the attempt.

    Attributes:
        world_from_tool: (4, 4) pose of the point between the fingertips when they close.
        width: m between the fingers on the way down.
    """

    world_from_tool: FloatArray
    width: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "world_from_tool", checked_pose(self.world_from_tool, "world_from_tool")
        )
        object.__setattr__(self, "width", checked_number(self.width, 0.0, 1.0, "width (m)"))


@dataclass(frozen=True, eq=False)
class Push:
    """Close the fingers, go down at `start`, move `length` along `yaw`. Ends the attempt.

    Attributes:
        start: (3,) m, where the closed fingertips touch down.
        yaw: rad about world +z, the direction of the push.
        length: m.
    """

    start: FloatArray
    yaw: float
    length: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", checked(self.start, (3,), np.float64, "start (m)"))
        object.__setattr__(self, "yaw", checked_number(self.yaw, -100.0, 100.0, "yaw (rad)"))
        object.__setattr__(self, "length", checked_number(self.length, 0.0, 1.0, "length (m)"))

    @property
    def end(self) -> FloatArray:
        """(3,) m, where the fingertips end."""
        along = np.array([np.cos(self.yaw), np.sin(self.yaw), 0.0])
        end: FloatArray = self.start + self.length * along
        return end


@dataclass(frozen=True, eq=False)
class Move:
    """One servo step in world axes with the hand pointing down. Does not end the attempt.

    Attributes:
        translation: (3,) m.
        yaw: rad about world +z.
    """

    translation: FloatArray
    yaw: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "translation", checked(self.translation, (3,), np.float64, "translation (m)")
        )
        object.__setattr__(self, "yaw", checked_number(self.yaw, -100.0, 100.0, "yaw (rad)"))


@dataclass(frozen=True)
class Close:
    """Close the fingers where the hand is and lift. Ends the attempt."""


@dataclass(frozen=True, eq=False)
class Release:
    """Carry what is held over `where`, (3,) m, and open the fingers. Used by the drop test and by
    picking with replacement."""

    where: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", checked(self.where, (3,), np.float64, "where (m)"))


Action = Grasp | Push | Move | Close | Release
"""Every action; only `Move` leaves an attempt open."""
