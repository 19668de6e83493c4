"""Options of the cells: plain values, so that `--help` comes at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from selfgrasp.core.spec import GripperSpec, Workspace

GRIPPER = GripperSpec(
    opening=0.085, finger_thickness=0.010, finger_breadth=0.020, finger_length=0.055, max_force=20.0
)
WORKSPACE = Workspace(
    low=np.array([-0.17, -0.17, 0.004]), high=np.array([0.17, 0.17, 0.30]), surface=0.0
)

NOISES = ("none", "realistic", "imprecise", "moved")
MIXTURES = ("any", "apart", "alike")
CAMERAS = ("shoulder", "wrist")
LEAST = {"count": 1, "picture_px": 16, "wall_height": 0.0, "kick": 0.0}


@dataclass(frozen=True)
class CellConfig:
    """Options of a cell; a session stores them.

    Attributes:
        count: objects a scene begins with.
        picture_px: side of the square pictures.
        noise: none, realistic (depth noise and holes, calibration error, colour and light; see
            `sim.noise`), imprecise (realistic, and an arm that misses by 3 mm and 2 degrees), or
            moved (realistic, and a camera that was moved by 2 cm and 3 degrees after it was
            calibrated).
        renderer: "auto", "gl" or "rays".
        wall_height: m of the tray's or bin's walls; 0 = an open table.
        registered: the pose of a camera with depth is corrected by the tray's rim in the first look
            at a scene; without walls it is not.
        gripper_closed: m between the fingers when fully closed; 0 = they meet, 0.037 is a Baxter's
            (Pinto & Gupta 2016, section IV.C).
        cameras: of `kuka_bin`: shoulder, wrist.
        depth: whether the camera over the shoulder of `kuka_bin` measures depth, too; for methods
            that need it.
        arm: of `kuka_bin`: a file, MJCF or URDF; the KUKA iiwa 14 by default.
        drop_test: whether the judge opens a hand that feels empty over the bin and looks whether
            something fell.
        mixture: of the objects in a scene: any; apart, none of the same family as another; or
            alike, one family's alone.
        kick: m/s to which every object is knocked once in an attempt, when the hand begins to come
            down, as by a kick against the bin.
    """

    count: int = 10
    picture_px: int = 160
    noise: str = "realistic"
    renderer: str = "auto"
    wall_height: float = 0.05
    registered: bool = True
    gripper_closed: float = 0.0
    cameras: tuple[str, ...] = ("shoulder",)
    depth: bool = False
    arm: str = ""
    kick: float = 0.0
    drop_test: bool = False
    mixture: str = "any"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values. Options that came later are left out while they have their defaults,
        so that keys and fingerprints last."""
        options = {**asdict(self), "cameras": list(self.cameras)}
        later = {
            "gripper_closed": 0.0,
            "cameras": ["shoulder"],
            "depth": False,
            "arm": "",
            "kick": 0.0,
            "drop_test": False,
            "mixture": "any",
        }
        for name, default in later.items():
            if options[name] == default:
                del options[name]
        return options

    @property
    def gripper(self) -> GripperSpec:
        """The cell's gripper."""
        return replace(GRIPPER, closed=self.gripper_closed)
