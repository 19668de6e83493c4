"""The `tabletop` cell: a flying two-finger gripper over a table with low walls, and an RGB-D camera
above it. The fast one."""

from __future__ import annotations

from dataclasses import dataclass

from selfgrasp.core.bounds import PicturePx
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


@dataclass(frozen=True)
class TabletopConfig:
    """Options of `tabletop`: a flying gripper over a table, an RGB-D camera above it.

    Attributes:
        count: objects that a scene begins with.
        picture_px: side of the square pictures, in pixels.
        noise: realistic: depth noise and holes, calibration error, changes of colour and light
            (see `workcell.sim.noise`). imprecise: realistic, and an arm that misses by 3 mm and 2
            degrees. very_imprecise: by 5 mm and 1.7 degrees. moved: realistic, and a camera that
            was moved by 2 cm and 3 degrees after its calibration. none: perfect pictures and
            motions.
        renderer: where pictures come from. auto: OpenGL where it works, or else cast rays.
        wall_height: height of the tray's walls, in m. 0: an open table.
        registered: correct the camera's pose by the tray's rim in the first picture of a scene.
            Needs walls.
        gripper_closed: distance between the fully closed fingers, in m. 0: they meet. 0.037: a
            Baxter's gripper (Pinto & Gupta 2016, section IV.C).
        kick: speed, in m/s, to which every object is knocked once in an attempt, when the hand
            begins to come down. 0: never.
        drop_test: when the closed hand feels empty, open it over the workspace and compare pictures
            to see whether something fell.
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
    kick: KickSpeed = 0.0
    drop_test: bool = False
    shake: bool = False
    mixture: Objects = "any"


def overhead_camera(picture_px: int) -> CameraSpec:
    """An RGB-D camera 0.72 m above the table, 0.2 m in front of its middle, that sees the whole
    workspace."""
    return square_camera(
        picture_px, focal=1.62, place=(0.0, -0.2, 0.72), target=(0.0, -0.005, 0.0), depth=True
    )


def tabletop_spec(config: TabletopConfig) -> CellSpec:
    """What policies and datasets know of the cell with these options.

    Raises:
        InputError: see `make_spec`.
    """
    return make_spec("tabletop", config, {"overhead": overhead_camera(config.picture_px)})


TABLETOP = CellKind(
    name="tabletop",
    summary="a hand over a table, an RGB-D camera above it",
    config=TabletopConfig,
    spec=tabletop_spec,
    body=lambda config: Body(),
)
