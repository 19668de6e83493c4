"""Axes: from a number to a number, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with ticks at round numbers and a way to write them."""

    low: float
    high: float
    ticks: tuple[float, ...]
    percent: bool = False
    log: bool = False

    @staticmethod
    def over(
        values: Sequence[float],
        *,
        percent: bool = False,
        wanted: int = 5,
        low: float | None = None,
        high: float | None = None,
    ) -> Axis:
        """An axis that holds all finite values; `low` and `high` fix its ends."""
        finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
        bottom = min(finite) if low is None else low
        top = max(finite) if high is None else high
        if top <= bottom:
            top = bottom + (abs(bottom) or 1.0)
        step = _round_step((top - bottom) / wanted)
        if low is None:
            bottom = math.floor(bottom / step + 1e-9) * step
        if high is None:
            top = math.ceil(top / step - 1e-9) * step
        count = math.floor((top - bottom) / step + 1e-9)
        return Axis(bottom, top, tuple(bottom + i * step for i in range(count + 1)), percent)

    @staticmethod
    def log_over(values: Sequence[float]) -> Axis:
        """A logarithmic axis that holds all finite values above 0, from a round number to a round
        number."""
        finite = [v for v in values if math.isfinite(v) and v > 0] or [1.0, 10.0]
        exponents = range(
            math.floor(math.log10(min(finite))), math.ceil(math.log10(max(finite))) + 1
        )
        rounds = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
        bottom = max(v for v in rounds if v <= min(finite) * 1.001)
        top = min(v for v in rounds if v >= max(finite) * 0.999 and v > bottom)
        ticks = [v for v in rounds if bottom <= v <= top]
        # Over many decades only powers of ten have room for their numbers.
        return Axis(
            bottom,
            top,
            tuple(
                ticks
                if len(ticks) <= 8
                else [v for v in ticks if abs(math.remainder(math.log10(v), 1)) < 1e-9]
            ),
            log=True,
        )

    def share(self, value: float) -> float:
        """Where `value` lies, 0..1, clipped."""
        if self.log:
            return min(
                max(
                    math.log(max(value, self.low) / self.low) / math.log(self.high / self.low), 0.0
                ),
                1.0,
            )
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def text(self, value: float) -> str:
        """A tick's number."""
        if self.percent:
            return f"{value * 100:.0f} %"
        if self.high >= 10_000 and abs(value) >= 1000:
            return f"{value / 1000:g} k"
        return f"{value:.6g}"


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(
        step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= rough * 0.999
    )
