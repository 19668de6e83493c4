"""How far tried grasps can be predicted at all: the same grasp, done twice from one restored state
by an arm that is a little off each time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from selfgrasp.common.intervals import Estimate, bootstrap
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import Context, Grasp, Policy
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.judge import feels_held

_PER_SCENE = 10
OFFSETS = {"registration": (0.0006, 0.001), "imprecise arm": (0.003, 0.035)}
"""m and rad, standard deviations: what is left of the camera's misplacement after registration on
the bin's rim, and the `imprecise` arm."""


@dataclass(frozen=True)
class Repeat:
    """Random grasps on one scene, each done twice.

    Attributes:
        seed: of the scene.
        translation, rotation: m in x and y and rad of yaw, standard deviations by which each try is
            off.
    """

    seed: int
    translation: float
    rotation: float


def repeat_scene(cell: SimCell, policy: Policy, task: Repeat) -> list[tuple[bool, bool]]:
    """Both outcomes of ten grasps on one scene; a function of a module, so that workers find it."""

    workcell, rng = cell.cell, np.random.default_rng([task.seed, 5])
    seen = workcell.reset(task.seed)
    assert seen is not None
    state = workcell.drivers.scene.save()
    low, high = workcell.spec.workspace.low, workcell.spec.workspace.high

    def once(grasp: Grasp) -> bool:
        offset = np.array([*rng.normal(0, task.translation, 2), 0.0])
        where = np.clip(grasp.world_from_tool[:3, 3] + offset, low, high)
        done = workcell.do(
            replace(
                grasp,
                world_from_tool=top_down(
                    where, yaw_of(grasp.world_from_tool) + rng.normal(0, task.rotation)
                ),
            )
        )
        workcell.drivers.scene.restore(state)
        return feels_held(done, workcell.judge, workcell.spec.gripper.closed)

    outcomes = []
    for index in range(_PER_SCENE):
        action = policy.plan(
            Context(seen, workcell.spec, seed=_PER_SCENE * task.seed + index)
        ).action
        if isinstance(action, Grasp):
            outcomes.append((once(action), once(action)))
    return outcomes


def measure_repeats(work: Work) -> str:
    """Balanced agreement of two tries, on the test objects, for each of `OFFSETS`."""

    kept = work.folders.measured("repeats")
    scenes = max(1, work.sizes.repeats // _PER_SCENE)
    of = {"scenes": scenes, "seed": work.seed, "offsets": OFFSETS}
    steps.measured_of(kept, of, lambda: {"outcomes": _repeated(work, scenes)})
    return ", ".join(
        f"{name} {agreement.value:.3f}" for name, agreement in agreements(kept).items()
    )


def _repeated(work: Work, scenes: int) -> dict[str, list[list[tuple[bool, bool]]]]:
    """Both outcomes of every grasp, by kind of offset and scene."""
    config = WorkerConfig("tabletop", TabletopConfig(), "test", resolve("random"))
    return {
        name: list(
            play_all(
                repeat_scene,
                [
                    Repeat(Purpose.REPEATS.first_scene(work.seed) + scene, translation, rotation)
                    for scene in range(scenes)
                ],
                config,
                workers=work.workers,
            )
        )
        for name, (translation, rotation) in OFFSETS.items()
    }


def agreements(path: Path) -> dict[str, Estimate]:
    """Balanced agreement by kind of offset."""
    return {
        name: balanced_agreement(scenes)
        for name, scenes in json.loads(path.read_text())["outcomes"].items()
    }


def balanced_agreement(scenes: Sequence[Sequence[tuple[bool, bool]]]) -> Estimate:
    """How often one try tells the other's outcome, successes and failures counted half each; each
    try tells the other. Bootstrapped by scene."""
    rows = []
    for pairs in scenes:
        both = np.array(pairs, dtype=bool).reshape(-1, 2)
        told, happened = np.concatenate([both, both[:, ::-1]]).T
        rows.append([(told & happened).sum(), told.sum(), (~told & ~happened).sum(), (~told).sum()])
    return bootstrap(rows, _agreement)


def _agreement(sums: FloatArray) -> FloatArray:
    """(...) of summed rows (..., 4): successes told rightly, told, failures told rightly, told.
    What nobody told, nobody told wrongly."""
    right, told = sums[..., ::2], sums[..., 1::2]
    shares: FloatArray = np.where(told > 0, right / np.maximum(told, 1), 1.0).mean(axis=-1)
    return shares
