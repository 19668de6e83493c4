"""`isolated`: one object in a random stable pose; grasp it and lift it 20 cm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, ratio, wilson
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import Episode, PlayedProtocol
from selfgrasp.protocols.metric import PLAN_SECONDS, SUCCESS, TRUE_SUCCESS, Metric
from selfgrasp.protocols.play import play_until_clear
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.cells.tabletop import TabletopConfig


def play(cell: SimCell, policy: Policy, seed: int) -> Episode:
    """One try at one object."""
    return play_until_clear(cell, policy, seed, session="isolated", most=1)


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Success as the robot senses it and as it truly was (Wilson), and planning time."""
    return {
        SUCCESS: wilson(sum(e.judged for e in episodes), len(episodes)),
        TRUE_SUCCESS: wilson(sum(e.true for e in episodes), len(episodes)),
        PLAN_SECONDS: ratio([(e.plan_seconds, e.attempts) for e in episodes]),
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
