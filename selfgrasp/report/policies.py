"""Policies in a report: which of them learned, and how charts show each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from selfgrasp.report.data import ReportData
from selfgrasp.rollout.policies import baselines

_COLORS = 6


@dataclass(frozen=True)
class PolicyStyle:
    """How charts show a policy.

    Attributes:
        color: number of a colour in the page's series; 0 is grey.
        hollow: whether its dot is, since it reads what no robot can sense.
    """

    color: int
    hollow: bool = False


def baseline_of(policy: str) -> str | None:
    """The baseline that a policy's label names, as "heuristic (smallest eigenvalue)" does; None for
    a learned policy."""
    first = policy.lower().partition("+")[0].split()
    return first[0] if first and first[0] in _baselines() else None


@cache
def _baselines() -> frozenset[str]:
    return frozenset(baselines())


def is_learned(policy: str) -> bool:
    """Whether a policy's label names no baseline."""
    return baseline_of(policy) is None


def is_random(policy: str) -> bool:
    """Whether a policy's label names one that tries anything."""
    return baseline_of(policy) in ("random", "random_servo", "random_push_grasp")


def policy_styles(data: ReportData) -> dict[str, PolicyStyle]:
    """Random is grey, learned policies get the page's accent first, privileged ones are hollow."""
    privileged = {row.policy for row in data.rows if row.privileged}
    names = [*data.policies, *(entry.policy for entry in data.story.outcomes)]
    names = list(dict.fromkeys(sorted(names, key=is_learned, reverse=True)))
    colored = [name for name in names if not is_random(name)]
    return {
        name: PolicyStyle(
            1 + colored.index(name) % _COLORS if name in colored else 0, name in privileged
        )
        for name in names
    }
