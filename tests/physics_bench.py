"""A simulated hand over a table without cameras, and objects of known shape: what tests of physics
and of motions are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import mujoco
import numpy as np

from selfgrasp.core import CellSpec, Grasp
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse, top_down
from selfgrasp.objects import build
from selfgrasp.objects.model import ObjectModel, Part, assemble
from selfgrasp.workcell.cells.config import GRIPPER, WORKSPACE
from selfgrasp.workcell.drivers import Control, Drivers
from selfgrasp.workcell.sim.hand import FlyingArm, SimGripper
from selfgrasp.workcell.sim.scene import SceneConfig, SimScene
from selfgrasp.workcell.sim.world import World
from selfgrasp.workcell.workcell import Workcell

GREY = (0.5, 0.5, 0.5)
ORIGIN = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Bench:
    """A world, its scene driver, and a workcell over it that has no camera."""

    world: World
    scene: SimScene
    cell: Workcell

    @property
    def control(self) -> Control:
        return self.cell.control

    def surface(self, slot: int = 0) -> FloatArray:
        """(400, 3) m, world points on a slot's object, always the same ones."""
        return apply(
            self.world.object_pose(slot),
            _points(next(p.model for p in self.world.placed if p.slot == slot)),
        )

    def in_hand(self, slot: int = 0) -> FloatArray:
        """(400, 3) m, the same points as the hand sees them."""
        return apply(inverse(self.cell.drivers.arm.pose()), self.surface(slot))

    def position(self, slot: int = 0) -> FloatArray:
        return self.world.object_pose(slot)[:3, 3].copy()

    def state(self) -> FloatArray:
        """Where everything is and how it moves, when."""
        data = self.world.data
        return np.concatenate([data.qpos, data.qvel, data.ctrl, [data.time]])


def bench(objects: Sequence[ObjectModel], *, slots: int | None = None) -> Bench:
    slots = len(objects) if slots is None else slots
    world = World(objects, slots=slots, gripper=GRIPPER)
    scene = SimScene(world, objects, SceneConfig(count=slots))
    drivers = Drivers(FlyingArm(world, WORKSPACE), SimGripper(world), {}, scene)
    return Bench(world, scene, Workcell(drivers, CellSpec("bench", GRIPPER, WORKSPACE, {}, {})))


def lay(objects: Sequence[ObjectModel], at: Sequence[tuple[float, float]]) -> Bench:
    """These objects upright on the table, each with the middle of its frame over a place (x, y)
    m."""
    made = bench(objects)
    made.scene.drop((), np.random.default_rng(0))
    made.world.put(objects)
    made.cell.drivers.arm.away(control=made.control)
    for slot, (item, (x, y)) in enumerate(zip(objects, at, strict=True)):
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(
            quaternion, np.ascontiguousarray(item.object_from_principal[:3, :3]).ravel()
        )
        made.world.place(slot, np.array([x, y, 0.0002 - item.bounds[0, 2]]), quaternion)
    made.world.forward()
    made.scene.settle()
    return made


@cache
def _points(item: ObjectModel) -> FloatArray:
    return item.surface_points(400, np.random.default_rng(0))


def thing(name: str, *parts: Part, mass: float = 0.12, friction: float = 0.7) -> ObjectModel:
    return ObjectModel(name, name, None, assemble(parts), mass, friction)


def block(x: float, y: float, z: float, *, mass: float = 0.12, name: str = "block") -> ObjectModel:
    return thing(name, build.box((x, y, z), ORIGIN, GREY), mass=mass)


def grasp(x: float, y: float, z: float, yaw: float = 0.0, width: float = GRIPPER.opening) -> Grasp:
    return Grasp(top_down(np.array([x, y, z]), yaw), width)


def penetrations(world: World) -> list[tuple[float, frozenset[int]]]:
    """Every contact now: m of overlap, 0 or more, and the two bodies."""
    contact, count = world.data.contact, world.data.ncon
    bodies = world.model.geom_bodyid[contact.geom[:count]]
    return [
        (max(0.0, -float(d)), frozenset(int(b) for b in pair))
        for d, pair in zip(contact.dist[:count], bodies, strict=True)
    ]
