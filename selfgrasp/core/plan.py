"""A policy's answer: actions with scores, the chosen one, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core.action import Action
from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import checked_pose


@dataclass(frozen=True, eq=False)
class Heat:
    """Scores over a metric map, one layer an angle: why a plan chose what it chose.

    Attributes:
        values: (A, H, W) float32; NaN where nothing was scored.
        angles: (A,) rad, of each layer the closing direction's yaw, over half a turn, or a push's,
            over a whole one; one layer with angle NaN for a map without angles.
        world_from_map: (4, 4); the map's (column, row, 0) metres to the world.
        pixel: m, the side of a pixel; the centre of pixel (row, column) lies at ((column + 0.5)
            pixel, (row + 0.5) pixel, 0) in the map.
    """

    values: np.ndarray
    angles: FloatArray
    world_from_map: FloatArray
    pixel: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "values",
            checked(self.values, (None, None, None), np.float32, "values", finite=False),
        )
        object.__setattr__(
            self,
            "angles",
            checked(self.angles, (self.values.shape[0],), np.float64, "angles (rad)", finite=False),
        )
        object.__setattr__(
            self, "world_from_map", checked_pose(self.world_from_map, "world_from_map")
        )
        object.__setattr__(self, "pixel", checked_number(self.pixel, 1e-5, 1.0, "pixel (m)"))

    @property
    def of_pushes(self) -> bool:
        """Whether the angles go over more than half a turn: of pushes, which point somewhere, and
        not of grasps, which a hand can do either way."""
        return len(self.angles) > 1 and bool(np.ptp(self.angles) > np.pi - 1e-6)


@dataclass(frozen=True, eq=False)
class Plan:
    """Ranked candidates and the one to do.

    Attributes:
        actions: the candidates; empty when there is nothing to do, and then `reason` says why.
        scores: (N,) float64, finite, higher is better.
        calibrated: whether the scores are probabilities of success.
        chosen: index into actions; None when there are none.
        probability: with which the policy chose it; 1 unless it samples.
        maps: pictures of the policy's opinion, by name.
        reason: why there are no actions.

    Raises:
        InputError: lengths that differ, a score that is not finite, a calibrated one that is no
            probability, an index out of range, or an empty plan without a reason.
    """

    actions: tuple[Action, ...]
    scores: FloatArray
    calibrated: bool = False
    chosen: int | None = None
    probability: float = 1.0
    maps: Mapping[str, Heat] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(
            self, "scores", checked(self.scores, (len(self.actions),), np.float64, "scores")
        )
        if self.calibrated and not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise InputError(
                given=f"calibrated scores from {self.scores.min():g} to {self.scores.max():g}",
                wanted="probabilities, 0 to 1, or calibrated=False",
            )
        if not self.actions and not self.reason:
            raise InputError(
                given="a plan without actions and without a reason", wanted="the reason"
            )
        if self.actions and self.chosen is None:
            object.__setattr__(self, "chosen", int(self.scores.argmax()))
        if self.chosen is not None and not 0 <= self.chosen < len(self.actions):
            raise InputError(
                given=f"chosen = {self.chosen}", wanted=f"an index below {len(self.actions)}"
            )
        object.__setattr__(
            self, "probability", checked_number(self.probability, 0.0, 1.0, "probability")
        )

    @staticmethod
    def nothing(reason: str) -> Plan:
        """An empty plan that says why."""
        return Plan(actions=(), scores=np.zeros(0), reason=reason)

    @staticmethod
    def only(action: Action, score: float = 0.0) -> Plan:
        """A plan of one action."""
        return Plan((action,), np.array([score]))

    @property
    def action(self) -> Action | None:
        """The chosen action, or None for an empty plan."""
        return None if self.chosen is None else self.actions[self.chosen]

    @property
    def score(self) -> float:
        """The chosen action's score; NaN for an empty plan."""
        return float("nan") if self.chosen is None else float(self.scores[self.chosen])


@dataclass(frozen=True)
class Draw:
    """What was drawn: its index and the probability it was drawn with."""

    index: int
    probability: float


def draw(scores: FloatArray, temperature: float, rng: np.random.Generator) -> Draw:
    """An index drawn in proportion to exp(score / temperature); the best one at temperature 0.

    A policy without memory that always does its best grasp does it forever where it fails and
    nothing moves; a little temperature ends that.
    """
    if temperature <= 0:
        return Draw(int(scores.argmax()), 1.0)
    weights = np.exp((scores - scores.max()) / temperature)
    weights /= weights.sum()
    index = int(rng.choice(len(weights), p=weights))
    return Draw(index, float(weights[index]))
