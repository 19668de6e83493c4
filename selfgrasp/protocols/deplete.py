"""`deplete`: a full bin of thirty, picked without replacement; then, from the same start, with
replacement (Levine et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.core import Policy
from selfgrasp.protocols.episode import Episode, PlayedProtocol
from selfgrasp.protocols.metric import (
    DOUBLE_LIFTS,
    JUDGE_DISAGREES,
    PICKS_PER_HOUR,
    PLAN_SECONDS,
    TRUE_SUCCESS,
    Metric,
)
from selfgrasp.protocols.play import play_until_clear
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.play import AfterLift

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


def play(cell: SimCell, policy: Policy, seed: int) -> Episode:
    """Thirty grasps without replacement, and seven with."""
    without = play_until_clear(cell, policy, seed, session="deplete", most=max(FIRSTS))
    again = play_until_clear(
        cell, policy, seed, session="replace", most=REPLACED, after=AfterLift.PUT_BACK
    )
    return replace(without, replaced=again.outcomes + (False,) * (REPLACED - len(again.outcomes)))


def failures(episode: Episode, first: int) -> int:
    """Of the first so many grasps of a bin. One that gives up before the bin is empty has failed
    all that it did not try."""
    tried = episode.outcomes[:first]
    return tried.count(False) + (0 if episode.cleared else first - len(tried))


def grasps(episode: Episode, first: int) -> int:
    """Of the first so many, those that there was something left for."""
    return len(episode.outcomes[:first]) if episode.cleared else first


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Failure rates, bootstrapped by bin; planning time is a bin's over its grasps without
    replacement."""
    return {
        **{
            metric: ratio([(failures(e, n), grasps(e, n)) for e in episodes])
            for n, metric in FAILURES.items()
        },
        FAILURE_WITH_REPLACEMENT: ratio(
            [(e.replaced.count(False), len(e.replaced)) for e in episodes]
        ),
        TRUE_SUCCESS: ratio([(e.true, grasps(e, max(FIRSTS))) for e in episodes]),
        DOUBLE_LIFTS: ratio([(e.doubles, e.attempts) for e in episodes]),
        JUDGE_DISAGREES: ratio([(e.disagreements, e.attempts) for e in episodes]),
        PICKS_PER_HOUR: ratio([(3600.0 * e.true, e.seconds) for e in episodes]),
        PLAN_SECONDS: ratio([(e.plan_seconds, e.attempts) for e in episodes]),
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
