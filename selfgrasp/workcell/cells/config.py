"""What all simulated cells share: the hand, the workspace, the choices of options, and how options
become JSON values and come back. Imports nothing heavy, so that `--help` comes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.bounds import Between, check_bounds
from selfgrasp.core.errors import unknown_name
from selfgrasp.core.pose import looking_at
from selfgrasp.core.spec import CameraSpec, CellSpec, GripperSpec, Workspace
from selfgrasp.workcell.sim.gl import choose_renderer

GRIPPER = GripperSpec(
    opening=0.085, finger_thickness=0.010, finger_breadth=0.020, finger_length=0.055, max_force=20.0
)
WORKSPACE = Workspace(
    low=np.array([-0.17, -0.17, 0.004]), high=np.array([0.17, 0.17, 0.30]), surface=0.0
)

Noise = Literal["none", "realistic", "imprecise", "very_imprecise", "moved"]
Rendering = Literal["auto", "gl", "rays"]
Objects = Literal["any", "apart", "alike"]
ObjectCount = Annotated[int, Between(1, 1000)]
Metres = Annotated[float, Between(0, 1)]
KickSpeed = Annotated[float, Between(0, 10)]
"""m/s."""
OptionValue = str | int | float | bool | tuple[str, ...]
"""Of one option of a cell."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "noise": get_args(Noise),
    "renderer": get_args(Rendering),
    "mixture": get_args(Objects),
}
_ALWAYS_STORED = ("count", "picture_px", "noise", "renderer", "wall_height", "registered")
"""Options that are stored with their defaults, too. Others are left out while they have them, so
that keys and fingerprints of earlier collections last."""


class CellConfig(Protocol):
    """The options that every simulated cell has; each cell's own dataclass explains them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def count(self) -> int: ...  # noqa: D102
    @property
    def picture_px(self) -> int: ...  # noqa: D102
    @property
    def noise(self) -> Noise: ...  # noqa: D102
    @property
    def renderer(self) -> Rendering: ...  # noqa: D102
    @property
    def wall_height(self) -> float: ...  # noqa: D102
    @property
    def registered(self) -> bool: ...  # noqa: D102
    @property
    def gripper_closed(self) -> float: ...  # noqa: D102
    @property
    def kick(self) -> float: ...  # noqa: D102
    @property
    def drop_test(self) -> bool: ...  # noqa: D102
    @property
    def shake(self) -> bool: ...  # noqa: D102
    @property
    def mixture(self) -> Objects: ...  # noqa: D102


Config = TypeVar("Config", bound=CellConfig)


class BuiltInArm(StrEnum):
    """The arms that need no file."""

    IIWA14 = "iiwa14"
    UR5 = "ur5"


@dataclass(frozen=True, eq=False)
class Body:
    """What the simulation of a cell is built from, beyond its spec and its options.

    Attributes:
        world_from_base: (4, 4) of the arm's base; None for a hand that flies.
        built_in: the arm on that base, unless a file says another.
        arm: an MJCF or URDF file of the arm; empty for the built-in one.
        flange: the site or body of that file that carries the hand; empty where it can be found.
        away: (3,) m, where the hand waits out of the cameras' view; None for the world's default.
        extrinsics_spread: m and rad per axis by which the cameras of different scenes' robots
            differ from the nominal extrinsics.
        paint: largest change of the colours of table, walls, arm and hand between scenes, as a
            share of the whole range.
        half_size: m from the middle of the table to its walls, or to where things count as lost.
        wall_thickness: m.
        layout: how scenes begin, see `sim.scene.Layout`.
        cases: a folder of arrangements, where scenes begin with such; empty for the package's own.
        meshes: the folder of the meshes that these name.
    """

    world_from_base: FloatArray | None = None
    built_in: BuiltInArm = BuiltInArm.IIWA14
    arm: str = ""
    flange: str = ""
    away: FloatArray | None = None
    extrinsics_spread: tuple[float, float] = (0.0, 0.0)
    paint: float = 0.0
    half_size: float = 0.18
    wall_thickness: float = 0.02
    layout: str = "heap"
    cases: str = ""
    meshes: str = ""


@dataclass(frozen=True)
class CellKind(Generic[Config]):
    """A simulated cell.

    Attributes:
        name: as in the command line and in sessions.
        summary: one line.
        config: its dataclass of options.
        spec: what policies and datasets know of the cell with these options.
        body: what the simulation is built from.
    """

    name: str
    summary: str
    config: type[Config]
    spec: Callable[[Config], CellSpec] = field(repr=False)
    body: Callable[[Config], Body] = field(repr=False)

    def options(
        self, given: Mapping[str, OptionValue] | None = None, *, base: CellConfig | None = None
    ) -> Config:
        """This cell's options: those given, then those of `base` that this cell has, then its own
        defaults.

        Args:
            given: by name.
            base: options of this or of another cell, as a protocol has them.

        Raises:
            InputError: an option that this cell does not have.
        """
        given = given or {}
        known = {f.name for f in fields(self.config)}
        if unknown := [name for name in given if name not in known]:
            raise unknown_name(f"option of {self.name}", unknown[0], sorted(known))
        taken = {} if base is None else {f.name: getattr(base, f.name) for f in fields(base)}
        return self.config(**{**{n: v for n, v in taken.items() if n in known}, **given})


def to_json(config: CellConfig) -> dict[str, object]:
    """Options as plain JSON values, as sessions store them."""
    defaults = {f.name: f.default for f in fields(config)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(config).items()
        if name in _ALWAYS_STORED or value != defaults[name]
    }


def make_spec(
    name: str,
    config: CellConfig,
    cameras: Mapping[str, CameraSpec],
    presented: FloatArray | None = None,
    *,
    gripper: GripperSpec = GRIPPER,
    workspace: Workspace = WORKSPACE,
) -> CellSpec:
    """A cell's spec, once its options are checked; the renderer is the one that "auto" stands for
    here.

    Args:
        name: of the cell.
        config: its options.
        cameras: by name.
        presented: (4, 4) world_from_tool of a hand that shows what it holds.
        gripper: but for how far it closes.
        workspace: where its tool may go.

    Raises:
        InputError: an unknown choice, a number out of range, or a gripper that closes no further
            than it opens.
    """
    for option, choices in _CHOICES.items():
        if (chosen := getattr(config, option)) not in choices:
            raise unknown_name(option, chosen, choices)
    check_bounds(config, prefix="")
    options = {**to_json(config), "renderer": str(choose_renderer(config.renderer).kind)}
    gripper = replace(gripper, closed=config.gripper_closed)
    return CellSpec(name, gripper, workspace, cameras, options, presented)


def square_camera(
    picture_px: int,
    *,
    focal: float,
    place: Iterable[float],
    target: Iterable[float],
    depth: bool,
) -> CameraSpec:
    """A camera with square pictures.

    Args:
        picture_px: side of the pictures.
        focal: focal length as a multiple of that side.
        place: (3,) m, where it is.
        target: (3,) m, what it looks at.
        depth: whether it measures depth.
    """
    f, c = focal * picture_px, picture_px / 2
    intrinsics = np.array([[f, 0, c], [0, f, c], [0, 0, 1.0]])
    return CameraSpec(
        picture_px, picture_px, intrinsics, looking_at(tuple(place), tuple(target)), depth
    )
