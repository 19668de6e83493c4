"""Grasps of one object as it lies: drawn and labelled from its shape, done in the simulation, each
from the same restored state, and scored by a policy from a picture. What workers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Action, Context, Grasp, Policy, Scorer
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.objects.lying import Lying, surface_of
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.epsilon import force_closure
from selfgrasp.objects.quality.fingers import close_fingers
from selfgrasp.objects.quality.grasps import Grasps
from selfgrasp.objects.quality.labels import LABELS, lever_of
from selfgrasp.objects.quality.scenes import SceneRecipe, labelled
from selfgrasp.objects.surface import sample_surface
from selfgrasp.rollout.heaps import walls_of
from selfgrasp.workcell import motions
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.judge import feels_held
from selfgrasp.workcell.motions import Done, ShakeConfig
from selfgrasp.workcell.sim.noise import draw_miss, very_imprecise
from selfgrasp.workcell.sim.world import Unstable

PLACE = ("x", "y", "z", "yaw", "width")
"""m, rad: where the fingertips go, the closing axis, and how far the hand is open on the way."""
FACTS = (*LABELS, "distance", "antipodal", "moved")
"""Of every grasp. distance: m from its axis to the center of mass. antipodal: 1 where the fingers
meet the object and the axis lies in both friction cones."""
_WALL_POINTS = 3_000


class Outcome(StrEnum):
    """What is asked of a grasp: to lift; to lift although the hand misses as in the cell's noise
    `very_imprecise`; to lift and to hold through the shake of `bench shake`."""

    LIFT = "lift"
    MISS = "lift with 5 mm of miss"
    SHAKE = "lift and shake"


@dataclass(frozen=True)
class Draw:
    """A scene, and how many grasps are drawn there."""

    seed: int
    grasps: int


@dataclass(frozen=True)
class Drawn:
    """Grasps of one scene.

    Attributes:
        seed: of the scene.
        name: of the object.
        rows: each of `PLACE` and `FACTS`.
    """

    seed: int
    name: str
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Scene:
    """Which grasps of a scene are done or scored, each as `PLACE`."""

    seed: int
    grasps: tuple[tuple[float, ...], ...]

    @property
    def actions(self) -> tuple[Grasp, ...]:
        """The grasps."""
        return tuple(Grasp(top_down((x, y, z), yaw), width) for x, y, z, yaw, width in self.grasps)


@dataclass(frozen=True)
class Held:
    """What came of a grasp, in the order of `Outcome`.

    Attributes:
        judged: as the robot senses it.
        true: as the simulator knows it.
    """

    judged: tuple[bool, ...]
    true: tuple[bool, ...]


def draw(cell: SimCell, policy: Policy, task: Draw) -> Drawn:
    """Grasps of the object that the scene drops, with their labels; those that the cell would
    refuse are left out. Free means free of the walls, too."""
    workcell, world = cell.cell, cell.world
    workcell.drivers.scene.reset(task.seed)
    if not world.placed:
        return Drawn(task.seed, "", ())
    item = world.placed[0].model
    lying = Lying(item, world.object_pose(world.placed[0].slot))
    rng, recipe = np.random.default_rng([task.seed, 7]), SceneRecipe(grasps=task.grasps)
    points = surface_of(lying, rng)
    walls = sample_surface(walls_of(world.table), _WALL_POINTS, rng).points
    gripper = workcell.spec.gripper
    grasps, labels = labelled(lying, points, walls, gripper, rng, recipe)
    centers, axes = grasps.in_object(lying.table_from_object)
    columns = {
        "x": grasps.centers[:, 0],
        "y": grasps.centers[:, 1],
        "z": grasps.tips,
        "yaw": grasps.yaws,
        "width": grasps.openings,
        **labels,
        "distance": lever_of(centers, axes),
        "antipodal": _antipodal(item, centers, axes, grasps, recipe.sampler.friction),
    }
    rows = np.stack([columns[name] for name in (*PLACE, *FACTS)], axis=1)
    inside = [workcell.spec.workspace.contains(row[:3]) for row in rows]
    return Drawn(task.seed, item.name, tuple(map(tuple, rows[inside].tolist())))


def _antipodal(
    item: ObjectModel, centers: FloatArray, axes: FloatArray, grasps: Grasps, friction: float
) -> NDArray[np.bool_]:
    closed = close_fingers(item.parts, centers, axes, grasps.openings)
    found = closed.touching.copy()
    rows = np.flatnonzero(found)
    found[rows] = force_closure(closed.contacts[rows], np.full(len(rows), friction))
    return found


def try_grasps(cell: SimCell, policy: Policy, task: Scene) -> list[Held | None]:
    """What comes of each grasp; None for one with which the simulation broke."""
    scene = cell.cell.drivers.scene
    scene.reset(task.seed)
    state = scene.save()
    rng = np.random.default_rng([task.seed, 11])
    found: list[Held | None] = []
    for action in task.actions:
        missed = _missed(action, cell, rng)
        try:
            lift, shake = _lifted(cell, action, shaken=True)
            scene.restore(state)
            (miss,) = _lifted(cell, missed, shaken=False)
            outcomes = (lift, miss, shake)
            found.append(Held(tuple(o[0] for o in outcomes), tuple(o[1] for o in outcomes)))
        except Unstable:
            found.append(None)
        scene.restore(state)
    return found


def _missed(action: Grasp, cell: SimCell, rng: np.random.Generator) -> Grasp:
    """The grasp as a hand does it that is off, within the workspace."""
    off, workspace, tool = (
        draw_miss(very_imprecise(), rng),
        cell.cell.spec.workspace,
        action.world_from_tool,
    )
    where = np.clip(tool[:3, 3] + off[:3], workspace.low, workspace.high)
    return Grasp(top_down(where, yaw_of(tool) + off[3]), action.width)


def _lifted(cell: SimCell, action: Grasp, *, shaken: bool) -> list[tuple[bool, bool]]:
    """Whether the grasp holds, judged and true: after the lift, and after a shake, which what is
    not held after the lift is spared."""
    workcell = cell.cell
    drivers = workcell.drivers

    def held(done: Done) -> tuple[bool, bool]:
        truth = drivers.truth
        assert truth is not None, "a simulated cell knows"
        return feels_held(done, workcell.judge, workcell.spec.gripper.closed), bool(truth.held())

    done = workcell.do(action)
    found = [held(done)]
    if shaken:
        if found[0][0]:
            done = motions.shake(drivers, done, ShakeConfig(), workcell.motions, workcell.control)
        found.append(held(done))
    return found


def score_grasps(cell: SimCell, policy: Policy, task: Scene) -> list[float]:
    """A policy's score of each grasp from the scene's first picture; NaN where there is none."""
    assert isinstance(policy, Scorer)
    seen = cell.cell.reset(task.seed)
    if seen is None:
        return [float("nan")] * len(task.grasps)
    actions: Sequence[Action] = task.actions
    scores = policy.score(Context(seen, cell.cell.spec, seed=task.seed), actions)
    return [float(score) for score in scores]
