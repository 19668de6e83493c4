"""What pushing and grasping is measured by: whether a table was cleared, and in how many actions
(Zeng et al. 2018, section V.B).

A run ends when nothing is left, after more than ten actions in a row that changed nothing, or at a
cap. An object that left the workspace without having been lifted makes it incomplete; as published,
a run whose workspace is empty is complete, whatever left it (`EMPTIED`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfgrasp.common.intervals import Estimate, bootstrap, ratio
from selfgrasp.core import AttemptKind, Policy
from selfgrasp.protocols.clear import COMPLETION
from selfgrasp.protocols.heap import CLEARED, lifted
from selfgrasp.protocols.metric import (
    PLAN_SECONDS,
    Metric,
    about_truth,
    attempts,
    rates,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

UNCHANGED = 11
"""Actions in a row without change, after which a run ends: "more than 10" (section IV-F)."""
LEAST_CHANGE = 0.006
"""Share of the camera's pixels that counts as a change. Measured beside the published 12 cm^2 of a
heightmap, it is as good (docs/LOG.md)."""
CAP_PER_OBJECT, CAP_MORE = 3, 15
"""A run has so many actions an object, and so many more: failed grasps poke things about, so that
ten actions without change seldom end it."""

WITHIN_2N = Metric(
    "completion_within_2n",
    "Completion within 2 N",
    "share of runs in which every object was lifted within twice as many actions as objects",
)
EMPTIED = Metric(
    "emptied",
    "Emptied",
    "share of runs after which nothing is left on the table, lifted or lost: completion as "
    "published, where what falls off does not count",
)
GRASP_SUCCESS = Metric(
    "grasp_success",
    "Grasp success, completed",
    "share of the grasps of completed runs after which something is held, as published",
)
ACTION_EFFICIENCY = Metric(
    "action_efficiency",
    "Action efficiency, completed",
    "objects an action in completed runs, as published",
)
GRASP_SUCCESS_ALL = Metric(
    "grasp_success_all",
    "Grasp success",
    "share of the grasps of all runs after which something is held",
)
ACTION_EFFICIENCY_ALL = Metric(
    "action_efficiency_all", "Action efficiency", "objects lifted an action in all runs"
)
PUSHES = Metric("pushes", "Pushes", "share of the actions that are pushes")
PUSH_HELPED = Metric(
    "push_helped",
    "Pushes that helped",
    "share of the pushes after which the best grasp holds, of those before which it would not "
    "have; both were tried, and undone",
)
PUSH_NEEDED = Metric(
    "push_needed",
    "Pushes that were needed",
    "share of the pushes before which the best grasp would not have held",
)


def play(name: str, cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One run.

    Args:
        name: of the protocol.
        cell: where.
        policy: whose.
        task: which scene.
    """
    ids = Ids(name, task.seed, 0)
    return play_scene(cell, policy, task, ids=ids, stop=stop_of, measure=True)


def stop_of(placed: int | None) -> Stop:
    """When a run with so many objects ends; None where there is no truth."""
    most = None if placed is None else CAP_PER_OBJECT * placed + CAP_MORE
    return Stop(most=most, unchanged=UNCHANGED, least_change=LEAST_CHANGE)


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Completion, also as published (`EMPTIED`), grasp success and action efficiency, over
    completed runs as published and over all; bootstrapped by run."""
    known = all(e.cleared is not None for e in episodes)
    complete = [e for e in episodes if e.cleared]
    return {
        **({WITHIN_2N: bootstrap([within_2n(e) for e in episodes])} if known else {}),
        **({COMPLETION: bootstrap([float(bool(e.cleared)) for e in episodes])} if known else {}),
        **({EMPTIED: bootstrap([float(not e.left) for e in episodes])} if known else {}),
        **_of_completed(complete),
        GRASP_SUCCESS_ALL: ratio([(held(e), grasps(e)) for e in episodes]),
        **rates(ACTION_EFFICIENCY_ALL, episodes, lifted, attempts),
        **rates(CLEARED, episodes, lifted, lambda e: len(e.placed or ())),
        PUSHES: ratio([(attempts(e) - grasps(e), attempts(e)) for e in episodes]),
        **_worth(episodes),
        **about_truth(episodes),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def _of_completed(complete: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Means over completed runs; nothing where there are none."""
    if not complete:
        return {}
    return {
        GRASP_SUCCESS: bootstrap([held(e) / max(1, grasps(e)) for e in complete]),
        ACTION_EFFICIENCY: bootstrap([len(e.placed or ()) / max(1, attempts(e)) for e in complete]),
    }


def _worth(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """What pushes did for the best grasp; nothing where no push was measured. A push is not where
    the plan that made it names no grasp."""
    worths = [[one.worth for one in e.attempts if one.worth is not None] for e in episodes]
    needed = [[after for before, after in run if not before] for run in worths]
    if not any(worths):
        return {}
    counts = [(len(some), len(run)) for some, run in zip(needed, worths, strict=True)]
    return {
        PUSH_NEEDED: ratio(counts),
        **({PUSH_HELPED: ratio([(sum(run), len(run)) for run in needed])} if any(needed) else {}),
    }


def within_2n(episode: Episode) -> float:
    """1 for a run that was completed within twice as many actions as objects."""
    return float(bool(episode.cleared) and attempts(episode) <= 2 * len(episode.placed or ()))


def grasps(episode: Episode) -> int:
    """Actions that were no pushes."""
    return sum(one.kind is not AttemptKind.PUSH for one in episode.attempts)


def held(episode: Episode) -> int:
    """Actions after which something was held."""
    return sum(episode.outcomes)
