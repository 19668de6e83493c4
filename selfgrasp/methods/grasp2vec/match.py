"""The goal-conditioned network: whether what a grasp would hold is the goal (Jang et al. 2018,
section 4, figure 3b).

The value of closing the hand at a pose for a goal is the probability of holding anything, which the
success predictor of hand-eye coordination knows, times the probability that it is the goal.

B triples, M poses, C channels, S side of pictures of the bin and G of objects, H and W places of a
map, P all of them, F features.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.core import CellSpec, Heat2D, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Batch, Loss
from selfgrasp.methods.grasp2vec.config import GoalConfig, Grasp2VecConfig
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.pictures import place_px
from selfgrasp.servo import MotionScorer

_FLOOR = 1e-6
"""How far from 1 probabilities stay, at least."""
_FIRST_SCALE = 1.0
"""Of inner products, before the softmax over places; it is learned."""
_FIRST_FLOOR = 0.1
"""Similarity of any two pictures; it is learned."""
_FIRST_REACH = 0.1
"""Share of the side of what is seen of the bin, some 5 cm, within which a grasp holds what looks
like the goal; it is learned."""


class Match(nn.Module):
    """Where in the bin a goal is: attention over the places of the scene, and how much of it is
    within reach of a grasp.

    As the published network it sees all of the bin: a place is the goal's where no other place is
    more like the goal. How sharp the attention is and how far a grasp reaches is learned.

    Args:
        goal: its config.
        config: of the method.

    Attributes:
        places: the tower for pictures of the bin, which begins as the method's (`begin`) and learns
            further; None where that one is asked (`GoalConfig.embedded`).
        pictures: the tower for pictures of objects, likewise.
    """

    def __init__(self, goal: GoalConfig, config: Grasp2VecConfig) -> None:
        super().__init__()
        plain = replace(config.tower, color_levels=0)
        self.places, self.pictures = (None if goal.embedded else Tower(plain) for _ in range(2))
        self.log_scale = nn.Parameter(torch.tensor(_FIRST_SCALE).log())
        cells = _FIRST_REACH * config.scene.px / plain.stride
        self.log_reach = nn.Parameter(torch.full((2,), cells).log())
        self.floor = nn.Parameter(torch.tensor(_FIRST_FLOOR).logit())

    def begin(self, scene: Tower, held: Tower) -> None:
        """Take over what towers of the same sizes have learned.

        Args:
            scene: that of pictures of the bin, for places.
            held: that of pictures of objects, for goals.
        """
        for mine, theirs in ((self.places, scene), (self.pictures, held)):
            if mine is None:
                continue
            mine.stem.load_state_dict(theirs.stem.state_dict())
            mine.units.load_state_dict(theirs.units.state_dict())

    def forward(
        self, map_BFHW: torch.Tensor, goal_BF: torch.Tensor, place_B2: torch.Tensor
    ) -> torch.Tensor:
        """(B,) logarithms of the reward of closing at a place, where something is held: what is
        within reach, and of the rest the similarity that any two pictures have.

        Args:
            map_BFHW: of the scene.
            goal_BF: features of the goals, see `goal_features`.
            place_B2: cells of the map, x and y of the grasps, see `Heat2D`.
        """
        heat_BHW = torch.einsum("bfhw,bf->bhw", map_BFHW.float(), goal_BF)
        reached = self.within_reach(heat_BHW, place_B2)
        return torch.logaddexp(reached + F.logsigmoid(-self.floor), F.logsigmoid(self.floor))

    def within_reach(self, heat_BHW: torch.Tensor, place_B2: torch.Tensor) -> torch.Tensor:
        """(B,) logarithms of the probability that what is held after closing at a place is the
        goal: the share of attention that is within reach.

        Args:
            heat_BHW: inner products of maps with goals; (1, H, W): one for all; -inf: places that
                get no attention.
            place_B2: as of `forward`.
        """
        height, width = heat_BHW.shape[1:]
        attention_BP = (heat_BHW * self.log_scale.exp()).flatten(1).log_softmax(dim=1)
        x, y = (torch.arange(n, device=place_B2.device) + 0.5 for n in (width, height))
        cell_P2 = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1)
        away_BP2 = (place_B2[:, None] - cell_P2) / self.log_reach.exp()
        # Flat in the middle: the best grasp of an object need not be where it looks most like it.
        reached_BP = -(away_BP2.square().sum(dim=2).square()) / 2
        return (attention_BP + reached_BP).logsumexp(dim=1)


def goal_features(pictures: Tower, picture_BCGG: torch.Tensor) -> torch.Tensor:
    """(B, F) of goals, of length 1, of their pictures."""
    return F.normalize(pooled(pictures.features(picture_BCGG)))


def goal_loss(match: Match, places: Tower, pictures: Tower, batch: Batch) -> Loss:
    """Cross entropy of the rewards, which may lie between 0 and 1: the value of a triple is the
    probability of holding anything times that of the goal.

    Args:
        match: what learns.
        places: the tower for pictures of the bin.
        pictures: that for pictures of objects.
        batch: of `goals.goal_batch`.
    """
    maps = places.features(batch["scene"])[batch["scene_of"]]
    logs = match(maps, goal_features(pictures, batch["goal"]), batch["place"])
    log_value = (F.logsigmoid(batch["anything"]) + logs).clamp(max=-_FLOOR)
    reward = batch["reward"]
    loss = -(reward * log_value + (1 - reward) * (-log_value.expm1()).log()).mean()
    held = batch["grasped"] > 0
    metrics = {"error": (log_value.exp() - reward).abs().mean()}
    if bool(held.any()):
        right = (logs > math.log(0.5)) == (reward > 0.5)
        metrics["right"] = right[held].float().mean()
    return Loss(loss, {"goal_loss": loss.detach(), **{k: v.detach() for k, v in metrics.items()}})


class MatchScorer:
    """Scores of motions for a goal: the logit of the product of both probabilities.

    Args:
        anything: scores motions for holding anything.
        match: what says how much of the attention is within reach.
        heat: of the goal over a picture of the scene; NaN: no attention there.
        picture: of the scene, as calibrated as the poses are.
        spec: the cell.
    """

    def __init__(
        self, anything: MotionScorer, match: Match, heat: Heat2D, picture: View, spec: CellSpec
    ) -> None:
        self._anything, self._match, self._picture, self._spec = anything, match, picture, spec
        self._heat = heat
        values = np.where(np.isnan(heat.values), -np.inf, heat.values)[None]
        self._values = torch.from_numpy(values.astype(np.float32)).to(match.log_scale.device)

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,)."""
        return self._both(self._anything.logits(poses), poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, see `MotionScorer`."""
        return self._both(self._anything.careful_logits(poses), poses)

    def _both(self, anything: FloatArray, poses: FloatArray) -> FloatArray:
        cells = self._heat.cells(place_px(poses[:, :2], self._picture, self._spec))
        place = torch.from_numpy(cells).float().to(self._values.device)
        with torch.inference_mode():
            goal = self._match.within_reach(self._values, place).double().cpu().numpy()
        log_p = np.minimum(goal - np.logaddexp(0, -anything), -_FLOOR)
        logits: FloatArray = log_p - np.log(-np.expm1(log_p))
        return logits
