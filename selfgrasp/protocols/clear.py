"""`clear`: ten objects in clutter, seen and novel mixed; grasp until the table is empty, 40
interactions at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, bootstrap, ratio
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import Episode, PlayedProtocol
from selfgrasp.protocols.metric import (
    DOUBLE_LIFTS,
    JUDGE_DISAGREES,
    PICKS_PER_HOUR,
    PLAN_SECONDS,
    SUCCESS,
    Metric,
    Unit,
)
from selfgrasp.protocols.play import play_until_clear
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.cells.tabletop import TabletopConfig

CAP = 40

INTERACTIONS = Metric(
    "interactions",
    "Interactions to clear",
    "attempts until the bin is empty; capped runs count at the cap",
    higher_is_better=False,
    unit=Unit.ATTEMPTS,
)
COMPLETION = Metric("completion", "Completion", "share of runs in which every object was removed")


def play(cell: SimCell, policy: Policy, seed: int) -> Episode:
    """Clear one scene. A run that is capped, or that gives up, counts at the cap."""
    return play_until_clear(cell, policy, seed, session="clear", most=CAP)


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Interactions to clear, success of a grasp, picks per hour of robot time, share of scenes
    cleared; all bootstrapped by scene. One that gives up has failed what it did not try."""
    return {
        INTERACTIONS: bootstrap([interactions(e) for e in episodes]),
        SUCCESS: ratio([(e.judged, interactions(e)) for e in episodes]),
        PICKS_PER_HOUR: ratio([(3600.0 * e.true, e.seconds) for e in episodes]),
        COMPLETION: bootstrap([float(e.cleared) for e in episodes]),
        PLAN_SECONDS: ratio([(e.plan_seconds, e.attempts) for e in episodes]),
        JUDGE_DISAGREES: ratio([(e.disagreements, e.attempts) for e in episodes]),
        DOUBLE_LIFTS: ratio([(e.doubles, e.attempts) for e in episodes]),
    }


def interactions(episode: Episode) -> float:
    """How many attempts a scene took; the cap where it was not cleared."""
    return float(episode.attempts if episode.cleared else CAP)


CLEAR = PlayedProtocol(
    name="clear",
    config=TabletopConfig(count=10),
    trials=30,
    play=play,
    metrics=metrics,
    paired_metric=INTERACTIONS,
    per_scene=interactions,
    objects="mixed",
)
