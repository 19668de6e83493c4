"""What became of a dataset's attempts."""

from __future__ import annotations

from collections import Counter

from selfgrasp.dataset import Dataset
from selfgrasp.viz.kinds import HELD, MISSED


def outcome_counts(data: Dataset) -> dict[tuple[str, int], Counter[str]]:
    """How many attempts of each policy and round came to each end: held, a fault, or missed."""
    found: dict[tuple[str, int], Counter[str]] = {}
    columns = (data.column(name).tolist() for name in ("policy", "round", "grasped", "fault"))
    for policy, round, grasped, fault in zip(*columns, strict=True):
        kind = HELD if grasped else fault or MISSED
        found.setdefault((policy, round), Counter())[kind] += 1
    return found
