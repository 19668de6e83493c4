"""Servo attempts of ten motions, for `make bench`: what the arm costs against the flying gripper."""

from __future__ import annotations

import time

from selfgrasp.core import Policy
from selfgrasp.methods.baselines import RandomServoConfig, RandomServoPolicy
from selfgrasp.runs.play import PlayedScene, SceneTask, play_scene
from selfgrasp.workcell.cells import CellConfig, SimCell

STEPS = 10
ATTEMPTS, PER_SCENE = 160, 10


def play(cell: SimCell, policy: Policy, task: SceneTask) -> PlayedScene:
    """A scene of attempts that move ten times, with a look before each."""
    return play_scene(cell, RandomServoPolicy(RandomServoConfig(steps=(STEPS, STEPS))), task)


def servoing(workers: int = 2) -> dict[str, float]:
    """Attempts a second in both cells, all pictures encoded: ten objects, 96 px."""
    from selfgrasp.runs.pool import WorkerConfig, play_all

    found = {}
    for cell in ("kuka_bin", "tabletop"):
        config = WorkerConfig(cell, CellConfig(count=10, picture_px=96), "train", "random_servo")
        tasks = [SceneTask("bench", 0, scene, PER_SCENE) for scene in range(ATTEMPTS // PER_SCENE + workers)]
        played = play_all(play, tasks, config, workers=workers)
        # The first scene of each worker pays for making its cell.
        for _ in range(workers):
            next(played)
        start, done = time.perf_counter(), list(played)
        attempts = sum(len(scene.attempts) for scene in done)
        share = sum(scene.seconds["physics"] for scene in done) / sum(scene.seconds["total"] for scene in done)
        found[f"servo {STEPS} steps, attempts/s ({workers} workers, {cell})"] = attempts / (time.perf_counter() - start)
        found[f"servo {STEPS} steps, physics share ({cell})"] = share
    return found
