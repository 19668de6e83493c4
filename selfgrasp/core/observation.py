"""What the robot sees and feels at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import checked_pose

MAX_DEPTH = 10.0
"""Metres. Depth beyond this is taken for a wrong unit: a table-top camera never sees that far."""


def checked_intrinsics(intrinsics: FloatArray, height: int, width: int) -> FloatArray:
    """A read-only pinhole matrix that fits an (height, width) picture.

    Raises:
        InputError: not upper-triangular with positive focal lengths, or a principal point outside
            the picture.
    """
    k = checked(intrinsics, (3, 3), np.float64, "intrinsics")
    if (
        k[0, 0] <= 0
        or k[1, 1] <= 0
        or not np.allclose(k[[1, 2, 2], [0, 0, 1]], 0)
        or not np.isclose(k[2, 2], 1)
    ):
        raise InputError(
            given=f"intrinsics {k.tolist()}",
            wanted="[[fx, skew, cx], [0, fy, cy], [0, 0, 1]] in pixels, fx and fy positive",
        )
    if not (0 <= k[0, 2] <= width and 0 <= k[1, 2] <= height):
        raise InputError(
            given=f"intrinsics with principal point ({k[0, 2]:g}, {k[1, 2]:g}) for a picture of "
            f"{width} x {height} px",
            wanted="a principal point inside the picture (were the intrinsics made for another "
            "resolution?)",
        )
    return k


@dataclass(frozen=True, eq=False)
class View:
    """One camera's picture with its geometry.

    Attributes:
        color: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32 m along the optical axis, NaN = no return; None for a monocular
            camera.
        intrinsics: (3, 3) float64 px; the centre of the top-left pixel is (0.5, 0.5).
        world_from_camera: (4, 4); camera axes x right, y down, z forward.

    Raises:
        InputError: sizes that do not agree, depth that is not positive or beyond `MAX_DEPTH` (a
            wrong unit).
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    intrinsics: FloatArray
    world_from_camera: FloatArray

    def __post_init__(self) -> None:
        color = checked(self.color, (None, None, 3), np.uint8, "color")
        object.__setattr__(self, "color", color)
        height, width = color.shape[:2]
        if self.depth is not None:
            depth = checked(self.depth, (None, None), np.float32, "depth", finite=False)
            if depth.shape != (height, width):
                raise InputError(
                    given=f"depth of {depth.shape[1]} x {depth.shape[0]} px beside color "
                    f"of {width} "
                    f"x {height} px",
                    wanted="the same size",
                )
            low, high = np.fmin.reduce(depth, axis=None), np.fmax.reduce(depth, axis=None)
            if not (np.isnan(low) or (low > 0 and high <= MAX_DEPTH)):
                raise InputError(
                    given=f"depth from {low:g} to {high:g}",
                    wanted=f"metres above 0 and up to {MAX_DEPTH:g}, NaN where there is no return",
                )
            object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "intrinsics", checked_intrinsics(self.intrinsics, height, width))
        object.__setattr__(
            self, "world_from_camera", checked_pose(self.world_from_camera, "world_from_camera")
        )

    @staticmethod
    def uncalibrated(color: NDArray[np.uint8]) -> View:
        """A picture (H, W, 3) uint8 of which no more is known than its colors, as a goal: it shows
        the wanted object alone. The identity stands for the camera's pose."""
        height, width = color.shape[:2]
        focal = float(max(height, width, 1))
        intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return View(color, None, intrinsics, np.eye(4))

    @property
    def is_calibrated(self) -> bool:
        """Whether the camera's pose is known; see `uncalibrated`."""
        return not np.array_equal(self.world_from_camera, np.eye(4))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.color.shape[0], self.color.shape[1]


@dataclass(frozen=True, eq=False)
class Hand:
    """What the gripper reports of itself.

    Attributes:
        world_from_tool: (4, 4); origin between the fingertips, +z approach, +x closing.
        width: m between the fingers' inner faces.
        force: N that the fingers press with.
        joints: (J,) rad of the arm, or None for a hand without an arm.
    """

    world_from_tool: FloatArray
    width: float
    force: float
    joints: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "world_from_tool", checked_pose(self.world_from_tool, "world_from_tool")
        )
        object.__setattr__(self, "width", checked_number(self.width, -0.01, 1.0, "width (m)"))
        object.__setattr__(self, "force", checked_number(self.force, 0.0, 1e4, "force (N)"))
        if self.joints is not None:
            object.__setattr__(self, "joints", checked(self.joints, (None,), np.float64, "joints"))


@dataclass(frozen=True, eq=False)
class Observation:
    """All cameras and the hand at one time.

    Attributes:
        time: s since the scene began.
        views: pictures by camera name.
        hand: the gripper's state.
    """

    time: float
    views: Mapping[str, View]
    hand: Hand

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", checked_number(self.time, 0.0, 1e9, "time (s)"))
        object.__setattr__(self, "views", MappingProxyType(dict(self.views)))

    def __reduce__(self) -> tuple[object, ...]:
        return (Observation, (self.time, dict(self.views), self.hand))

    def view(self, name: str | None = None) -> View:
        """The view called `name`, or the first one.

        Raises:
            InputError: no such view.
        """
        if name is None:
            name = next(iter(self.views), None)
        if name is None or name not in self.views:
            raise InputError(
                given=f"view {name!r}",
                wanted="a view of this observation",
                exists=", ".join(self.views) or "none",
            )
        return self.views[name]
