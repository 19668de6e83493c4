"""Four small protocols between the motions and a robot. Only drivers differ between simulation and
hardware."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Fault, Label
from selfgrasp.core.observation import Hand, View
from selfgrasp.core.record import ObjectRef
from selfgrasp.core.spec import CameraSpec, GripperSpec, Workspace


@dataclass
class Control:
    """What a person beside the robot holds: a stop event and a speed scale, read inside every
    motion.

    Attributes:
        stop: once set, motions end where they are and report `Fault.STOPPED`.
        speed: scale in (0, 1] of every speed.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    speed: float = 1.0


@dataclass(frozen=True, eq=False)
class Reached:
    """What really happened in a motion: where the tool is, (4, 4), and why it ended early, if it
    did."""

    world_from_tool: FloatArray
    fault: Fault | None = None


class Arm(Protocol):
    """Moves the tool."""

    @property
    def workspace(self) -> Workspace:
        """Where the tool may go."""
        ...

    def move(self, world_from_tool: FloatArray, *, speed: float, control: Control) -> Reached:
        """Move in a straight line at `speed` m/s; ends early when stopped or blocked."""
        ...

    def pose(self) -> FloatArray:
        """world_from_tool (4, 4) now."""
        ...

    def joints(self) -> FloatArray | None:
        """(J,) rad, or None for a hand without an arm."""
        ...

    def away(self, *, control: Control) -> Reached:
        """Go where no camera's view of the workspace is covered, keeping what is held."""
        ...


class Gripper(Protocol):
    """Opens and closes two fingers; once `control.stop` is set they stay where they are."""

    @property
    def spec(self) -> GripperSpec:
        """Its geometry and limits."""
        ...

    def open(self, width: float, *, control: Control) -> None:
        """Bring the fingers `width` m apart."""
        ...

    def close(self, *, control: Control) -> None:
        """Close until the fingers stall or meet."""
        ...

    def width(self) -> float:
        """m between the fingers' inner faces."""
        ...

    def force(self) -> float:
        """N that the fingers press with; a gripper that cannot tell returns `GripperSpec.max_force`
        while it is closed, and is judged by its width alone."""
        ...


class Camera(Protocol):
    """Takes pictures."""

    @property
    def spec(self) -> CameraSpec:
        """Its calibration, as a robot knows it (nominal: the true pose may be off by
        millimetres)."""
        ...

    def capture(self) -> View | None:
        """A picture, or None when the camera returns nothing."""
        ...


class Scene(Protocol):
    """What lies before the robot."""

    def reset(self, seed: int) -> None:
        """Start again: in simulation a seeded drop of objects, on hardware whatever a person or a
        feeder arranges."""
        ...

    def settle(self) -> bool:
        """Wait until nothing moves; False if something still does when patience ends."""
        ...

    def time(self) -> float:
        """s since the scene began."""
        ...

    def save(self) -> object | None:
        """The state, to be put back with `restore`; None where there is no such thing
        (hardware)."""
        ...

    def restore(self, state: object) -> None:
        """Put a saved state back."""
        ...

    def truth(self, attempt: str) -> tuple[Label, ...]:
        """What only a simulator knows of the attempt that just ended, as `truth.*` labels; empty on
        hardware."""
        ...


class Truth(Protocol):
    """What only a simulator knows of the scene as it is now."""

    def left(self) -> tuple[ObjectRef, ...]:
        """Objects in the scene, those in the hand included."""
        ...

    def held(self) -> tuple[ObjectRef, ...]:
        """Objects between the fingers, touched by both."""
        ...

    def arranged(self) -> str:
        """Name of the arrangement that the scene began with; empty for any other beginning."""
        ...

    def lost(self) -> tuple[ObjectRef, ...]:
        """Objects that left the workspace since the reset without ever having been lifted."""
        ...


@dataclass(frozen=True)
class Drivers:
    """The four of them, together, and the truth, which hardware does not have."""

    arm: Arm
    gripper: Gripper
    cameras: dict[str, Camera]
    scene: Scene
    truth: Truth | None = None

    def hand(self) -> Hand:
        """The gripper's state now."""
        return Hand(self.arm.pose(), self.gripper.width(), self.gripper.force(), self.arm.joints())
