"""The cells `flat_table` and `ur5_table`: a table without walls, toy blocks, an RGB-D camera that
stands before it (Zeng et al. 2018, section V.C). In one a hand flies, the fast one; in the other a
UR5 carries it.

How hard packed blocks are to grasp depends on the gripper's opening more than on anything else. The
gripper `packed` opens 65 mm: with it a policy that never pushes completes about as many of the
published arrangements as was published. It is nobody's product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from selfgrasp.core.bounds import PicturePx
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.pose import looking_at, pose
from selfgrasp.core.spec import CameraSpec, CellSpec, GripperSpec, Workspace
from selfgrasp.workcell.cells.config import (
    GRIPPER,
    Body,
    BuiltInArm,
    CellKind,
    KickSpeed,
    Metres,
    Noise,
    ObjectCount,
    Objects,
    Rendering,
    make_spec,
)

GripperName = Literal["packed", "tabletop"]
Layout = Literal["scattered", "packed", "mixed", "cases"]

HALF_SIZE = 0.224
"""m from the middle of the table to the border of the workspace."""
TABLE_WORKSPACE = Workspace(
    low=np.array([-HALF_SIZE, -HALF_SIZE, 0.004]),
    high=np.array([HALF_SIZE, HALF_SIZE, 0.30]),
    surface=0.0,
)
GRIPPERS: Mapping[GripperName, GripperSpec] = {
    "packed": GripperSpec(
        opening=0.065,
        finger_thickness=0.020,
        finger_breadth=0.020,
        finger_length=0.055,
        max_force=20.0,
    ),
    "tabletop": GRIPPER,
}
UR5_BASE = (0.5, 0.0, 0.0)
"""m. Where the UR5 stands, behind the edge that the camera looks towards; the workspace lies on the
-x side of its base (Zeng et al. 2018: 0.276 to 0.724 m)."""
UR5_AWAY = (0.5, -0.45, 0.40)
"""m. Where its hand waits, beside its base and out of the camera's view."""
_FOCAL = 1.37


@dataclass(frozen=True)
class FlatTableConfig:
    """Options of `flat_table` and `ur5_table`: blocks on a table without walls.

    Attributes:
        count: objects that a scene begins with; of packings at most so many.
        picture_px: height of the pictures, in pixels; they are 4/3 times as wide.
        gripper: packed: opens 65 mm, fingers 20 mm thick. tabletop: opens 85 mm, fingers 10 mm
            thick.
        layout: how scenes begin. scattered: objects dropped one by one. packed: 2 to 6 of them side
            by side. mixed: either. cases: arrangements from files.
        cases: a folder of arrangements, for the layout cases; empty for the package's own.
        meshes: the folder of the meshes that these name.
        noise: as in `tabletop`.
        renderer: where pictures come from. auto: OpenGL where it works, or else cast rays.
        wall_height: height of walls, in m.
        registered: correct the camera's pose by the walls' rim; needs walls.
        gripper_closed: distance between the fully closed fingers, in m.
        kick: speed, in m/s, to which every object is knocked once in an attempt. 0: never.
        drop_test: when the closed hand feels empty, open it over the workspace and compare pictures
            to see whether something fell.
        shake: carry what was lifted over the middle and shake it before it is judged.
        mixture: which objects share a scene. apart: no two of a family. alike: one family alone.
    """

    count: ObjectCount = 10
    picture_px: PicturePx = 480
    gripper: GripperName = "packed"
    layout: Layout = "scattered"
    cases: str = ""
    meshes: str = ""
    noise: Noise = "realistic"
    renderer: Rendering = "auto"
    wall_height: Metres = 0.0
    registered: bool = False
    gripper_closed: Metres = 0.0
    kick: KickSpeed = 0.0
    drop_test: bool = False
    shake: bool = False
    mixture: Objects = "any"


def static_camera(picture_px: int) -> CameraSpec:
    """An RGB-D camera 0.68 m above the table, 0.3 m in front of its middle, that sees the whole
    workspace; 640 x 480 at 480 px."""
    width = round(picture_px * 4 / 3)
    focal = _FOCAL * picture_px
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, picture_px / 2], [0, 0, 1.0]])
    return CameraSpec(
        picture_px, width, intrinsics, looking_at((-0.30, 0.0, 0.68), (0.0, 0.0, 0.0))
    )


def flat_table_spec(config: FlatTableConfig) -> CellSpec:
    """What policies and datasets know of `flat_table` with these options.

    Raises:
        InputError: see `make_spec`; or files of cases for a layout that has none.
    """
    return _spec("flat_table", config)


def ur5_table_spec(config: FlatTableConfig) -> CellSpec:
    """What policies and datasets know of `ur5_table` with these options.

    Raises:
        InputError: see `flat_table_spec`.
    """
    return _spec("ur5_table", config)


def _spec(name: str, config: FlatTableConfig) -> CellSpec:
    if config.gripper not in GRIPPERS:
        raise unknown_name("gripper", config.gripper, GRIPPERS)
    if config.layout not in get_args(Layout):
        raise unknown_name("layout", config.layout, get_args(Layout))
    if (config.cases or config.meshes) and config.layout != "cases":
        raise InputError(
            given=f"cases {config.cases!r} and the layout {config.layout!r}",
            wanted="--options.layout cases beside them",
        )
    return make_spec(
        name,
        config,
        {"static": static_camera(config.picture_px)},
        gripper=GRIPPERS[config.gripper],
        workspace=TABLE_WORKSPACE,
    )


def _body(config: FlatTableConfig) -> Body:
    return Body(
        half_size=HALF_SIZE,
        wall_thickness=0.02 if config.wall_height else 0.0,
        layout=config.layout,
        cases=config.cases,
        meshes=config.meshes,
    )


FLAT_TABLE = CellKind(
    name="flat_table",
    summary="a hand over toy blocks on a table without walls, an RGB-D camera before it",
    config=FlatTableConfig,
    spec=flat_table_spec,
    body=_body,
)


def _ur5_body(config: FlatTableConfig) -> Body:
    return replace(
        _body(config),
        world_from_base=pose(translation=UR5_BASE),
        built_in=BuiltInArm.UR5,
        away=np.array(UR5_AWAY),
    )


UR5_TABLE = CellKind(
    name="ur5_table",
    summary="a UR5 before toy blocks on a table without walls, an RGB-D camera opposite",
    config=FlatTableConfig,
    spec=ur5_table_spec,
    body=_ur5_body,
)
