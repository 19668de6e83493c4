"""Ready-made cells, as functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from selfgrasp.core.errors import unknown_name
from selfgrasp.core.pose import looking_at
from selfgrasp.core.spec import CameraSpec, CellSpec, GripperSpec, Workspace
from selfgrasp.workcell.drivers import Drivers
from selfgrasp.workcell.judge import JudgeConfig
from selfgrasp.workcell.workcell import Workcell

if TYPE_CHECKING:
    from selfgrasp.workcell.sim.objects.model import ObjectModel
    from selfgrasp.workcell.sim.world import World

GRIPPER = GripperSpec(opening=0.085, finger_thickness=0.010, finger_breadth=0.020, finger_length=0.055, max_force=20.0)
WORKSPACE = Workspace(low=np.array([-0.17, -0.17, 0.004]), high=np.array([0.17, 0.17, 0.30]), surface=0.0)


NOISES = ("none", "realistic", "imprecise")


@dataclass(frozen=True)
class TabletopConfig:
    """Options of the `tabletop` cell; a session stores them.

    Attributes:
        count: objects a scene begins with.
        picture_px: side of the square pictures.
        noise: none, realistic (depth noise and holes, calibration error, colour and light; see `sim.noise`), or imprecise (realistic, and an arm that misses
            by 3 mm and 2 degrees).
        renderer: "auto", "gl" or "rays".
        wall_height: m of the tray's walls; 0 = an open table.
        registered: the camera's pose is corrected by the tray's rim in the first look at a scene; without walls it is not.
        gripper_closed: m between the fingers when fully closed; 0 = they meet, 0.037 is a Baxter's (Pinto & Gupta 2016, section IV.C).
    """

    count: int = 10
    picture_px: int = 160
    noise: str = "realistic"
    renderer: str = "auto"
    wall_height: float = 0.05
    registered: bool = True
    gripper_closed: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values. A gripper that closes fully is left out, as before there was another, so that keys and fingerprints last."""
        options = asdict(self)
        if not self.gripper_closed:
            del options["gripper_closed"]
        return options

    @property
    def gripper(self) -> GripperSpec:
        """The cell's gripper."""
        return replace(GRIPPER, closed=self.gripper_closed)


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
    """An RGB-D camera 0.75 m above the table, 0.2 m in front of its middle, that sees the whole workspace."""
    focal = 1.62 * picture_px
    intrinsics = np.array([[focal, 0, picture_px / 2], [0, focal, picture_px / 2], [0, 0, 1.0]])
    return CameraSpec(picture_px, picture_px, intrinsics, looking_at((0.0, -0.2, 0.72), (0.0, -0.005, 0.0)))


def tabletop_spec(config: TabletopConfig) -> CellSpec:
    """What policies and datasets know of the `tabletop` cell with these options; the renderer is the one that "auto" stands for here.

    Raises:
        InputError: an unknown noise or renderer, or a gripper that closes no further than it opens.
    """
    from selfgrasp.workcell.sim.gl import choose_renderer

    if config.noise not in NOISES:
        raise unknown_name("noise", config.noise, NOISES)
    options = {**config.to_json(), "renderer": str(choose_renderer(config.renderer).kind)}
    return CellSpec("tabletop", config.gripper, WORKSPACE, {"overhead": overhead_camera(config.picture_px)}, options)


def tabletop(objects: Sequence[ObjectModel], config: TabletopConfig | None = None) -> SimCell:
    """A flying two-finger gripper over a table with low walls, and an RGB-D camera above it. The fast one.

    Args:
        objects: which scenes draw from.
        config: options.

    Raises:
        InputError: no objects, or an unknown noise or renderer.
    """
    # MuJoCo is imported when a simulated cell is made, so that a cell of hardware needs none.
    from selfgrasp.vision import Rim
    from selfgrasp.workcell.sim.build import TableConfig
    from selfgrasp.workcell.sim.camera import SimCamera
    from selfgrasp.workcell.sim.hand import FlyingArm, FlyingGripper
    from selfgrasp.workcell.sim.light import Lights
    from selfgrasp.workcell.sim.noise import NoiseConfig, imprecise, realistic
    from selfgrasp.workcell.sim.render import make_renderer
    from selfgrasp.workcell.sim.scene import SceneConfig, SimScene
    from selfgrasp.workcell.sim.world import World

    config = config or TabletopConfig()
    spec = tabletop_spec(config)
    table = TableConfig(wall_height=config.wall_height)
    world = World(objects, slots=config.count, gripper=spec.gripper, table=table)
    noise = {"none": NoiseConfig, "realistic": realistic, "imprecise": imprecise}[config.noise]()
    renderer = make_renderer(world.model, config.picture_px, config.picture_px, config.renderer)
    camera = SimCamera(overhead_camera(config.picture_px), renderer, lambda: world.data, noise, np.random.default_rng(0))
    lights = Lights(world.model)
    arm = FlyingArm(world, WORKSPACE, noise)
    randomise = [camera.randomise, lambda rng: lights.randomise(world.data, noise, rng), arm.randomise]
    scene = SimScene(world, objects, SceneConfig(count=config.count), on_reset=randomise)
    drivers = Drivers(arm, FlyingGripper(world), {"overhead": camera}, scene)
    rim = Rim(table.half_size, table.wall_thickness, table.wall_height) if config.registered and table.wall_height else None
    judge = JudgeConfig(closed=spec.gripper.closed)
    return SimCell(Workcell(drivers, spec, judge=judge, rim=rim, on_close=renderer.close), lambda: world.physics_seconds, lambda: scene.remaining, world)


SPECS: Mapping[str, Callable[[TabletopConfig], CellSpec]] = {"tabletop": tabletop_spec}
CELLS: Mapping[str, Callable[[Sequence[ObjectModel], TabletopConfig | None], SimCell]] = {"tabletop": tabletop}


def make_cell(name: str, objects: Sequence[ObjectModel], config: TabletopConfig | None = None) -> SimCell:
    """The cell of that name.

    Raises:
        InputError: an unknown name; the message lists the known ones.
    """
    if name not in CELLS:
        raise unknown_name("cell", name, CELLS)
    return CELLS[name](objects, config)


def cell_spec(name: str, config: TabletopConfig) -> CellSpec:
    """The spec of the cell of that name, without making the cell.

    Raises:
        InputError: an unknown name; the message lists the known ones.
    """
    if name not in SPECS:
        raise unknown_name("cell", name, SPECS)
    return SPECS[name](config)
