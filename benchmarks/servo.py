"""Servoing, for `make bench`: attempts of ten motions, which say what the arm costs against the
flying gripper, and one decision."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from selfgrasp.core import Policy
from selfgrasp.methods.baselines import RandomServoConfig, RandomServoPolicy
from selfgrasp.rollout.scene import PlayedScene, SceneTask, play_scene
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.registry import CELLS
from selfgrasp.workcell.cells.simulated import SimCell

STEPS = 10
ATTEMPTS, PER_SCENE = 160, 10


def play(cell: SimCell, policy: Policy, task: SceneTask) -> PlayedScene:
    """A scene of attempts that move ten times, with a look before each."""
    return play_scene(cell, RandomServoPolicy(RandomServoConfig(steps=(STEPS, STEPS))), task)


def servoing(workers: int = 2) -> dict[str, float]:
    """Attempts a second in both cells, all pictures encoded: ten objects, 96 px."""
    from selfgrasp.rollout.policies import resolve
    from selfgrasp.rollout.workers import WorkerConfig, play_all

    found = {}
    for cell in ("kuka_bin", "tabletop"):
        config = WorkerConfig(
            cell,
            CELLS[cell].options({"count": 10, "picture_px": 96}),
            "train",
            resolve("random_servo"),
        )
        tasks = [
            SceneTask("bench", 0, scene, PER_SCENE)
            for scene in range(ATTEMPTS // PER_SCENE + workers)
        ]
        played = play_all(play, tasks, config, workers=workers)
        # The first scene of each worker pays for making its cell.
        for _ in range(workers):
            next(played)
        start, done = time.perf_counter(), list(played)
        attempts = sum(len(scene.attempts) for scene in done)
        share = sum(scene.seconds["physics"] for scene in done) / sum(
            scene.seconds["total"] for scene in done
        )
        found[f"servo {STEPS} steps, attempts/s ({workers} workers, {cell})"] = attempts / (
            time.perf_counter() - start
        )
        found[f"servo {STEPS} steps, physics share ({cell})"] = share
    return found


def deciding(times: int = 20) -> dict[str, float]:
    """Milliseconds of one decision of `hand_eye` on two threads: both pictures of 128 px, 3 x 64
    motions, the best of them judged again."""
    import torch

    from selfgrasp.core import Context
    from selfgrasp.core.pose import top_down
    from selfgrasp.objects.named import objects_named
    from selfgrasp.rollout.policies import load_policy
    from selfgrasp.workcell.cells.simulated import kuka_bin
    from selfgrasp.workcell.drivers import Control

    torch.set_num_threads(2)
    simulated = kuka_bin(objects_named("train"), KukaBinConfig(count=25, picture_px=128))
    with simulated.cell as cell:
        policy, first = load_policy("hand_eye", simulated), cell.reset(0)
        cell.drivers.arm.move(top_down((0.0, 0.0, 0.25), 0.0), speed=1.0, control=Control())
        seen = cell.observe()
        assert seen is not None
        context = Context(seen, cell.spec, first=first, step=1)
        return {
            "servo decision, ms (hand_eye, 2 threads)": 1e3
            * median_seconds(lambda: policy.plan(context), times)
        }


def median_seconds(work: Callable[[], object], times: int) -> float:
    """The median duration of `work`, after one run that does not count."""
    work()
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)
