"""`shake`: one object; grasp it, lift it, carry it, shake it; only what is held then has been
grasped (Mahler et al. 2017, section VI).

A policy may refuse: a plan without actions holds nothing, and is not called robust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, ratio, wilson
from selfgrasp.core import AttemptRecord, Policy
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import (
    JUDGE_DISAGREES,
    PLAN_SECONDS,
    SUCCESS,
    TRUE_SUCCESS,
    Metric,
    attempts,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

ROBUST = 0.5
"""Probability of success above which a policy calls its grasp robust."""

PRECISION = Metric(
    "precision",
    "Precision",
    "share of the grasps that the policy calls robust (probability above 0.5) that held",
)
ROBUST_SHARE = Metric(
    "robust_share",
    "Called robust",
    "share of the scenes in which the policy calls its grasp robust (probability above 0.5)",
)


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One try at one object."""
    return play_scene(cell, policy, task, ids=Ids("shake", task.seed, 0), stop=Stop(most=1))


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Success after the shake as the robot senses it and as it truly was, precision of the grasps
    called robust and their share (all Wilson), and planning time."""
    records = [one for episode in episodes for one in episode.attempts]
    return {
        SUCCESS: wilson(sum(e.judged for e in episodes), len(episodes)),
        **_truth(records, len(episodes)),
        **_called_robust(records, len(episodes)),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def _truth(records: Sequence[AttemptRecord], scenes: int) -> Mapping[Metric, Estimate]:
    true = [one.true for one in records if one.true is not None]
    if len(true) < len(records):
        return {}
    differ = sum(one.true != one.grasped for one in records)
    return {TRUE_SUCCESS: wilson(sum(true), scenes), JUDGE_DISAGREES: wilson(differ, len(records))}


def _called_robust(records: Sequence[AttemptRecord], scenes: int) -> Mapping[Metric, Estimate]:
    """Nothing for a policy whose scores are no probabilities, and no precision where nothing was
    called robust."""
    scored = [one for one in records if one.score is not None]
    if not scored or not all(one.calibrated for one in scored):
        return {}
    robust = [one.grasped for one in scored if one.score is not None and one.score > ROBUST]
    return {
        **({PRECISION: wilson(sum(robust), len(robust))} if robust else {}),
        ROBUST_SHARE: wilson(len(robust), scenes),
    }


SHAKE = PlayedProtocol(
    name="shake",
    config=TabletopConfig(count=1, shake=True),
    trials=200,
    play=play,
    metrics=metrics,
    paired_metric=SUCCESS,
    per_scene=lambda e: float(e.judged),
)
