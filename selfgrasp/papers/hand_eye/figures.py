"""What Levine et al. 2016 publish."""

from __future__ import annotations

from collections.abc import Mapping

from selfgrasp.papers.published import Figure

METRICS = (
    "failure_first_10",
    "failure_first_20",
    "failure_first_30",
    "failure_with_replacement",
)
FAILURES: Mapping[str, tuple[float, float, float, float]] = {
    "random_servo": (0.675, 0.700, 0.725, 0.69),
    "heuristic": (0.325, 0.350, 0.508, 0.35),
    "open": (0.275, 0.387, 0.337, 0.43),
    "closed": (0.100, 0.175, 0.175, 0.20),
}
"""Failure over the first 10, 20, 30 and with replacement, table 1, from memory."""
FIGURES = tuple(
    Figure("deplete", metric, value, "table 1", variant=variant)
    for row, variant in (("closed", ""), ("open", "open"))
    for metric, value in zip(METRICS, FAILURES[row], strict=True)
)
