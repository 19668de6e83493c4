"""Where a known object lies: coarsely by patches of heights, then by iterative closest points (Besl
& McKay 1992) over what is free on a table: a turn about its normal, and a shift along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse, pose, rotation_about_z
from selfgrasp.rollout.registration.known import KnownPoses
from selfgrasp.rollout.registration.patches import (
    CELL,
    COARSE,
    SIDE,
    coarse,
    differences,
    seen_patches,
)
from selfgrasp.vision import Heightmap


@dataclass(frozen=True)
class RegisterConfig:
    """How a known object is found.

    Attributes:
        turns: of the seen patch that are compared with each known one.
        shifts: of it to each side, by 6 mm, along both axes.
        neighbours: known poses that are registered.
        steps: of iterative closest points, at most.
        farthest: m, beyond which a point has no closest one.
        most: m, that a cell's difference in height counts for at most.
    """

    turns: int = 36
    shifts: int = 2
    neighbours: int = 12
    steps: int = 25
    farthest: float = 0.015
    most: float = 0.02


@dataclass(frozen=True, eq=False)
class Registered:
    """A known object where it was found.

    Attributes:
        index: of the known pose.
        table_from_known: (4, 4) from the axes in which it is known; the table has the world's axes
            and the surface z = 0.
        residual: m, mean difference between the heights that are seen and those that it would have.
    """

    index: int
    table_from_known: FloatArray
    residual: float


def register(
    known: KnownPoses,
    above_table: Heightmap,
    middle: FloatArray,
    cloud: FloatArray,
    config: RegisterConfig,
) -> list[Registered]:
    """The known poses that look most like an object, where they fit best; the best first.

    Args:
        known: what there is.
        above_table: heights of the object alone, in m above the table.
        middle: (2,) m of it.
        cloud: (N, 3) m, its points in the table's frame.
        config: how they are found.
    """
    found = []
    for index, began in nearest(known, above_table, middle, config):
        placed = closest_points(known.points[index], cloud, began, config)
        residual = residual_of(known, index, above_table, placed, config.most)
        found.append(Registered(index, placed, residual))
    return sorted(found, key=lambda one: one.residual)


def nearest(
    known: KnownPoses, above_table: Heightmap, middle: FloatArray, config: RegisterConfig
) -> list[tuple[int, FloatArray]]:
    """Indices of the known poses that look most like an object, and table_from_known (4, 4) by the
    turn and the shift in which each does.

    Two patches are compared by the squares of their differences, over those of both: a picture of
    half an object has another middle, so that shifts count as much as turns.
    """
    yaws = np.arange(config.turns) * 2 * np.pi / config.turns
    side = SIDE // COARSE
    looks = coarse(seen_patches(above_table, middle, yaws)).reshape(-1, side, side)
    steps = range(-config.shifts, config.shifts + 1)
    moves = np.array([(x, y) for y in steps for x in steps])
    seen = np.stack([np.roll(looks, (-y, -x), axis=(1, 2)) for x, y in moves], axis=1)
    seen = seen.reshape(len(yaws) * len(moves), -1)
    there = coarse(known.patches)
    both = (seen**2).sum(axis=1)[:, None] + (there**2).sum(axis=1)
    apart = 1.0 - 2.0 * (seen @ there.T) / both
    best = apart.argmin(axis=0)
    found = []
    for index in np.argsort(apart.min(axis=0), kind="stable")[: config.neighbours]:
        turn = rotation_about_z(float(yaws[best[index] // len(moves)]))
        own = moves[best[index] % len(moves)] * COARSE * CELL - known.middles[index]
        shift = middle + turn[:2, :2] @ own
        found.append((int(index), pose(rotation=turn, translation=(*shift, 0.0))))
    return found


def residual_of(
    known: KnownPoses, index: int, above_table: Heightmap, placed: FloatArray, most: float
) -> float:
    """m, mean difference between the heights of a map and those of a known pose placed there."""
    middle = placed[:2, :2] @ known.middles[index] + placed[:2, 3]
    yaw = np.arctan2(placed[1, 0], placed[0, 0])
    seen = seen_patches(above_table, middle, np.array([yaw]))
    return float(differences(known.patches[index].reshape(-1), seen.reshape(1, -1), most)[0])


def closest_points(
    points: NDArray[np.floating], cloud: FloatArray, began: FloatArray, config: RegisterConfig
) -> FloatArray:
    """(4, 4) table_from_known that lays `points` (P, 3) m under `cloud` (N, 3) m: from `began`, by
    turns about z and shifts along x and y."""
    tree = KDTree(points)
    placed = began
    for _ in range(config.steps):
        own = (cloud - placed[:3, 3]) @ placed[:3, :3]
        apart, nearest = tree.query(own, distance_upper_bound=config.farthest)
        near = np.isfinite(apart)
        if near.sum() < 3:
            break
        step = _onto(own[near, :2], points[nearest[near], :2].astype(np.float64))
        placed = placed @ inverse(step)
        if np.abs(step - np.eye(4)).max() < 1e-5:
            break
    return placed


def _onto(here: FloatArray, there: FloatArray) -> FloatArray:
    """(4, 4) the turn about z and the shift that bring points (N, 2) onto others, by least
    squares."""
    from_middle, to_middle = here.mean(axis=0), there.mean(axis=0)
    a, b = here - from_middle, there - to_middle
    yaw = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum())
    turn = rotation_about_z(float(yaw))
    return pose(rotation=turn, translation=(*(to_middle - turn[:2, :2] @ from_middle), 0.0))
