"""What a policy may know of the cell it works in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.errors import InputError


@dataclass(frozen=True)
class GripperSpec:
    """A two-finger gripper.

    Attributes:
        opening: m between the fingers' inner faces when fully open.
        finger_thickness: m of a finger along the closing direction.
        finger_breadth: m of a finger across the closing direction.
        finger_length: m from the fingertip to the palm.
        max_force: N a finger presses with at most.
        closed: m between the fingers' inner faces when fully closed; what is thinner cannot be
            held.
    """

    opening: float
    finger_thickness: float
    finger_breadth: float
    finger_length: float
    max_force: float
    closed: float = 0.0

    def __post_init__(self) -> None:
        for name in ("opening", "finger_thickness", "finger_breadth", "finger_length"):
            checked_number(getattr(self, name), 1e-4, 1.0, f"{name} (m)")
        checked_number(self.max_force, 0.1, 1e4, "max_force (N)")
        if not 0 <= self.closed < self.opening:
            raise InputError(
                given=f"closed (m) = {self.closed:g}",
                wanted=f"0 or more, and less than the opening of {self.opening:g}",
            )


@dataclass(frozen=True, eq=False)
class Workspace:
    """The box, in world coordinates, in which the point between the fingertips may move.

    Attributes:
        low: (3,) m; low[2] is the lowest allowed fingertip height.
        high: (3,) m.
        surface: m, the height of the table's top or the bin's floor.
    """

    low: FloatArray
    high: FloatArray
    surface: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", checked(self.low, (3,), np.float64, "workspace low"))
        object.__setattr__(self, "high", checked(self.high, (3,), np.float64, "workspace high"))
        if not (self.low < self.high).all():
            raise InputError(
                given=f"workspace from {self.low} to {self.high}",
                wanted="low below high on every axis",
            )

    def contains(self, point: FloatArray, *, margin: float = 1e-9) -> bool:
        """Whether `point` (3,) m lies inside, give or take `margin` m."""
        return bool(((point >= self.low - margin) & (point <= self.high + margin)).all())


@dataclass(frozen=True, eq=False)
class CameraSpec:
    """A calibrated camera.

    Attributes:
        height: px.
        width: px.
        intrinsics: (3, 3) px.
        world_from_camera: (4, 4) nominal extrinsics; of a camera that the hand carries its pose in
            the frame of the hand, whose +z points away from the fingers.
        has_depth: whether it measures depth.
        carrier: "world" for a camera that stands still, "hand" for one on the wrist.
    """

    height: int
    width: int
    intrinsics: FloatArray
    world_from_camera: FloatArray
    has_depth: bool = True
    carrier: Literal["world", "hand"] = "world"


@dataclass(frozen=True, eq=False)
class CellSpec:
    """What stays the same over a session: gripper, workspace, cameras, and the options that made
    the cell.

    `options` are plain JSON values (noise, bin, renderer ...); two cells with equal `fingerprint`
    produce interchangeable data. `presented` is the world_from_tool (4, 4) of a hand that shows
    what it holds to the first camera, for an attempt's present image; None leaves that out.
    """

    name: str
    gripper: GripperSpec
    workspace: Workspace
    cameras: Mapping[str, CameraSpec]
    options: Mapping[str, Any]
    presented: FloatArray | None = None

    def to_json(self) -> dict[str, object]:
        """Plain JSON values, arrays as nested lists. What came later is left out where there is
        none of it, so that fingerprints last."""
        gripper = asdict(self.gripper)
        if not self.gripper.closed:
            del gripper["closed"]
        return {
            "name": self.name,
            "gripper": gripper,
            "workspace": {
                "low": self.workspace.low.tolist(),
                "high": self.workspace.high.tolist(),
                "surface": self.workspace.surface,
            },
            "cameras": {
                name: {
                    "height": c.height,
                    "width": c.width,
                    "intrinsics": np.asarray(c.intrinsics).tolist(),
                    "world_from_camera": np.asarray(c.world_from_camera).tolist(),
                    "has_depth": c.has_depth,
                    **({} if c.carrier == "world" else {"carrier": c.carrier}),
                }
                for name, c in self.cameras.items()
            },
            "options": dict(self.options),
            **(
                {} if self.presented is None else {"presented": np.asarray(self.presented).tolist()}
            ),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> CellSpec:
        """The inverse of `to_json`."""
        return CellSpec(
            name=data["name"],
            gripper=GripperSpec(**data["gripper"]),
            workspace=Workspace(
                np.array(data["workspace"]["low"]),
                np.array(data["workspace"]["high"]),
                data["workspace"]["surface"],
            ),
            cameras={
                name: CameraSpec(
                    c["height"],
                    c["width"],
                    np.array(c["intrinsics"]),
                    np.array(c["world_from_camera"]),
                    c["has_depth"],
                    c.get("carrier", "world"),
                )
                for name, c in data["cameras"].items()
            },
            options=data["options"],
            presented=None if data.get("presented") is None else np.array(data["presented"]),
        )

    @property
    def fingerprint(self) -> str:
        """16 hex digits over everything above."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]
