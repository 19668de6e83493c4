"""How objects are held after a shake: by random antipodal grasps, by the best of these by their
analytic label, and by the oracle.

    python -m benchmarks.adversarial adversarial 40
    python -m benchmarks.adversarial household 20

The eight objects of the set "adversarial" were chosen by this, before any learned policy was
looked at: of each, random antipodal grasps hold below 0.6 and the oracle above 0.95.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.common.intervals import wilson
from selfgrasp.core.action import Grasp
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.observation import Observation
from selfgrasp.core.policy import Context
from selfgrasp.core.pose import apply
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.quality.grasps import SamplerConfig, collision_free, sample_grasps
from selfgrasp.objects.quality.robust import robustness
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.judge import feels_held
from selfgrasp.workcell.sim.oracle import OraclePolicy

CELL = TabletopConfig(count=1, noise="none", picture_px=32, renderer="rays", shake=True)
EACH = 3
"""Random grasps from one state, which is put back before each."""
_SAMPLED, _SURFACE = 40, 4_000
_LINE = "{:<20} {:<26} {:<26} {:<26} {}"
_FIRST_SCENE = 5_000_000


@dataclass
class Held:
    """Of one object: grasps that held, tried, and scenes in which there was none to try.

    Attributes:
        random: outcomes of random antipodal grasps that come down freely.
        labelled: of the one of them whose robust epsilon quality is best, a scene.
        oracle: outcomes of the oracle's.
        without: scenes without a free antipodal grasp.
    """

    random: list[bool] = field(default_factory=list)
    labelled: list[bool] = field(default_factory=list)
    oracle: list[bool] = field(default_factory=list)
    without: int = 0


def measure(item: ObjectModel, scenes: int) -> Held:
    """Drop the object alone, `scenes` times, and grasp it each time."""
    held = Held()
    with tabletop([item], CELL) as cell:
        oracle, scene = OraclePolicy(cell.cell), cell.cell.drivers.scene
        for seed in range(_FIRST_SCENE, _FIRST_SCENE + scenes):
            first = cell.reset(seed)
            if first is None or not cell.remaining():
                continue
            state = scene.save()
            grasps, labels = antipodal_grasps(cell, item, np.random.default_rng(seed))
            held.without += not grasps
            for grasp in grasps[:EACH]:
                scene.restore(state)
                held.random.append(holds(cell, grasp))
            if grasps:
                scene.restore(state)
                held.labelled.append(holds(cell, grasps[int(labels.argmax())]))
            scene.restore(state)
            held.oracle.append(holds(cell, _planned(oracle, cell, first, seed)))
    return held


def antipodal_grasps(
    cell: SimCell, item: ObjectModel, rng: np.random.Generator
) -> tuple[list[Grasp], FloatArray]:
    """N random antipodal grasps over the true shape, from above, that come down freely, and their
    robust epsilon qualities (N,)."""
    lies: FloatArray = cell.world.object_pose(0)
    gripper, workspace = cell.cell.spec.gripper, cell.cell.spec.workspace
    found = sample_grasps(item, lies, _SAMPLED, gripper, rng, SamplerConfig(wide_share=0.0))
    points = apply(lies, item.surface_points(_SURFACE, rng))
    low, high = workspace.low[:2], workspace.high[:2]
    inside = ((found.centers[:, :2] >= low) & (found.centers[:, :2] <= high)).all(axis=1)
    free = found[collision_free(points, found, gripper) & inside]
    grasps = [
        Grasp(tool, float(opening))
        for tool, opening in zip(free.table_from_tool, free.openings, strict=True)
    ]
    centers, axes = free.in_object(lies)
    return grasps, robustness(item.parts, centers, axes, free.openings, rng).epsilon


def holds(cell: SimCell, grasp: Grasp) -> bool:
    """Whether something is held after the shake."""
    done = cell.cell.do(grasp)
    return feels_held(done, cell.cell.judge, cell.cell.spec.gripper.closed)


def _planned(oracle: OraclePolicy, cell: SimCell, first: Observation, seed: int) -> Grasp:
    action = oracle.plan(Context(first, cell.cell.spec, seed=seed)).action
    assert isinstance(action, Grasp)
    return action


def main(objects: str, scenes: int) -> None:
    """A line for each object of a set, and one for all."""
    total = Held()
    print(_LINE.format("held after a shake", "random antipodal", "best label", "oracle", "without"))
    for item in objects_named(objects):
        held = measure(item, scenes)
        _say(item.name, held)
        total.random += held.random
        total.labelled += held.labelled
        total.oracle += held.oracle
        total.without += held.without
    _say(objects, total)


def _say(name: str, held: Held) -> None:
    rates = map(_rate, (held.random, held.labelled, held.oracle))
    print(_LINE.format(name, *rates, held.without), flush=True)


def _rate(outcomes: Sequence[bool]) -> str:
    found = wilson(sum(outcomes), len(outcomes))
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}] {found.n}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
