"""`heap`: a heap in a bin, grasped until nothing is left or ten grasps in a row have failed (Mahler
and Goldberg 2017, Dex-Net 2.1). The headline of bin picking: single objects no longer tell good
policies apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from selfgrasp.common.intervals import Estimate, bootstrap, ratio
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import (
    PLAN_SECONDS,
    SUCCESS,
    Metric,
    about_truth,
    attempts,
    picks_per_hour,
    rates,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

OBJECTS = 25
FAILURES = 10
"""In a row, after which a heap is given up."""

CLEARED = Metric("cleared", "Cleared", "share of the heap's objects that were lifted")
AVERAGE_PRECISION = Metric(
    "average_precision",
    "Average precision",
    "of the attempts of a heap ranked by their scores, the mean over heaps",
)


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One heap."""
    stop = Stop(failures=FAILURES)
    return play_scene(cell, policy, task, ids=Ids("heap", task.seed, 0), stop=stop)


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Success of a grasp, share of the objects lifted, average precision, picks per hour of robot
    time, planning time; all bootstrapped by heap. One that gives up while something is left has
    failed the grasps that were left until ten in a row."""
    precision = [one for one in map(average_precision, episodes) if one is not None]
    return {
        SUCCESS: ratio([(e.judged, tries(e)) for e in episodes]),
        **rates(CLEARED, episodes, lifted, lambda e: len(e.placed or ())),
        **({AVERAGE_PRECISION: bootstrap(precision)} if precision else {}),
        **picks_per_hour(episodes),
        **about_truth(episodes),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def tries(episode: Episode) -> int:
    """How many grasps a success rate is over."""
    if not episode.left:
        return attempts(episode)
    return attempts(episode) + FAILURES - _failed_in_the_end(episode)


def lifted(episode: Episode) -> float | None:
    """How many objects of the heap were lifted, which then leave it; None where there is no
    truth."""
    if any(one.lifted is None for one in episode.attempts):
        return None
    return float(sum(len(one.lifted or ()) for one in episode.attempts))


def average_precision(episode: Episode) -> float | None:
    """Of a heap's attempts; None where an attempt has no score, or none of them held."""
    scores = [one.score for one in episode.attempts if one.score is not None]
    if len(scores) < len(episode.attempts) or not any(episode.outcomes):
        return None
    held = np.array(episode.outcomes)[np.argsort(-np.array(scores), kind="stable")]
    precision = np.cumsum(held) / np.arange(1, len(held) + 1)
    return float(precision[held].mean())


def _failed_in_the_end(episode: Episode) -> int:
    failed = 0
    for held in reversed(episode.outcomes):
        if held:
            break
        failed += 1
    return failed


HEAP = PlayedProtocol(
    name="heap",
    config=TabletopConfig(count=OBJECTS),
    trials=20,
    play=play,
    metrics=metrics,
    paired_metric=SUCCESS,
    per_scene=lambda e: e.judged / max(1, tries(e)),
)
