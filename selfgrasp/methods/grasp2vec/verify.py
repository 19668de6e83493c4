"""Whether what is held is the goal, and where the goal is not because something else lies there
(Jang et al. 2018, section 5.3, where what was rejected is forgotten).

K parts of a goal, D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfgrasp.core import CellSpec, Goal, Heat2D, Policy, Verdict, Verifies, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.servo import WithContext


def verdict_of(held: FloatArray, goals: FloatArray, threshold: float) -> Verdict:
    """Whether the cosine of what is held with a part of the goal reaches the threshold.

    Args:
        held: (D,).
        goals: (K, D), any of which counts.
        threshold: least cosine.
    """
    similarity = float((unit(goals) @ unit(held)).max())
    return Verdict(similarity >= threshold, similarity)


def without_rejected(heat: Heat2D, rejected: Sequence[Heat2D]) -> Heat2D:
    """The heat where a place is more like the goal than like anything that was held and rejected,
    and NaN elsewhere: a place belongs to the nearest prototype. So an object that resembles the
    goal is not grasped again, and the goal keeps its heat. Where no place is left, the heat as it
    is.

    Args:
        heat: of the goal's vector, of length 1.
        rejected: of the others' vectors, of length 1, over the same picture.
    """
    if not rejected:
        return heat
    others = np.max([one.values for one in rejected], axis=0)
    kept = heat.values > others
    if not kept.any():
        return heat
    return replace(heat, values=np.where(kept, heat.values, np.float32(np.nan)))


@dataclass(frozen=True)
class Verifying(WithContext):
    """A method with some `Context` fields overridden, that looks at what it holds as the method
    does."""

    def verdict(self, present: View, goal: Goal, spec: CellSpec) -> Verdict:
        """The method's."""
        assert isinstance(self.method, Verifies)
        return self.method.verdict(present, goal, spec)

    @staticmethod
    def of(policy: Policy) -> Policy:
        """A variant that does so, of one that does not; others as they are."""
        if not isinstance(policy, WithContext):
            return policy
        return Verifying(policy.method, policy.title, policy.overrides, policy.privileged)
