"""Two policies compared on the same scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from selfgrasp.common.parts.part import Part, figure, require


@dataclass(frozen=True, kw_only=True)
class Pair(Part):
    """An entry of `paired`: by how much policy `a` is better than policy `b` on the same scenes.

    Attributes:
        a: a policy, as rows call it.
        b: the other one.
        objects: as rows call them.
        metric: what they are compared on.
        difference: positive where `a` is better, whether more or less of the metric is.
        low: lower end of its 95 % interval.
        high: upper end.
        n: scenes.
    """

    a: str
    b: str
    objects: str
    metric: str
    difference: float
    low: float
    high: float
    n: int = 0

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Pair:
        """From its JSON values.

        Raises:
            InputError: a key that is missing.
        """
        require(entry, "paired", ("a", "b", "objects", "metric", "difference", "low", "high"))
        return Pair(
            a=str(entry["a"]),
            b=str(entry["b"]),
            objects=str(entry["objects"]),
            metric=str(entry["metric"]),
            difference=figure(entry["difference"]),
            low=figure(entry["low"]),
            high=figure(entry["high"]),
            n=int(entry.get("n", 0)),
        )
