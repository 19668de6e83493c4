"""Ready-made simulated cells, as functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.pose import looking_at, pose, rotation_about_z
from selfgrasp.core.spec import CameraSpec, CellSpec
from selfgrasp.vision import Rim
from selfgrasp.workcell.cells.config import CAMERAS, LEAST, MIXTURES, NOISES, WORKSPACE, CellConfig
from selfgrasp.workcell.drivers import Camera, Drivers
from selfgrasp.workcell.judge import JudgeConfig
from selfgrasp.workcell.sim.arms import arm_from_file, iiwa14
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.camera import Mount, SimCamera
from selfgrasp.workcell.sim.gl import choose_renderer
from selfgrasp.workcell.sim.hand import FlyingArm, SimGripper
from selfgrasp.workcell.sim.jointarm import JointArm
from selfgrasp.workcell.sim.kick import KickedArm
from selfgrasp.workcell.sim.light import Lights, Paint
from selfgrasp.workcell.sim.noise import NoiseConfig, imprecise, realistic
from selfgrasp.workcell.sim.render import make_renderer
from selfgrasp.workcell.sim.scene import Mixture, SceneConfig, SimScene
from selfgrasp.workcell.sim.world import World
from selfgrasp.workcell.workcell import Workcell

if TYPE_CHECKING:
    from selfgrasp.objects.model import ObjectModel


ARM_BASE = (0.0, -0.58, 0.0)
"""m. Where the arm of `kuka_bin` stands, its x axis towards the bin."""
PRESENT = 0.42
PRESENT_ROLL, PRESENT_LIFT = math.radians(-60.0), math.radians(60.0)
"""m and rad. How far before the camera over its shoulder, on its axis, the arm brings what it
holds; by how much the hand is turned about that axis from hanging straight down in the picture,
where the wrist reaches; and by how much the fingers are lifted towards the camera."""
ARM_AWAY = (-0.40, -0.25, 0.40)
"""m. Where the hand of the arm waits, beside the bin."""
MOUNT_SPREAD = (0.03, math.radians(4.0))
"""m and rad per axis by which the cameras over the shoulders of different robots differ from the
drawing."""
MOVED_BY = (0.02, math.radians(3.0))
"""m and rad by which the noise "moved" moves the camera after it was calibrated."""
PAINT = 0.25


@dataclass(frozen=True, eq=False)
class SimCell:
    """A simulated workcell with handles that only simulation has.

    Attributes:
        cell: the workcell.
        physics_seconds: of processor time spent in physics so far.
        remaining: how many objects are left; privileged.
        world: the simulation itself, for films and tests.
    """

    cell: Workcell
    physics_seconds: Callable[[], float] = field(repr=False)
    remaining: Callable[[], int] = field(repr=False)
    world: World = field(repr=False)


def overhead_camera(picture_px: int) -> CameraSpec:
    """An RGB-D camera 0.72 m above the table, 0.2 m in front of its middle, that sees the whole
    workspace."""
    focal = 1.62 * picture_px
    intrinsics = np.array([[focal, 0, picture_px / 2], [0, focal, picture_px / 2], [0, 0, 1.0]])
    return CameraSpec(
        picture_px, picture_px, intrinsics, looking_at((0.0, -0.2, 0.72), (0.0, -0.005, 0.0))
    )


def shoulder_camera(picture_px: int, *, depth: bool = False) -> CameraSpec:
    """A camera over the arm's right shoulder, a metre from the middle of the bin, that sees bin and
    arm; without depth, unless asked for."""
    focal = 1.75 * picture_px
    intrinsics = np.array([[focal, 0, picture_px / 2], [0, focal, picture_px / 2], [0, 0, 1.0]])
    return CameraSpec(
        picture_px,
        picture_px,
        intrinsics,
        looking_at((0.34, -0.38, 0.84), (0.0, -0.005, 0.02)),
        has_depth=depth,
    )


def presenting(camera: CameraSpec) -> FloatArray:
    """(4, 4) world_from_tool of a hand before a camera, fingers side by side and towards it, so
    that the palm is what is seen behind the held object."""
    up, along = math.sin(PRESENT_LIFT), math.cos(PRESENT_LIFT)
    lifted = np.array([[1.0, 0.0, 0.0], [0.0, -up, along], [0.0, -along, -up]])
    shown: FloatArray = camera.world_from_camera @ pose(
        rotation=rotation_about_z(PRESENT_ROLL) @ lifted, translation=(0.0, 0.0, PRESENT)
    )
    return shown


def wrist_camera(picture_px: int) -> CameraSpec:
    """A camera on the palm that looks past the fingers; its pose is in the frame of the hand, whose
    +z points away from the fingers."""
    focal = 0.8 * picture_px
    intrinsics = np.array([[focal, 0, picture_px / 2], [0, focal, picture_px / 2], [0, 0, 1.0]])
    return CameraSpec(
        picture_px,
        picture_px,
        intrinsics,
        looking_at((0.0, -0.07, 0.10), (0.0, 0.0, -0.02)),
        has_depth=False,
    )


def tabletop_spec(config: CellConfig) -> CellSpec:
    """What policies and datasets know of the `tabletop` cell with these options; the renderer is
    the one that "auto" stands for here.

    Raises:
        InputError: an unknown noise, mixture or renderer, a number out of range, or a gripper that
            closes no further than it opens.
    """
    return _spec("tabletop", config, {"overhead": overhead_camera(config.picture_px)})


def kuka_bin_spec(config: CellConfig) -> CellSpec:
    """As `tabletop_spec`, of the `kuka_bin` cell.

    Raises:
        InputError: as `tabletop_spec`, or an unknown camera, or no file of an arm where one is
            named.
    """
    if config.arm and not Path(config.arm).is_file():
        raise InputError(
            given=f"arm {config.arm!r}",
            wanted="an MJCF or URDF file of an arm, or nothing for the KUKA iiwa 14",
        )
    made = {
        "shoulder": shoulder_camera(config.picture_px, depth=config.depth),
        "wrist": wrist_camera(config.picture_px),
    }
    if unknown := [name for name in config.cameras if name not in CAMERAS]:
        raise unknown_name("camera", unknown[0], CAMERAS)
    if not config.cameras:
        raise InputError(given="no cameras", wanted="at least one", exists=", ".join(CAMERAS))
    return replace(
        _spec("kuka_bin", config, {name: made[name] for name in config.cameras}),
        presented=presenting(shoulder_camera(config.picture_px)),
    )


def _spec(name: str, config: CellConfig, cameras: Mapping[str, CameraSpec]) -> CellSpec:

    if config.noise not in NOISES:
        raise unknown_name("noise", config.noise, NOISES)
    if config.mixture not in MIXTURES:
        raise unknown_name("mixture", config.mixture, MIXTURES)
    for option, least in LEAST.items():
        if not (value := getattr(config, option)) >= least:
            raise InputError(
                given=f"{option.replace('_', '-')} {value}", wanted=f"at least {least}"
            )
    options = {**config.to_json(), "renderer": str(choose_renderer(config.renderer).kind)}
    return CellSpec(name, config.gripper, WORKSPACE, cameras, options)


def tabletop(objects: Sequence[ObjectModel], config: CellConfig | None = None) -> SimCell:
    """A flying two-finger gripper over a table with low walls, and an RGB-D camera above it. The
    fast one.

    Args:
        objects: which scenes draw from.
        config: options.

    Raises:
        InputError: no objects, or an unknown noise or renderer.
    """
    config = config or CellConfig()
    return _simulated(tabletop_spec(config), objects, config)


def kuka_bin(objects: Sequence[ObjectModel], config: CellConfig | None = None) -> SimCell:
    """A seven-axis arm with a two-finger gripper over a bin, and a colour camera over its shoulder
    that sees the arm (Levine et al. 2016).

    Every scene is another robot's: its camera is mounted elsewhere within a few centimetres and
    degrees, and bin, arm and light have other colours.

    Args:
        objects: which scenes draw from.
        config: options.

    Raises:
        InputError: no objects, an unknown noise, renderer or camera, or an arm's file that cannot
            be used.
    """
    config = config or CellConfig()
    return _simulated(kuka_bin_spec(config), objects, config)


def _simulated(spec: CellSpec, objects: Sequence[ObjectModel], config: CellConfig) -> SimCell:
    # MuJoCo is imported when a simulated cell is made, so that a cell of hardware needs none.

    jointed = spec.name != "tabletop"
    table = TableConfig(wall_height=config.wall_height)
    base = pose(rotation=rotation_about_z(math.pi / 2), translation=ARM_BASE)
    model = (
        None
        if not jointed
        else arm_from_file(Path(config.arm), base)
        if config.arm
        else iiwa14(base)
    )
    world = World(
        objects,
        slots=config.count,
        gripper=spec.gripper,
        table=table,
        arm=model,
        away=np.array(ARM_AWAY) if jointed else None,
    )
    noise = {"none": NoiseConfig, "imprecise": imprecise}.get(config.noise, realistic)()
    moved = MOVED_BY if config.noise == "moved" else (0.0, 0.0)
    spread = MOUNT_SPREAD if jointed and config.noise != "none" else (0.0, 0.0)
    renderer = make_renderer(world.model, config.picture_px, config.picture_px, config.renderer)
    cameras: dict[str, Camera] = {}
    randomise: list[Callable[[np.random.Generator], None]] = []
    for name, camera_spec in spec.cameras.items():
        mount, carrier = (
            (Mount(), lambda: world.world_from_hand)
            if name == "wrist"
            else (Mount(*spread, *moved), None)
        )
        camera = SimCamera(
            camera_spec,
            renderer,
            lambda: world.data,
            noise,
            np.random.default_rng(0),
            mount,
            carrier,
        )
        cameras[name] = camera
        randomise.append(camera.randomise)
    lights = Lights(world.model)
    arm = JointArm(world, WORKSPACE, noise) if jointed else FlyingArm(world, WORKSPACE, noise)
    randomise += [lambda rng: lights.randomise(world.data, noise, rng), arm.randomise]
    if jointed and config.noise != "none":
        paint = Paint(world.model, world.slot_bodies)
        randomise.append(lambda rng: paint.randomise(rng, amount=PAINT))
    kicked = KickedArm(arm, world, config.kick) if config.kick else None
    if kicked is not None:
        randomise.append(kicked.randomise)
    scene = SimScene(
        world,
        objects,
        SceneConfig(count=config.count, mixture=Mixture(config.mixture)),
        on_reset=randomise,
    )
    drivers = Drivers(kicked or arm, SimGripper(world), cameras, scene)
    has_depth = any(camera.has_depth for camera in spec.cameras.values())
    rim = (
        Rim(table.half_size, table.wall_thickness, table.wall_height)
        if config.registered and table.wall_height and has_depth
        else None
    )
    workcell = Workcell(
        drivers,
        spec,
        judge=JudgeConfig(drop_test=config.drop_test),
        rim=rim,
        on_close=renderer.close,
    )
    return SimCell(workcell, lambda: world.physics_seconds, lambda: scene.remaining, world)


SPECS: Mapping[str, Callable[[CellConfig], CellSpec]] = {
    "tabletop": tabletop_spec,
    "kuka_bin": kuka_bin_spec,
}
CELLS: Mapping[str, Callable[[Sequence[ObjectModel], CellConfig | None], SimCell]] = {
    "tabletop": tabletop,
    "kuka_bin": kuka_bin,
}


def make_cell(
    name: str, objects: Sequence[ObjectModel], config: CellConfig | None = None
) -> SimCell:
    """The cell of that name.

    Raises:
        InputError: an unknown name; the message lists the known ones.
    """
    if name not in CELLS:
        raise unknown_name("cell", name, CELLS)
    return CELLS[name](objects, config)


def cell_spec(name: str, config: CellConfig) -> CellSpec:
    """The spec of the cell of that name, without making the cell.

    Raises:
        InputError: an unknown name; the message lists the known ones.
    """
    if name not in SPECS:
        raise unknown_name("cell", name, SPECS)
    return SPECS[name](config)
