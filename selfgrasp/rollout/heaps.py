"""Heaps for candidates: objects dropped into a bin and settled, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfgrasp.common.split import SplitRule
from selfgrasp.core.pose import pose
from selfgrasp.objects.lying import Lying
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.part import Part, Shape
from selfgrasp.workcell.cells.config import GRIPPER
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.scene import SceneConfig, SimScene
from selfgrasp.workcell.sim.world import Unstable, World

_SPREAD = (0.05, 0.11)
"""m, half the side of the square over which objects are dropped, from and to."""


class Heaps:
    """Drops heaps of 2 to `most` of these objects.

    Args:
        objects: what is dropped. A heap holds objects of one part of a dataset alone, so that what
            is held out is seen nowhere in training.
        most: objects of a heap.
    """

    def __init__(self, objects: Sequence[ObjectModel], most: int) -> None:
        self._objects, self._most = tuple(objects), most
        table = TableConfig()
        self._world = World(self._objects, slots=most, gripper=GRIPPER, table=table)
        self.walls = walls_of(table)
        rule = SplitRule()
        self._part = [rule.part_of(f"object|{item.name}") for item in self._objects]

    def drop(self, index: int, rng: np.random.Generator) -> list[Lying]:
        """A heap with object `index` in it; what rolled out of the bin is gone. Empty where the
        simulation broke."""
        alike = [i for i, part in enumerate(self._part) if part == self._part[index] and i != index]
        count = min(int(rng.integers(1, self._most)), len(alike))
        chosen = [index, *rng.choice(alike, count, replace=False)]
        rng.shuffle(chosen)
        scene = SimScene(
            self._world,
            self._objects,
            SceneConfig(count=len(chosen), spread=rng.uniform(*_SPREAD)),
        )
        try:
            scene.drop([self._objects[i] for i in chosen], rng)
        except Unstable:
            return []
        return [
            Lying(placed.model, self._world.object_pose(placed.slot))
            for placed in self._world.placed
        ]


def walls_of(table: TableConfig) -> tuple[Part, ...]:
    """The four walls, as boxes in the frame of the table."""
    high, half = table.wall_height / 2, table.wall_thickness / 2
    middle, length = table.half_size + half, table.half_size + table.wall_thickness
    return tuple(
        Part(
            Shape.BOX,
            np.array([half, length, high] if x else [length, half, high]),
            pose(translation=np.array([x * middle, y * middle, high])),
            np.full(3, 0.6),
        )
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
