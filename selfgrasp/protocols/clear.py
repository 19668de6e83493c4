"""`clear`: ten objects in clutter, seen and novel mixed; grasp until the table is empty, 40
interactions at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, bootstrap, ratio
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import Episode, PlayedProtocol
from selfgrasp.protocols.play import play_until_clear
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.simulated import SimCell

CAP = 40


def play(cell: SimCell, policy: Policy, seed: int) -> Episode:
    """Clear one scene. A run that is capped, or that gives up, counts at the cap."""
    return play_until_clear(cell, policy, seed, session="clear", most=CAP)


def metrics(episodes: Sequence[Episode]) -> Mapping[str, Estimate]:
    """Interactions to clear, success of a grasp, picks per hour of robot time, share of scenes
    cleared; all bootstrapped by scene. One that gives up has failed what it did not try."""
    return {
        "interactions": bootstrap([interactions(e) for e in episodes]),
        "success": ratio([(e.judged, interactions(e)) for e in episodes]),
        "picks_per_hour": ratio([(3600.0 * e.true, e.seconds) for e in episodes]),
        "completion": bootstrap([float(e.cleared) for e in episodes]),
        "plan_seconds": ratio([(e.plan_seconds, e.attempts) for e in episodes]),
        "judge_disagrees": ratio([(e.disagreements, e.attempts) for e in episodes]),
        "double_lifts": ratio([(e.doubles, e.attempts) for e in episodes]),
    }


def interactions(episode: Episode) -> float:
    """How many attempts a scene took; the cap where it was not cleared."""
    return float(episode.attempts if episode.cleared else CAP)


CLEAR = PlayedProtocol(
    name="clear",
    config=CellConfig(count=10),
    trials=30,
    play=play,
    metrics=metrics,
    paired_metric="interactions",
    per_scene=interactions,
    less_is_better=True,
    paper={"interactions": 26.0},
    objects="mixed",
)
