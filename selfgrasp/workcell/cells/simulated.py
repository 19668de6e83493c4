"""Simulated cells, made from their description."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Attempt
from selfgrasp.core.observation import Observation
from selfgrasp.core.policy import ANYTHING, Goal, Policy
from selfgrasp.core.spec import CellSpec
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_named
from selfgrasp.vision import Rim
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.cases import cases_hash, cases_of
from selfgrasp.workcell.cells.config import Body, BuiltInArm, CellConfig, Noise
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.registry import cell_kind, checked_options
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.drivers import Drivers
from selfgrasp.workcell.judge import JudgeConfig
from selfgrasp.workcell.motions import MotionConfig, ShakeConfig
from selfgrasp.workcell.sim.arm_files import ArmFile, read_arm
from selfgrasp.workcell.sim.arms import ArmModel, iiwa14
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.camera import ExtrinsicsVariation, SimCamera
from selfgrasp.workcell.sim.hand import FlyingArm, SimGripper
from selfgrasp.workcell.sim.jointarm import JointArm
from selfgrasp.workcell.sim.kick import KickedArm
from selfgrasp.workcell.sim.light import Lights, Paint
from selfgrasp.workcell.sim.noise import NoiseConfig, imprecise, realistic, very_imprecise
from selfgrasp.workcell.sim.render import make_renderer
from selfgrasp.workcell.sim.scene import Layout, Mixture, SceneConfig, SimScene
from selfgrasp.workcell.sim.ur5 import ur5
from selfgrasp.workcell.sim.world import World
from selfgrasp.workcell.workcell import Workcell

MOVED_BY = (0.02, math.radians(3.0))
"""m and rad by which the noise "moved" moves the camera after it was calibrated."""
_NOISE: Mapping[Noise, Callable[[], NoiseConfig]] = {
    "none": NoiseConfig,
    "realistic": realistic,
    "imprecise": imprecise,
    "very_imprecise": very_imprecise,
    "moved": realistic,
}
_ARMS: Mapping[BuiltInArm, Callable[[FloatArray], ArmModel]] = {
    BuiltInArm.IIWA14: iiwa14,
    BuiltInArm.UR5: ur5,
}
"""Built-in arms, from the (4, 4) world_from_base of each."""


@dataclass(eq=False)
class SimCell:
    """A simulated workcell with handles that only simulation has.

    Used by itself, as a context manager, it counts scenes and attempts: `reset` and `attempt` are
    all that a first program needs. Whoever keeps attempts uses `cell`, and says whose they are.

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
    _scene: int | None = field(default=None, init=False, repr=False)
    _attempts: int = field(default=0, init=False, repr=False)
    _holds: bool = field(default=False, init=False, repr=False)

    def __enter__(self) -> SimCell:
        return self

    def __exit__(self, *_: object) -> None:
        self.cell.close()

    def reset(self, seed: int = 0) -> Observation | None:
        """A new scene, and the first look at it; None when a camera returns nothing."""
        self._scene, self._attempts, self._holds = seed, 0, False
        return self.cell.reset(seed)

    def attempt(self, policy: Policy, *, goal: Goal = ANYTHING) -> Attempt:
        """One try in this scene, or in scene 0 before the first `reset`. What the last attempt
        holds is set aside first."""
        if self._scene is None:
            self.reset()
        if self._holds:
            self.cell.set_aside()
        ids = Ids("cell", self._scene or 0, self._attempts)
        attempt = self.cell.attempt(policy, ids, goal=goal).attempt
        self._attempts += 1
        self._holds = attempt.outcome.grasped
        return attempt


def tabletop(
    objects: Sequence[ObjectModel] | str = "train", config: TabletopConfig | None = None
) -> SimCell:
    """A flying two-finger gripper over a table with low walls, and an RGB-D camera above it. The
    fast one.

    Args:
        objects: which scenes draw from, or the name of a set, see `objects.named`.
        config: options.

    Raises:
        InputError: no objects, or wrong options.
    """
    return make_cell("tabletop", _models(objects), config)


def kuka_bin(
    objects: Sequence[ObjectModel] | str = "train", config: KukaBinConfig | None = None
) -> SimCell:
    """A seven-axis arm with a two-finger gripper over a bin, and a colour camera over its shoulder
    that sees the arm (Levine et al. 2016).

    Args:
        objects: which scenes draw from, or the name of a set, see `objects.named`.
        config: options.

    Raises:
        InputError: no objects, wrong options, or an arm's file that cannot be used.
    """
    return make_cell("kuka_bin", _models(objects), config)


