"""`clear`: ten objects in clutter, seen and novel mixed; grasp until the table is empty, 40
interactions at most.

A scene is cleared once every object was lifted. One from which an object was lost (it left the
workspace without ever having been lifted) is not cleared, whatever happens later. It counts at the
cap, as one that gave up or was capped does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, bootstrap, ratio
from selfgrasp.core import AttemptKind, Policy
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import (
    PLAN_SECONDS,
    SUCCESS,
    Metric,
    Unit,
    about_truth,
    attempts,
    picks_per_hour,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

CAP = 40

INTERACTIONS = Metric(
    "interactions",
    "Interactions to clear",
    "attempts until every object was lifted; runs that do not get there count at the cap",
    higher_is_better=False,
    unit=Unit.ATTEMPTS,
)
COMPLETION = Metric("completion", "Completion", "share of runs in which every object was lifted")


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """Clear one scene."""
    return play_scene(cell, policy, task, ids=Ids("clear", task.seed, 0), stop=Stop(most=CAP))


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Interactions to clear, success of a grasp, picks per hour of robot time, share of scenes
    cleared; all bootstrapped by scene. One that gives up has failed what it did not try."""
    known = all(e.cleared is not None for e in episodes)
    return {
        **({INTERACTIONS: bootstrap([interactions(e) for e in episodes])} if known else {}),
        SUCCESS: ratio([(e.judged, tries(e)) for e in episodes]),
        **picks_per_hour(episodes),
        **({COMPLETION: bootstrap([float(bool(e.cleared)) for e in episodes])} if known else {}),
        **about_truth(episodes),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def interactions(episode: Episode) -> float:
    """How many attempts it took to lift every object; the cap where that was not done."""
    return float(attempts(episode) if episode.cleared else CAP)


def tries(episode: Episode) -> int:
    """How many grasps a success rate is over: all that were made, pushes apart, and for one that
    gave up while something lay there also those that it did not make."""
    if episode.left:
        return CAP
    return sum(one.kind is not AttemptKind.PUSH for one in episode.attempts)


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
