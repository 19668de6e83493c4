"""`deplete`: a full bin of thirty, picked without replacement; then, from the same start, with
replacement (Levine et al. 2016).

An object that is lost (it leaves the bin without ever having been lifted) was no grasp: it is
neither a success nor a failure, and has a row of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import (
    PLAN_SECONDS,
    TRUE_SUCCESS,
    Metric,
    about_truth,
    attempts,
    picks_per_hour,
    rates,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.play import AfterLift, Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

OBJECTS = 30
FIRSTS = (10, 20, 30)
"""Grasps of a bin over which failures are counted."""
REPLACED = 7
"""Grasps with replacement a bin: 105 on 15 bins."""

FAILURES = {
    first: Metric(
        f"failure_first_{first}",
        f"Failures, first {first}",
        f"failure rate over the first {first} grasps of a full bin",
        higher_is_better=False,
    )
    for first in FIRSTS
}
FAILURE_WITH_REPLACEMENT = Metric(
    "failure_with_replacement",
    "Failures, with replacement",
    "failure rate when each object goes back into the bin",
    higher_is_better=False,
)


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """Thirty grasps without replacement, and seven with."""
    without = play_scene(
        cell, policy, task, ids=Ids("deplete", task.seed, 0), stop=Stop(most=max(FIRSTS))
    )
    again = play_scene(
        cell,
        policy,
        task,
        ids=Ids("replace", task.seed, 0),
        after=AfterLift.PUT_BACK,
        stop=Stop(most=REPLACED),
    )
    return replace(without, replaced=again.attempts)


def failures(episode: Episode, first: int) -> int:
    """Of the first so many grasps of a bin. One that gives up before the bin is empty has failed
    all that it did not try."""
    return episode.outcomes[:first].count(False) + grasps(episode, first) - _tried(episode, first)


def grasps(episode: Episode, first: int) -> int:
    """Of the first so many, those that there was something left for. Where no truth says what was
    left, those that were tried."""
    return first if episode.left else _tried(episode, first)


def _tried(episode: Episode, first: int) -> int:
    return len(episode.attempts[:first])


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Failure rates, bootstrapped by bin; planning time is a bin's over its grasps without
    replacement."""
    return {
        **{
            metric: ratio([(failures(e, n), grasps(e, n)) for e in episodes])
            for n, metric in FAILURES.items()
        },
        FAILURE_WITH_REPLACEMENT: ratio(
            [(REPLACED - sum(one.grasped for one in e.replaced), REPLACED) for e in episodes]
        ),
        **rates(TRUE_SUCCESS, episodes, lambda e: e.true, lambda e: grasps(e, max(FIRSTS))),
        **about_truth(episodes),
        **picks_per_hour(episodes),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


DEPLETE = PlayedProtocol(
    name="deplete",
    config=KukaBinConfig(count=OBJECTS, depth=True, registered=False),
    trials=15,
    play=play,
    metrics=metrics,
    paired_metric=FAILURES[30],
    per_scene=lambda e: failures(e, 30) / max(1, grasps(e, 30)),
    cell="kuka_bin",
)