def make_cell(
    name: str, objects: Sequence[ObjectModel], config: CellConfig | None = None
) -> SimCell:
    """The cell of that name.

    Args:
        name: one of `CELLS`.
        objects: which scenes draw from.
        config: its options; its defaults without.

    Raises:
        InputError: an unknown name (the message lists the known ones), no objects, or wrong
            options.
    """
    kind, options = cell_kind(name), checked_options(name, config)
    return _simulated(kind.spec(options), kind.body(options), objects, options)


def _models(objects: Sequence[ObjectModel] | str) -> Sequence[ObjectModel]:
    return objects_named(objects) if isinstance(objects, str) else objects


def _simulated(
    spec: CellSpec, body: Body, objects: Sequence[ObjectModel], config: CellConfig
) -> SimCell:
    table = TableConfig(body.half_size, config.wall_height, body.wall_thickness)
    cases = cases_of(body)
    standing = {one.model.name: one.model for case in cases for one in case.standing}
    world = World(
        tuple({**{item.name: item for item in objects}, **standing}.values()),
        slots=max([config.count, *(len(case.standing) for case in cases)]),
        gripper=spec.gripper,
        table=table,
        arm=_arm_model(body),
        away=body.away,
    )
    noise = _NOISE[config.noise]()
    size = next(iter(spec.cameras.values()))
    renderer = make_renderer(world.model, size.height, size.width, config.renderer)
    moved = MOVED_BY if config.noise == "moved" else (0.0, 0.0)
    cameras = {
        name: SimCamera(
            camera,
            renderer,
            lambda: world.data,
            noise,
            np.random.default_rng(0),
            None
            if camera.carrier == "hand"
            else ExtrinsicsVariation(*body.extrinsics_spread, *moved),
            (lambda: world.world_from_hand) if camera.carrier == "hand" else None,
        )
        for name, camera in spec.cameras.items()
    }
    lights = Lights(world.model)
    jointed = body.world_from_base is not None
    arm = (JointArm if jointed else FlyingArm)(world, spec.workspace, noise)
    # The order is that in which random numbers are drawn: another one gives other scenes.
    on_reset: list[Callable[[np.random.Generator], None]] = [
        *(camera.randomise for camera in cameras.values()),
        lambda rng: lights.randomise(world.data, noise, rng),
        arm.randomise,
    ]
    if body.paint:
        paint = Paint(world.model, world.slot_bodies)
        on_reset.append(lambda rng: paint.randomise(rng, amount=body.paint))
    kicked = KickedArm(arm, world, config.kick) if config.kick else None
    if kicked is not None:
        on_reset.append(kicked.randomise)
    scene = SimScene(
        world,
        objects,
        SceneConfig(
            count=config.count,
            mixture=Mixture(config.mixture),
            layout=Layout(body.layout),
            cases=cases,
        ),
        on_reset=on_reset,
    )
    drivers = Drivers(kicked or arm, SimGripper(world), {**cameras}, scene, scene)
    has_depth = any(camera.has_depth for camera in spec.cameras.values())
    rim = (
        Rim(table.half_size, table.wall_thickness, table.wall_height)
        if config.registered and table.wall_height and has_depth
        else None
    )
    workcell = Workcell(
        drivers,
        spec,
        motions=MotionConfig(shake=ShakeConfig() if config.shake else None),
        judge=JudgeConfig(drop_test=config.drop_test),
        rim=rim,
        on_close=renderer.close,
    )
    return SimCell(workcell, lambda: world.physics_seconds, lambda: scene.remaining, world)


def _arm_model(body: Body) -> ArmModel | None:
    if body.world_from_base is None:
        return None
    found = _arm_file(body)
    return _ARMS[body.built_in](body.world_from_base) if found is None else found.model


def cell_files(name: str, config: CellConfig | None = None) -> dict[str, str]:
    """What the files that a cell's options name hold, as sessions store it: hashes of the arm,
    where it is somebody's own, and of the arrangements, where scenes begin with such. What was
    taken of an arm's file is said once, on standard error.

    Raises:
        InputError: an unknown cell, wrong options, or a file that cannot be used.
    """
    body = cell_kind(name).body(checked_options(name, config))
    files = {}
    if (arm := _arm_file(body)) is not None:
        _say_once(str(arm))
        files["arm"] = arm.content
    if cases := cases_of(body):
        files["cases"] = cases_hash(cases)
    return files


def _arm_file(body: Body) -> ArmFile | None:
    if body.world_from_base is None or not body.arm:
        return None
    return read_arm(Path(body.arm), body.world_from_base, body.flange)


@cache
def _say_once(said: str) -> None:
    print(said, file=sys.stderr)
