"""Words and colours of a report: what a metric means, which policy learned, how a figure is
written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from selfgrasp.report.data import ReportData, Row

PERCENT = "\u00a0%"
"""Kept on the line of its number."""

REFERENCES = ("random", "heuristic", "oracle")
"""Policies that do not learn; anything else in a table is taken for learned."""


@dataclass(frozen=True)
class Metric:
    """How a figure reads.

    Attributes:
        title: in a heading.
        words: what it says, in a sentence.
        rate: whether it is a share, written as per cent.
        less_is_better: whether smaller figures are better.
        digits: after the point, where it is no rate.
    """

    title: str
    words: str
    rate: bool = True
    less_is_better: bool = False
    digits: int = 2

    def text(self, value: float) -> str:
        """A value of it."""
        return f"{value * 100:.1f}{PERCENT}" if self.rate else f"{value:.{self.digits}f}"

    def range_text(self, low: float, high: float) -> str:
        """From a value to a value, the unit once."""
        return f"{self.text(low).removesuffix(PERCENT)} to {self.text(high)}"


METRICS = {
    "success": Metric("Success", "share of attempts after which something is held"),
    "accuracy": Metric("Accuracy", "share of held-out attempts whose outcome was foretold"),
    "auc": Metric(
        "Area under the ROC curve",
        "chance that a good grasp is ranked above a bad one",
        rate=False,
        digits=3,
    ),
    "interactions": Metric(
        "Interactions to clear",
        "attempts until the bin is empty; capped runs count at the cap",
        rate=False,
        less_is_better=True,
        digits=1,
    ),
    "picks_per_hour": Metric("Picks per hour", "of the robot's own time", rate=False, digits=0),
    "true_success": Metric(
        "True success",
        "share of attempts that lifted something by the simulator's count, which the robot "
        "does not know",
    ),
    "judge_disagrees": Metric(
        "Judge disagrees",
        "share of attempts of which the judge and the simulator think differently",
        less_is_better=True,
    ),
    "double_lifts": Metric(
        "Double lifts", "share of attempts that lifted more than one object", less_is_better=True
    ),
    "plan_seconds": Metric(
        "Planning time", "seconds an attempt", rate=False, less_is_better=True, digits=3
    ),
    "failure_first_10": Metric(
        "Failures, first 10",
        "failure rate over the first 10 grasps of a full bin",
        less_is_better=True,
    ),
    "failure_first_20": Metric(
        "Failures, first 20",
        "failure rate over the first 20 grasps of a full bin",
        less_is_better=True,
    ),
    "failure_first_30": Metric(
        "Failures, first 30",
        "failure rate over the first 30 grasps of a full bin",
        less_is_better=True,
    ),
    "failure_with_replacement": Metric(
        "Failures, with replacement",
        "failure rate when each object goes back into the bin",
        less_is_better=True,
    ),
    "objects_per_attempt": Metric("Objects per attempt", "share of attempts that lift anything"),
    "class_per_attempt": Metric(
        "Right class per attempt", "share of attempts that lift the commanded category"
    ),
    "class_per_object": Metric(
        "Right class per object", "share of lifted objects that are of the commanded category"
    ),
    "first_command": Metric(
        "First command",
        "share of bins whose first command fetched the commanded category, before anything "
        "was missing",
    ),
    "completion": Metric("Completion", "share of runs in which every object was removed"),
}
"""By the names of `docs`' protocols; others are shown under their own name."""


def metric(name: str) -> Metric:
    """How to read the metric `name`, also one nobody described."""
    return METRICS.get(name) or Metric(name.replace("_", " ").capitalize(), "", rate=False)


@dataclass(frozen=True)
class Look:
    """How charts show a policy: number of its colour, and a hollow dot where it reads what no robot
    can sense."""

    color: int
    hollow: bool = False


def is_reference(policy: str) -> bool:
    """Whether a policy's name says that it does not learn."""
    return any(policy.lower().startswith(name) for name in REFERENCES)


def looks(data: ReportData) -> dict[str, Look]:
    """Random is grey, learned policies get the page's accent first, privileged ones are hollow."""
    privileged = {row.policy for row in data.rows if row.privileged}
    names = [*data.policies, *(str(entry["policy"]) for entry in data.story.outcomes)]
    names = list(dict.fromkeys(sorted(names, key=is_reference)))
    colored = [name for name in names if not name.lower().startswith("random")]
    return {
        name: Look(1 + colored.index(name) % 6 if name in colored else 0, name in privileged)
        for name in names
    }


@dataclass(frozen=True)
class Gain:
    """The pair of rows that the headline tells."""

    base: Row
    learned: Row


def gain(data: ReportData) -> Gain | None:
    """Random beside the best learned policy on one metric and one set of objects (novel before
    mixed before seen); None without both."""
    headline = data.report.get("headline") or {}
    for name in (
        "success",
        "interactions",
        "completion",
        "class_per_attempt",
        "accuracy",
        "failure_first_30",
    ):
        for objects in ("novel", "mixed", "seen", *dict.fromkeys(row.objects for row in data.rows)):
            rows = [row for row in data.rows if row.metric == name and row.objects == objects]
            base = [row for row in rows if row.policy == headline.get("base", "random")]
            learned = [
                row
                for row in rows
                if row.policy == headline.get("learned", row.policy)
                and not is_reference(row.policy)
                and not row.privileged
            ]
            if base and learned:
                sign = -1.0 if metric(name).less_is_better else 1.0
                return Gain(base[0], max(learned, key=lambda row: sign * row.value))
    return None


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as one says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def total_seconds(data: ReportData) -> float:
    """Of all stages."""
    return sum(float(stage.get("seconds", 0.0)) for stage in data.part("stages"))


def attempts_watched(data: ReportData) -> int:
    """How many attempts the run made, from report.json or from what was watched."""
    stated = data.report.get("attempts")
    return (
        int(stated)
        if stated is not None
        else sum(sum(entry["counts"].values()) for entry in data.story.outcomes)
    )


def objects_in_words(objects: str) -> str:
    """Seen, novel and mixed spelled out."""
    words = {
        "novel": "novel objects",
        "seen": "objects seen in training",
        "mixed": "seen and novel objects mixed",
    }
    return words.get(objects, objects)


def ordered_metrics(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(metric, objects) pairs: metrics in the rows' order, novel objects first."""
    pairs = dict.fromkeys((row.metric, row.objects) for row in rows)
    metrics = list(dict.fromkeys(name for name, _ in pairs))
    order = {"novel": 0, "mixed": 1, "seen": 2}
    return sorted(pairs, key=lambda pair: (metrics.index(pair[0]), order.get(pair[1], 3)))
