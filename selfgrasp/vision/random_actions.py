"""Random grasps and pushes, among all that make sense on a heightmap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.action import Grasp, Push
from selfgrasp.core.spec import CellSpec
from selfgrasp.vision.grasp_pose import grasps_at
from selfgrasp.vision.heightmap import Heightmap
from selfgrasp.vision.turned import PUSH_HEIGHT, PUSH_LENGTH, outline, pushable, standing, turned

TURNS = 16
"""Directions of pushes; grasps have half as many (Zeng et al. 2018, section IV-B)."""
_PIXEL = 0.008
_AROUND = 0.08


@dataclass(frozen=True, eq=False)
class Drawn:
    """A random action, and the probability that it was drawn with."""

    action: Grasp | Push
    probability: float


def random_grasp(top: Heightmap, spec: CellSpec, rng: np.random.Generator) -> Drawn | None:
    """A wide open grasp of a random cell where something stands, in one of 8 directions; None where
    nothing does."""
    points = standing(top, spec)
    if not len(points):
        return None
    xy = points[rng.integers(len(points))][None]
    yaw = np.array([rng.integers(TURNS // 2) * 2 * math.pi / TURNS])
    grasp = grasps_at(top, xy, yaw, spec.gripper, spec.workspace)[0]
    return Drawn(grasp, 1.0 / (len(points) * (TURNS // 2)))


def random_push(top: Heightmap, spec: CellSpec, rng: np.random.Generator) -> Drawn | None:
    """A push from a random one of all cells and 16 directions from which something is met; None
    where there is none."""
    points = standing(top, spec)
    if not len(points):
        return None
    around = outline(points, margin=_AROUND)
    places, yaws = [], []
    for index in range(TURNS):
        yaw = index * 2 * math.pi / TURNS
        surface = spec.workspace.surface
        seen = turned(top, around, yaw, surface=surface, pixel=_PIXEL, border=0)
        found = seen.world_xy(np.argwhere(pushable(seen, spec)))
        places.append(found)
        yaws.append(np.full(len(found), yaw))
    every, directions = np.concatenate(places), np.concatenate(yaws)
    if not len(every):
        return None
    one = int(rng.integers(len(every)))
    start = np.array([*every[one], spec.workspace.surface + PUSH_HEIGHT])
    return Drawn(Push(start, float(directions[one]), PUSH_LENGTH), 1.0 / len(every))


def random_action(
    top: Heightmap, spec: CellSpec, rng: np.random.Generator, *, pushes: float
) -> Drawn | None:
    """A push with the probability `pushes`, where there is any, and else a grasp; None where
    nothing stands."""
    drawn = random_push(top, spec, rng) if rng.random() < pushes else None
    if drawn is not None:
        return Drawn(drawn.action, pushes * drawn.probability)
    drawn = random_grasp(top, spec, rng)
    return drawn and Drawn(drawn.action, (1.0 - pushes) * drawn.probability)
