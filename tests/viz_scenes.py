"""Attempts on scenes of boxes, played by a rule: nouns for drawing whose outcome is known without a
simulator."""

from __future__ import annotations

import math

import numpy as np
from vision_scenes import GRIPPER, WORKSPACE, Box, camera, render

from selfgrasp.core import (
    ANYTHING,
    Attempt,
    CellSpec,
    Fault,
    Grasp,
    Hand,
    Heat,
    Label,
    Observation,
    Outcome,
    Plan,
    Step,
    View,
)
from selfgrasp.core.pose import angle_between_grasps, pose, top_down

SPEC = CellSpec("boxes", GRIPPER, WORKSPACE, {}, {})
AWAY = Hand(top_down((0.0, 0.0, 0.3), 0.0), 0.085, 0.0)
TILT_DEG = 12.0


def boxes(rng: np.random.Generator, count: int) -> list[Box]:
    """Boxes at random places, not too close to each other."""
    found: list[Box] = []
    while len(found) < count:
        xy = rng.uniform(-0.16, 0.16, 2)
        if all(np.hypot(*(xy - other.xy)) > 0.085 for other in found):
            size = (
                float(rng.uniform(0.025, 0.06)),
                float(rng.uniform(0.05, 0.1)),
                float(rng.uniform(0.02, 0.06)),
            )
            color = tuple(int(c) for c in rng.integers(40, 230, 3))
            found.append(
                Box((float(xy[0]), float(xy[1])), size, float(rng.uniform(-1.5, 1.5)), color=color)
            )
    return found


def look(shapes: list[Box], seed: int = 0) -> Observation:
    """What the overhead camera sees of them."""
    view: View = render(
        shapes, world_from_camera=camera(TILT_DEG), noise=0.002, holes=0.01, seed=seed
    )
    return Observation(0.0, {"camera": view}, AWAY)


def quality(shapes: list[Box], xy: np.ndarray, yaw: float) -> float:
    """0..1: near a box's middle and along its short side."""
    return max(
        (
            math.exp(-((np.hypot(*(xy - box.xy)) / 0.025) ** 2))
            * math.cos(angle_between_grasps(yaw, box.yaw)) ** 2
            for box in shapes
        ),
        default=0.0,
    )


def heat_of(shapes: list[Box], pixel: float = 0.01, layers: int = 8) -> Heat:
    """`quality` over the workspace."""
    angles = np.arange(layers) * math.pi / layers
    cells = int(0.4 / pixel)
    values = np.zeros((layers, cells, cells), np.float32)
    for row in range(cells):
        for column in range(cells):
            xy = np.array([-0.2 + (column + 0.5) * pixel, -0.2 + (row + 0.5) * pixel])
            values[:, row, column] = [quality(shapes, xy, angle) for angle in angles]
    return Heat(values, angles, pose(translation=(-0.2, -0.2, 0.0)), pixel)


def play(
    policy: str,
    scene: int,
    rng: np.random.Generator,
    *,
    count: int = 6,
    tries: int = 12,
    skill: float = 0.0,
    round_: int = 0,
    with_heat: bool = False,
):
    """Yields (plan, attempt, labels) of one scene until it is empty or out of tries; `skill` 0..1
    aims at the boxes."""
    left = boxes(rng, count)
    for index in range(tries):
        if not left:
            return
        target = left[int(rng.integers(len(left)))]
        noise = 0.008 if rng.random() < skill else 0.06
        xy = np.clip(np.array(target.xy) + rng.normal(0, noise, 2), -0.19, 0.19)
        yaw = target.yaw + rng.normal(0, 0.15) if noise < 0.05 else rng.uniform(-1.5, 1.5)
        grasp = Grasp(top_down((*xy, 0.02), yaw), 0.08)
        good = quality(left, xy, yaw)
        heat = heat_of(left) if with_heat and index < 2 else None
        plan = Plan((grasp,), np.array([good]), maps={} if heat is None else {"grasp": heat})
        held = good > 0.45
        fault = (
            None
            if held
            else (Fault.BLOCKED if good > 0.2 else Fault.SLIPPED if good > 0.12 else None)
        )
        before = look(left, index)
        gone = max(left, key=lambda box: quality([box], xy, yaw)) if held else None
        after = [box for box in left if box is not gone]
        width = gone.size[0] if gone else 0.0
        step = Step(None, grasp, grasp, AWAY, good)
        outcome = Outcome(held, width, 12.0 if held else 0.0, 0.03, fault)
        attempt = Attempt(
            f"7-{policy}-{scene}-{index}",
            "s",
            scene,
            index,
            round_,
            f"{scene}-{index}",
            policy,
            ANYTHING,
            before,
            (step,),
            outcome,
            look(after, index),
        )
        labels = [
            Label(attempt.id, "truth.grasped", held, "simulator"),
            Label(attempt.id, "truth.object", "box" if held else "", "simulator"),
        ]
        yield plan, attempt, labels
        left = after
