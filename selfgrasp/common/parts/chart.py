"""A chart of a report: lines of points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.parts.part import Part, figure, require
from selfgrasp.core import InputError


@dataclass(frozen=True)
class Point(Part):
    """A place on a line, with its 95 % interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None

    @staticmethod
    def of(x: float, estimate: Estimate) -> Point:
        """An estimate at x."""
        return Point(x, estimate.value, estimate.low, estimate.high)


@dataclass(frozen=True, kw_only=True)
class Line(Part):
    """One line of a chart.

    Attributes:
        name: in the legend.
        paper: whether its figures are the paper's.
        points: in any order.
    """

    name: str
    paper: bool = False
    points: Sequence[Point]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(self.points))

    @staticmethod
    def published(name: str, points: Iterable[tuple[float, float]]) -> Line:
        """A paper's (x, y) pairs, of which no interval is known."""
        return Line(name=name, paper=True, points=[Point(x, y, y, y) for x, y in points])

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Line:
        """From its JSON values.

        Raises:
            InputError: a key that is missing.
        """
        require(entry, "series", ("name", "points"))
        for point in entry["points"]:
            require(point, "points", ("x", "y"))
        points = [
            Point(
                figure(point["x"]),
                _number(point["y"]),
                *(
                    None if point.get(key) is None else figure(point[key])
                    for key in ("low", "high")
                ),
            )
            for point in entry["points"]
        ]
        return Line(name=str(entry["name"]), paper=bool(entry.get("paper")), points=points)


@dataclass(frozen=True, kw_only=True)
class Chart(Part):
    """An entry of `charts`.

    Attributes:
        title: its heading.
        note: what to know of it, in sentences.
        x: what lies along it, with its unit.
        y: what rises, with its unit.
        log_x: whether x is logarithmic.
        percent: whether y are shares.
        series: its lines.

    Raises:
        InputError: 0 or less on a logarithmic axis.
    """

    title: str
    note: str = ""
    x: str
    y: str
    log_x: bool = False
    percent: bool = False
    series: Sequence[Line]

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(self.series))
        lowest = min((point.x for line in self.series for point in line.points), default=1.0)
        if self.log_x and lowest <= 0:
            raise InputError(
                given=f"a point at {lowest:g} in the chart {self.title!r}, whose axis is "
                "logarithmic",
                wanted="places above 0, or log_x false",
            )

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Chart:
        """From its JSON values.

        Raises:
            InputError: a key that is missing, or what the class refuses.
        """
        require(entry, "charts", ("title", "x", "y", "series"))
        return Chart(
            title=str(entry["title"]),
            note=str(entry.get("note") or ""),
            x=str(entry["x"]),
            y=str(entry["y"]),
            log_x=bool(entry.get("log_x")),
            percent=bool(entry.get("percent")),
            series=[Line.from_json(line) for line in entry["series"]],
        )


def _number(value: object) -> float:
    """A figure; NaN for one that is not there."""
    return float("nan") if value is None else figure(value)
