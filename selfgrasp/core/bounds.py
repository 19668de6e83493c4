"""Bounds of numbers, declared where a number is: `workers: Annotated[int, Between(1, 1024)]`. The
command line's help shows them, and `check_bounds` refuses what is outside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, get_args, get_type_hints

from selfgrasp.core.errors import InputError


@dataclass(frozen=True)
class Between:
    """What a number may be. NaN is outside of every bounds.

    Attributes:
        low: the least.
        high: the most; infinity where any finite number will do.
        above: whether `low` itself is outside.
    """

    low: float
    high: float
    above: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` is inside."""
        least = value > self.low if self.above else value >= self.low
        return least and value <= self.high and math.isfinite(value)

    def wanted(self, value: float) -> str:
        """What a message says of a `value` that is outside."""
        if value > self.high:
            return f"at most {self.high:{_plain(self.high)}}"
        if value < self.low or value == self.low:
            return f"{'more than' if self.above else 'at least'} {self.low:{_plain(self.low)}}"
        return f"a finite number, {self}"

    def __str__(self) -> str:
        """As help shows it: `1 to 1024`, or `at least 0` where the most is out of reach."""
        low = f"{self.low:{_plain(self.low)}}"
        if self.high >= _OUT_OF_REACH:
            return f"{'more than' if self.above else 'at least'} {low}"
        return f"{'above ' if self.above else ''}{low} to {self.high:{_plain(self.high)}}"


_OUT_OF_REACH = 1e9

Count = Annotated[int, Between(1, 10**9)]
Workers = Annotated[int, Between(1, 1024)]
Seed = Annotated[int, Between(0, 2**63 - 1)]
Seconds = Annotated[float, Between(0, 1e9, above=True)]
PicturePx = Annotated[int, Between(16, 8192)]


def bounds_of(hint: Any) -> Between | None:
    """The bounds in a type hint, also in that of an optional number or of a tuple's items."""
    for part in get_args(hint):
        if isinstance(part, Between):
            return part
        if (found := bounds_of(part)) is not None:
            return found
    return None


def check_bounds(values: Any, *, prefix: str = "--") -> None:
    """Refuse numbers outside of the bounds that the fields of a dataclass declare, also in
    dataclasses inside it. A number that is None has a default.

    Args:
        values: an instance of a dataclass.
        prefix: of an option's name in the message.

    Raises:
        InputError: the first such number.
    """
    hints = get_type_hints(type(values), include_extras=True)
    for field in fields(values):
        value = getattr(values, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            # On the command line options of an unnamed group stand beside the others.
            named = all(getattr(part, "name", None) != "" for part in get_args(hints[field.name]))
            check_bounds(value, prefix=f"{prefix}{field.name}." if named else prefix)
        bounds = bounds_of(hints[field.name])
        if bounds is None:
            continue
        for number in _numbers(value):
            if not bounds.holds(number):
                raise InputError(
                    given=f"{prefix}{field.name.replace('_', '-')} {number:{_plain(number)}}",
                    wanted=bounds.wanted(number),
                )


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, (int, float)):
        yield value


def _plain(value: float) -> str:
    """The format of a number in a message: whole numbers in full."""
    return "d" if isinstance(value, int) else "g"
