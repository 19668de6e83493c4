"""What a push is worth: the best grasp is tried before it and after it, and undone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from selfgrasp.core import Context, Grasp, Plan, Push
from selfgrasp.core.pose import top_down
from selfgrasp.objects.catalogue import block_objects
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.cells.simulated import SimCell, make_cell
from selfgrasp.workcell.play import Episode, Stop, Task, play

GRASP = Grasp(top_down((0.0, 0.0, 0.025), 0.0), 0.065)


@dataclass
class Pusher:
    """Pushes through the middle; of its answers after the first the probability is given."""

    after: float = 1.0
    asked: list[Context] = field(default_factory=list)

    name, privileged = "pusher", ()

    def plan(self, context: Context) -> Plan:
        self.asked.append(context)
        push = Push(np.array([-0.05, 0.02 * context.seed, 0.008]), 0.0, 0.10)
        probability = self.after if len(self.asked) > 1 else 1.0
        return Plan((GRASP, push), np.zeros(2), chosen=1, probability=probability)


@pytest.fixture(scope="module")
def cell() -> SimCell:
    config = FlatTableConfig(picture_px=120, renderer="rays", layout="packed", count=4)
    return make_cell("flat_table", block_objects(), replace(config, noise="none"))


def played(cell: SimCell, policy: Pusher, *, measure: bool, most: int = 1) -> Episode:
    return play(cell.cell, policy, Task(3), stop=Stop(most=most), measure=measure)


def test_both_grasps_are_tried_and_undone(cell: SimCell) -> None:
    ends = []
    for measure in (True, False):
        policy = Pusher()
        episode = played(cell, policy, measure=measure, most=2)
        assert [one.worth is not None for one in episode.attempts] == [measure] * 2
        ends.append([cell.world.object_pose(one.slot) for one in cell.world.placed])
        assert len(policy.asked) == (4 if measure else 2)
    # To save a state wakes what sleeps, so that blocks settle by less than 0.1 mm more.
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-3)


def test_an_answer_drawn_at_random_says_nothing_of_the_best_grasp(cell: SimCell) -> None:
    assert played(cell, Pusher(after=0.01), measure=True).attempts[0].worth is None
