"""What a measured figure means, which way is better, and its unit: said once, beside the
protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.workcell.play import Episode


class Unit(StrEnum):
    """Of a metric's values: a fraction from 0 to 1, a number of attempts, seconds, picks per hour,
    an area from 0 to 1 that is no share of anything, or a number of which nothing is known."""

    FRACTION = "fraction"
    ATTEMPTS = "attempts"
    SECONDS = "seconds"
    PER_HOUR = "per hour"
    AREA = "area"
    NUMBER = "number"


@dataclass(frozen=True)
class Metric:
    """A figure that a protocol measures.

    Attributes:
        name: in report.json, where the metrics of all protocols share one list of names.
        title: in a heading.
        meaning: what it says, in a phrase.
        higher_is_better: whether greater values are better.
        unit: of its values.
    """

    name: str
    title: str
    meaning: str
    higher_is_better: bool = True
    unit: Unit = Unit.FRACTION


SUCCESS = Metric("success", "Success", "share of attempts after which something is held")
TRUE_SUCCESS = Metric(
    "true_success",
    "True success",
    "share of attempts that lifted something by the simulator's count, which the robot does not "
    "know",
)
JUDGE_DISAGREES = Metric(
    "judge_disagrees",
    "Judge disagrees",
    "share of attempts of which the judge and the simulator think differently",
    higher_is_better=False,
)
DOUBLE_LIFTS = Metric(
    "double_lifts",
    "Double lifts",
    "share of attempts that lifted more than one object",
    higher_is_better=False,
)
PICKS_PER_HOUR = Metric(
    "picks_per_hour", "Picks per hour", "of the robot's own time", unit=Unit.PER_HOUR
)
LOST = Metric(
    "lost",
    "Lost objects",
    "share of the objects that left the workspace without ever having been lifted",
    higher_is_better=False,
)
PLAN_SECONDS = Metric(
    "plan_seconds",
    "Planning time",
    "seconds an attempt",
    higher_is_better=False,
    unit=Unit.SECONDS,
)


def rates(
    metric: Metric,
    episodes: Sequence[Episode],
    part: Callable[[Episode], float | None],
    whole: Callable[[Episode], float],
) -> Mapping[Metric, Estimate]:
    """The metric as a ratio of sums over episodes, bootstrapped by scene; nothing where `part` is
    unknown (None) in one of them, which is so for truth on a real robot."""
    pairs = [(part(episode), whole(episode)) for episode in episodes]
    known = [(one, of) for one, of in pairs if one is not None]
    return {metric: ratio(known)} if len(known) == len(pairs) else {}


def picks_per_hour(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """What was truly lifted in an hour of robot time, where that is known."""
    return rates(
        PICKS_PER_HOUR,
        episodes,
        lambda e: None if e.true is None else 3600.0 * e.true,
        lambda e: e.seconds,
    )


def attempts(episode: Episode) -> int:
    """How many were made."""
    return len(episode.attempts)


def about_truth(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """How often judge and truth differ, double lifts, and lost objects; those that are known."""
    return {
        **rates(JUDGE_DISAGREES, episodes, lambda e: e.disagreements, attempts),
        **rates(DOUBLE_LIFTS, episodes, lambda e: e.doubles, attempts),
        **rates(LOST, episodes, lambda e: e.lost, lambda e: len(e.placed or ())),
    }
