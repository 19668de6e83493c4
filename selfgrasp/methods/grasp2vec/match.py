"""The goal-conditioned network: whether what a grasp would hold is the goal (Jang et al. 2018,
section 4, figure 3b).

The value of closing the hand at a pose for a goal is the probability of holding anything, which the
success predictor of hand-eye coordination knows, times the probability that it is the goal.

B triples, M poses, C channels, S side of patches and G of pictures of objects, P places of a map, F
features.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Batch, Loss
from selfgrasp.methods.grasp2vec.config import GoalConfig, TowerConfig
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.npairs import FIRST_SCALE
from selfgrasp.servo import MotionScorer
from selfgrasp.servo.scorer import PatchFunction

_FLOOR = 1e-6
"""Of probabilities, whose logarithms are taken."""


class Match(nn.Module):
    """Features of places and of goals, whose cosine says whether they belong together.

    Both parts begin as the towers (`begin`). They learn further, or stay and a linear map of what
    each says learns (`GoalConfig.embedded`).

    Args:
        config: sizes.
        tower: of the towers.
    """

    def __init__(self, config: GoalConfig, tower: TowerConfig) -> None:
        super().__init__()
        plain = replace(tower, color_levels=0)
        self.places, self.pictures = Tower(plain), Tower(plain)
        self.frozen = config.embedded
        if self.frozen:
            self.places.requires_grad_(False)
            self.pictures.requires_grad_(False)
        self.of_place, self.of_picture = (
            _identity(plain.channels[-1]) if self.frozen else nn.Identity() for _ in range(2)
        )
        self.weights = nn.Parameter(torch.zeros(math.ceil(config.patches.px / plain.stride) ** 2))
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE).log())
        self.bias = nn.Parameter(torch.tensor(-FIRST_SCALE / 2))

    def begin(self, scene: Tower, held: Tower) -> None:
        """Take over what towers of the same sizes have learned.

        Args:
            scene: that of pictures of the bin, for places.
            held: that of pictures of objects, for goals.
        """
        for mine, theirs in ((self.places, scene), (self.pictures, held)):
            mine.stem.load_state_dict(theirs.stem.state_dict())
            mine.units.load_state_dict(theirs.units.state_dict())

    def train(self, mode: bool = True) -> Match:
        """As of any module, but frozen towers keep their running statistics."""
        super().train(mode)
        if self.frozen:
            self.places.eval()
            self.pictures.eval()
        return self

    def goals(self, picture_BCGG: torch.Tensor) -> torch.Tensor:
        """(B, F) features of goals, of length 1, of their pictures."""
        return F.normalize(self.of_picture(pooled(self.pictures.features(picture_BCGG))))

    def forward(self, patch_BCSS: torch.Tensor, goal_BF: torch.Tensor) -> torch.Tensor:
        """(B,) logits that what is held after closing in the middle of a patch is the goal.

        Args:
            patch_BCSS: of the first image.
            goal_BF: features of the goals, from `goals`; (1, F): one goal for all.
        """
        features_BFP = self.places.features(patch_BCSS).float().flatten(2)
        places_BF = F.normalize(self.of_place(features_BFP @ self.weights.softmax(dim=0)))
        cosines_B = (places_BF * goal_BF).sum(dim=1)
        logits: torch.Tensor = cosines_B * self.log_scale.exp() + self.bias
        return logits

    def logits_of(self, goal: torch.Tensor) -> PatchFunction:
        """Logits that what is held is a goal, for `PatchScorer`; of a composite goal the features
        are the mean of its parts' (section 5.2).

        Args:
            goal: of `goals.seen_goal`.
        """
        device = self.bias.device
        features = F.normalize(self.goals(goal.to(device)).mean(dim=0, keepdim=True))

        def logits(patch: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
            # Those of the first image come first. In the present one the hand hides things.
            found: torch.Tensor = self(patch[:, :3].to(device), features)
            return found

        return logits


def _identity(numbers: int) -> nn.Linear:
    """A linear map that begins as the identity."""
    linear = nn.Linear(numbers, numbers, bias=False)
    nn.init.eye_(linear.weight)
    return linear


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
