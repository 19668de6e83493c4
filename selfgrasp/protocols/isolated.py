"""`isolated`: one object in a random stable pose; grasp it and lift it 20 cm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, ratio, wilson
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import PLAN_SECONDS, SUCCESS, TRUE_SUCCESS, Metric
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One try at one object."""
    return play_scene(cell, policy, task, ids=Ids("isolated", task.seed, 0), stop=Stop(most=1))


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Success as the robot senses it and as it truly was (Wilson), and planning time."""
    true = [e.true for e in episodes if e.true is not None]
    known = len(true) == len(episodes)
    return {
        SUCCESS: wilson(sum(e.judged for e in episodes), len(episodes)),
        **({TRUE_SUCCESS: wilson(sum(true), len(episodes))} if known else {}),
        PLAN_SECONDS: ratio([(e.plan_seconds, len(e.attempts)) for e in episodes]),
    }


ISOLATED = PlayedProtocol(
    name="isolated",
    config=TabletopConfig(count=1),
    trials=150,
    play=play,
    metrics=metrics,
    paired_metric=SUCCESS,
    per_scene=lambda e: float(e.judged),
)
