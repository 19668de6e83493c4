"""Words of a report: how a figure is written, which rows its headline is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from selfgrasp.objects.sets import SetLabel
from selfgrasp.protocols import HEADLINES, METRICS
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.metric import Metric, Unit
from selfgrasp.report.data import ReportData
from selfgrasp.report.policies import is_learned, is_random

PERCENT = "\u00a0%"
"""Kept on the line of its number."""

DIGITS = {Unit.ATTEMPTS: 1, Unit.SECONDS: 3, Unit.PER_HOUR: 0, Unit.AREA: 3, Unit.NUMBER: 2}
"""After the point; fractions are written as per cent."""


def metric(name: str) -> Metric:
    """The metric `name`; one that no protocol describes is a number under its own name."""
    title = name.replace("_", " ").capitalize()
    return METRICS.get(name) or Metric(name, title, "", unit=Unit.NUMBER)


def value_text(m: Metric, value: float) -> str:
    """A value of a metric, with its unit."""
    if m.unit is Unit.FRACTION:
        return f"{value * 100:.1f}{PERCENT}"
    return f"{value:.{DIGITS[m.unit]}f}"


def range_text(m: Metric, low: float, high: float) -> str:
    """From a value to a value, the unit once."""
    return f"{value_text(m, low).removesuffix(PERCENT)} to {value_text(m, high)}"


def difference_text(m: Metric, value: float) -> str:
    """A difference of two values, with its sign; of fractions in percentage points."""
    if m.unit is Unit.FRACTION:
        return f"{value * 100:+.1f}"
    return f"{value:+.{DIGITS[m.unit]}f}"


def direction(m: Metric) -> str:
    """Which way is better, where that is known."""
    if not m.meaning:
        return ""
    return "more is better" if m.higher_is_better else "less is better"


@dataclass(frozen=True)
class Gain:
    """The pair of rows that the headline is made of."""

    base: Row
    learned: Row

    @property
    def better(self) -> bool:
        """Whether the learned policy is better than the other one."""
        return _better(self.learned, self.base)


def gain(data: ReportData) -> Gain | None:
    """The first random policy beside the best learned one, on one metric and one set of objects
    (novel before mixed before seen); None without both."""
    headline = data.report.get("headline") or {}
    bases = [headline["base"]] if "base" in headline else list(filter(is_random, data.policies))
    candidates = {row.policy for row in data.rows if is_learned(row.policy) and not row.privileged}
    if "learned" in headline:
        candidates &= {headline["learned"]}
    sets = dict.fromkeys(
        (SetLabel.NOVEL, SetLabel.MIXED, SetLabel.SEEN, *(row.objects for row in data.rows))
    )
    for m in HEADLINES:
        for objects in sets:
            rows = [row for row in data.rows if (row.metric, row.objects) == (m.name, objects)]
            base = [row for row in rows if row.policy in bases]
            learned = [row for row in rows if row.policy in candidates]
            if base and learned:
                best = learned[0]
                for row in learned[1:]:
                    best = row if _better(row, best) else best
                return Gain(base[0], best)
    return None


def _better(one: Row, other: Row) -> bool:
    """Whether a row's value is better than that of another row of the same metric."""
    if metric(one.metric).higher_is_better:
        return one.value > other.value
    return one.value < other.value


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
        else sum(sum(entry.counts.values()) for entry in data.story.outcomes)
    )


def objects_in_words(objects: str) -> str:
    """Seen, novel and mixed spelled out."""
    return SetLabel(objects).words if objects in list(SetLabel) else objects


def ordered_metrics(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(metric, objects) pairs: metrics in the rows' order, novel objects first."""
    pairs = dict.fromkeys((row.metric, row.objects) for row in rows)
    metrics = list(dict.fromkeys(name for name, _ in pairs))
    order: dict[str, int] = {SetLabel.NOVEL: 0, SetLabel.MIXED: 1, SetLabel.SEEN: 2}
    return sorted(pairs, key=lambda pair: (metrics.index(pair[0]), order.get(pair[1], 3)))
