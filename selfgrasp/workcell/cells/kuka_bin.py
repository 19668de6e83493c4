"""The `kuka_bin` cell: a seven-axis arm with a two-finger gripper over a bin, and a colour camera
over its shoulder that sees the arm (Levine et al. 2016).

Every scene is another robot's: its camera stands elsewhere within a few centimetres and degrees,
and bin, arm and light have other colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.bounds import PicturePx
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.pose import pose, rotation_about_z
from selfgrasp.core.spec import CameraSpec, CellSpec
from selfgrasp.workcell.cells.config import (
    Body,
    CellKind,
    KickSpeed,
    Metres,
    Noise,
    ObjectCount,
    Objects,
    Rendering,
    make_spec,
    square_camera,
)

CameraName = Literal["shoulder", "wrist"]

ARM_BASE = (0.0, -0.58, 0.0)
"""m. Where the arm stands, its x axis towards the bin."""
PRESENT = 0.42
PRESENT_ROLL, PRESENT_LIFT = math.radians(-60.0), math.radians(60.0)
"""m and rad. How far before the camera over its shoulder, on its axis, the arm brings what it
holds; by how much the hand is turned about that axis from hanging straight down in the picture,
where the wrist reaches; and by how much the fingers are lifted towards the camera."""
ARM_AWAY = (-0.40, -0.25, 0.40)
"""m. Where the hand waits, beside the bin."""
EXTRINSICS_SPREAD = (0.03, math.radians(4.0))
"""m and rad per axis by which the cameras over the shoulders of different robots differ from the
nominal extrinsics."""
PAINT = 0.25


@dataclass(frozen=True)
class KukaBinConfig:
    """Options of `kuka_bin`: an arm before a bin, a camera over its shoulder.

    Attributes:
        count: objects that a scene begins with.
        picture_px: side of the square pictures, in pixels.
        noise: realistic: calibration error, changes of colour and light, depth noise and holes (see
            `workcell.sim.noise`), and another robot in every scene. imprecise: realistic, and
            an arm that misses by 3 mm and 2 degrees. very_imprecise: by 5 mm and 1.7 degrees.
            moved: realistic, and a camera that was moved by 2 cm and 3 degrees after its
            calibration. none: perfect pictures and motions.
        renderer: where pictures come from. auto: OpenGL where it works, or else cast rays.
        wall_height: height of the bin's walls, in m.
        registered: correct the pose of a camera with depth by the bin's rim in the first picture of
            a scene. Needs walls.
        gripper_closed: distance between the fully closed fingers, in m. 0: they meet.
        cameras: one or both, shoulder first: policies look through the first.
        depth: the camera over the shoulder measures depth, too; for methods that need it.
        arm: an MJCF or URDF file of an arm of your own; empty for the KUKA iiwa 14.
        flange: the site or body of that file that carries the hand. Empty: one with a usual name
            (attachment_site, flange, tool0 ...), or else where the file's own gripper begins, or
            else the end of the longest chain of hinges.
        kick: speed, in m/s, to which every object is knocked once in an attempt, when the hand
            begins to come down. 0: never.
        drop_test: when the closed hand feels empty, open it over the bin and compare pictures to
            see whether something fell.
        shake: carry what was lifted over the middle and shake it before it is judged.
        mixture: which objects share a scene. apart: no two of a family. alike: one family alone.
    """

    count: ObjectCount = 10
    picture_px: PicturePx = 160
    noise: Noise = "realistic"
    renderer: Rendering = "auto"
    wall_height: Metres = 0.05
    registered: bool = True
    gripper_closed: Metres = 0.0
    cameras: tuple[CameraName, ...] = ("shoulder",)
    depth: bool = False
    arm: str = ""
    flange: str = ""
    kick: KickSpeed = 0.0
    drop_test: bool = False
    shake: bool = False
    mixture: Objects = "any"


def shoulder_camera(picture_px: int, *, depth: bool = False) -> CameraSpec:
    """A camera over the arm's right shoulder, a metre from the middle of the bin, that sees bin and
    arm; without depth, unless asked for."""
    return square_camera(
        picture_px, focal=1.75, place=(0.34, -0.38, 0.84), target=(0.0, -0.005, 0.02), depth=depth
    )


def wrist_camera(picture_px: int) -> CameraSpec:
    """A camera on the palm that looks past the fingers; its pose is in the frame of the hand, whose
    +z points away from the fingers."""
    camera = square_camera(
        picture_px, focal=0.8, place=(0.0, -0.07, 0.10), target=(0.0, 0.0, -0.02), depth=False
    )
    return replace(camera, carrier="hand")


def presenting(camera: CameraSpec) -> FloatArray:
    """(4, 4) world_from_tool of a hand before a camera, fingers side by side and towards it, so
    that the palm is what is seen behind the held object."""
    up, along = math.sin(PRESENT_LIFT), math.cos(PRESENT_LIFT)
    lifted = np.array([[1.0, 0.0, 0.0], [0.0, -up, along], [0.0, -along, -up]])
    return camera.world_from_camera @ pose(
        rotation=rotation_about_z(PRESENT_ROLL) @ lifted, translation=(0.0, 0.0, PRESENT)
    )


def kuka_bin_spec(config: KukaBinConfig) -> CellSpec:
    """What policies and datasets know of the cell with these options.

    Raises:
        InputError: see `make_spec`; or an unknown camera, or no file of an arm where one is named.
    """
    if config.arm and not Path(config.arm).is_file():
        raise InputError(
            given=f"arm {config.arm!r}",
            wanted="an MJCF or URDF file of an arm, or nothing for the KUKA iiwa 14",
        )
    if config.flange and not config.arm:
        raise InputError(
            given=f"the flange {config.flange!r} without an arm's file",
            wanted="--options.arm FILE beside it",
        )
    known = get_args(CameraName)
    if unknown := [name for name in config.cameras if name not in known]:
        raise unknown_name("camera", unknown[0], known)
    if not config.cameras:
        raise InputError(given="no cameras", wanted="at least one", exists=", ".join(known))
    made = {
        "shoulder": shoulder_camera(config.picture_px, depth=config.depth),
        "wrist": wrist_camera(config.picture_px),
    }
    return make_spec(
        "kuka_bin",
        config,
        {name: made[name] for name in config.cameras},
        presenting(shoulder_camera(config.picture_px)),
    )


def _body(config: KukaBinConfig) -> Body:
    varied = Body(
        world_from_base=pose(rotation=rotation_about_z(math.pi / 2), translation=ARM_BASE),
        arm=config.arm,
        flange=config.flange,
        away=np.array(ARM_AWAY),
        extrinsics_spread=EXTRINSICS_SPREAD,
        paint=PAINT,
    )
    return (
        replace(varied, extrinsics_spread=(0.0, 0.0), paint=0.0)
        if config.noise == "none"
        else varied
    )


KUKA_BIN = CellKind(
    name="kuka_bin",
    summary="an arm before a bin, a camera over its shoulder",
    config=KukaBinConfig,
    spec=kuka_bin_spec,
    body=_body,
)
