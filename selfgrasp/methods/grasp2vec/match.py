"""The goal-conditioned network: whether what a grasp would hold is the goal (Jang et al. 2018,
section 4, figure 3b).

The value of closing the hand at a pose for a goal is the probability of holding anything, which the
success predictor of hand-eye coordination knows, times the probability that it is the goal.

B triples, M poses, N pictures, C channels, S patch side, F features, D numbers of a vector.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Batch, Loss
from selfgrasp.methods.grasp2vec.config import GoalConfig
from selfgrasp.servo import MotionScorer
from selfgrasp.servo.network import convolution
from selfgrasp.servo.scorer import PatchFunction

_FLOOR = 1e-6
"""Of probabilities, whose logarithms are taken."""


class Match(nn.Module):
    """Features of places and of goals, whose inner product is the logit that they belong together.

    Args:
        config: sizes.
        numbers: D of a goal's vector, where the config says that vectors are seen.
    """

    def __init__(self, config: GoalConfig, numbers: int) -> None:
        super().__init__()
        side = math.ceil(config.patches.px / 8)
        self.places = nn.Sequential(
            _convolutions(3 * len(config.patches.planes), config.widths),
            _Weighted(side * side),
            nn.Linear(config.widths[-1], config.features),
        )
        self.goals = (
            nn.Linear(numbers, config.features)
            if config.embedded
            else nn.Sequential(
                _convolutions(3, config.widths),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(config.widths[-1], config.features),
            )
        )
        self.bias = nn.Parameter(torch.zeros(()))
        self._scale = 1 / math.sqrt(config.features)
        self._planes = 3 * len(config.patches.planes)

    def forward(self, patch_BCSS: torch.Tensor, goal_BF: torch.Tensor) -> torch.Tensor:
        """(B,) logits that what is held after closing in the middle of a patch is the goal.

        Args:
            patch_BCSS: of the first image.
            goal_BF: features of the goals, from `goals`; (1, F): one goal for all.
        """
        places_BF = self.places(patch_BCSS)
        logits: torch.Tensor = (places_BF * goal_BF).sum(dim=1) * self._scale + self.bias
        return logits

    def logits_of(self, goal: torch.Tensor) -> PatchFunction:
        """Logits that what is held is a goal, for `PatchScorer`; of a composite goal the features
        are the mean of its parts' (section 5.2).

        Args:
            goal: of `goals.seen_goal`.
        """
        device = self.bias.device
        features = self.goals(goal.to(device)).mean(dim=0, keepdim=True)

        def logits(patch: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
            # Planes of the first image come first. In the present one the hand hides things.
            found: torch.Tensor = self(patch[:, : self._planes].to(device), features)
            return found

        return logits


class _Weighted(nn.Module):
    """A mean over places with learned weights: the middle of a patch counts most."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self.weights = nn.Linear(places, 1, bias=False)
        nn.init.constant_(self.weights.weight, 1 / places)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C)."""
        out: torch.Tensor = self.weights(x_BCHW.flatten(2))[:, :, 0]
        return out


def _convolutions(before: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Three of stride 2, and others between and behind them."""
    one, two, three, four = widths
    return nn.Sequential(
        convolution(before, one, 2),
        convolution(one, two, 1),
        convolution(two, three, 2),
        convolution(three, three, 1),
        convolution(three, four, 2),
        convolution(four, four, 1),
    )


def goal_loss(match: Match, batch: Batch) -> Loss:
    """Cross entropy of the rewards, which may lie between 0 and 1: the value of a triple is the
    probability of holding anything times that of the goal.

    Args:
        match: what learns.
        batch: of `goals.goal_batch`.
    """
    logits = match(batch["patch"], match.goals(batch["goal"])).float()
    value = (F.logsigmoid(batch["anything"]) + F.logsigmoid(logits)).exp()
    reward = batch["reward"]
    loss = F.binary_cross_entropy(value.clamp(_FLOOR, 1 - _FLOOR), reward)
    held = batch["grasped"] > 0
    metrics = {"error": (value - reward).abs().mean()}
    if bool(held.any()):
        metrics["right"] = ((logits > 0) == (reward > 0.5))[held].float().mean()
    return Loss(loss, {"goal_loss": loss.detach(), **{k: v.detach() for k, v in metrics.items()}})


class MatchScorer:
    """Scores of motions for a goal: the logit of the product of both probabilities.

    Args:
        anything: scores motions for holding anything.
        goal: scores them for holding the goal where they hold anything.
    """

    def __init__(self, anything: MotionScorer, goal: MotionScorer) -> None:
        self._anything, self._goal = anything, goal

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,)."""
        return _logit_of_product(self._anything.logits(poses), self._goal.logits(poses))

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, see `MotionScorer`."""
        return _logit_of_product(
            self._anything.careful_logits(poses), self._goal.careful_logits(poses)
        )


def _logit_of_product(a: FloatArray, b: FloatArray) -> FloatArray:
    """(M,) of the product of two probabilities with logits (M,): 1 / p - 1 is
    (1 + exp(-a)) (1 + exp(-b)) - 1."""
    logits: FloatArray = -np.logaddexp(np.logaddexp(-a, -b), -a - b)
    return logits
