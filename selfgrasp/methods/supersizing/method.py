"""Pinto & Gupta, "Supersizing self-supervision: learning to grasp from 50K tries and 700 robot
hours", ICRA 2016, as a Method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import Action, Context, Grasp, InputError, Plan, Policy, draw
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.learn import (
    Batch,
    Examples,
    FitConfig,
    Loss,
    Method,
    Optimizer,
    Schedule,
    Source,
    Split,
    evaluating,
)
from selfgrasp.methods.supersizing.config import Angles, Choice, SupersizingConfig, Task, Trunk
from selfgrasp.methods.supersizing.examples import (
    EXAMPLES_VERSION,
    batch_of,
    gather,
    map_of,
    pretext_batch_of,
)
from selfgrasp.methods.supersizing.network import GraspNetwork, mean_logits
from selfgrasp.methods.supersizing.pretrained import Colors, load_trunk
from selfgrasp.methods.supersizing.search import Scored, graspable, heat, score_grasps, search
from selfgrasp.vision import Heightmap, fingertip_height

_EXPLORED_ANGLES = 9
"""Angles of a dense search while exploring, drawn anew each time: a part of the prior, as the
paper's 800 patches are."""
_SEPARATION = 0.02
"""m between two candidates of similar angle."""
_EXAMPLES_AT_ONCE = 512
_NEIGHBOURS = 10
"""Places around a candidate that is scored again (section IV.F)."""


class Supersizing(Method):
    """Predicts whether a top-down grasp at a patch's centre holds, at 18 angles, and does the best
    one. Labels come from the gripper alone."""

    name = "supersizing"
    version = 2

    # Platt scaling, (2,) each: probability = sigmoid(scale logit + offset). For the networks' mean
    # logit, and for the prior: that of `network` alone.
    platt: torch.Tensor
    prior_platt: torch.Tensor

    def __init__(self, config: SupersizingConfig) -> None:
        super().__init__()
        self.config: SupersizingConfig = config
        self.network = GraspNetwork(config)
        # The rescorer; checkpoints store it under this name.
        self.second = GraspNetwork(config, drawn=True) if config.rescorer else None
        self.register_buffer("platt", torch.tensor([1.0, 0.0]))
        self.register_buffer("prior_platt", torch.tensor([1.0, 0.0]))

    @property
    def networks(self) -> tuple[GraspNetwork, ...]:
        """The network that searches, and the rescorer, if there is one."""
        return (self.network,) if self.second is None else (self.network, self.second)

    def recipe(self, *, round: int = 0) -> FitConfig:
        """The paper: SGD, 20 epochs at 0.01, then 5 at 0.001 from the weights of the round before
        (section III.D). Compact networks: AdamW, a cosine."""
        if self.config.trunk is not Trunk.COMPACT:
            epochs, rate = (5, 0.001) if round else (20, 0.01)
            return FitConfig(
                epochs=epochs,
                optimizer=Optimizer.SGD,
                learning_rate=rate,
                schedule=Schedule.CONSTANT,
                weight_decay=5e-4,
            )
        return FitConfig(
            epochs=5 if round else 20, learning_rate=2e-4 if round else 2e-3, patience=8
        )

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather` reads of the config."""
        config = self.config
        return [
            EXAMPLES_VERSION,
            config.angles,
            config.context,
            config.map_pixels,
            config.pixels,
            config.view,
            config.round_weight,
        ]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.config)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.batch_of` and, for the pretext, `examples.pretext_batch_of`."""
        if self.config.task is Task.ROTATION:
            return pretext_batch_of(examples, indices, self.config, rng, augment=augment)
        return batch_of(examples, indices, self.config, rng, augment=augment)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy of the tried angle's output alone (section III.C), since the other angles'
        outputs have no label; for the pretext, of four classes.

        Each network has a loss of its own, so that neither depends on the other. The value is their
        mean.
        """
        if self.config.task is Task.ROTATION:
            return self._turned(batch["patch"])
        logits_NB = torch.stack(
            [self.tried_logits(batch, by=(network,)) for network in self.networks]
        )
        weight_B = batch["weight"] / batch["weight"].sum().clamp_min(1e-6)
        each_NB = F.binary_cross_entropy_with_logits(
            logits_NB, batch["grasped"].expand_as(logits_NB), reduction="none"
        )
        value = (each_NB * weight_B).sum(1).mean()
        right = ((logits_NB.detach().mean(0) > 0) == (batch["grasped"] > 0.5)).float()
        return Loss(
            value, {"accuracy": (right * weight_B).sum(), "grasped": batch["grasped"].mean()}
        )

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Platt scaling on the validation examples: the two numbers that minimise their cross
        entropy. Ranks stay as they were."""
        if self.config.task is Task.ROTATION:
            return
        logits, grasped = [], []
        for batch in batches:
            logits.append(
                torch.stack([self.tried_logits(batch, by=(network,)) for network in self.networks])
            )
            grasped.append(batch["grasped"])
        x_NB, y_B = (
            torch.cat(logits, dim=1).double().cpu().numpy(),
            torch.cat(grasped).double().cpu().numpy(),
        )
        self.platt.copy_(torch.tensor(_platt(x_NB.mean(axis=0), y_B)))
        self.prior_platt.copy_(torch.tensor(_platt(x_NB[0], y_B)))

    def load_trunk(self, path: Path, *, colors: Colors | None = None) -> None:
        """See `pretrained.load_trunk`."""
        for network in self.networks:
            load_trunk(network, self.config, path, colors=colors)

    def plan(self, context: Context, *, choice: Choice | None = None) -> Plan:
        """The best places and angles on whatever is not table, after non-maximum suppression, and
        the map "graspability": the search network's probability of success.

        Raises:
            InputError: a network that learned the pretext.
        """
        self._require_grasps()
        config, spec = self.config, context.spec
        top = map_of(context.observation, config, spec)
        mask = graspable(context, top, config)
        if not mask.any():
            return Plan.nothing("nothing to grasp rises above the table inside the workspace")
        rng = context.rng()
        with evaluating(self):
            choice = choice or config.choice
            exploring = choice is not Choice.BEST
            angles = (
                rng.choice(config.bins, min(_EXPLORED_ANGLES, config.bins), replace=False)
                if exploring
                else None
            )
            scored = search(self.network, top, mask, spec, config, rng, angles=angles)
            best = self._best(scored, top, context, rng)
        probabilities = _calibrated(scored.logits, self.prior_platt)
        maps = {"graspability": heat(scored, probabilities, top, config)}
        if choice is Choice.SAMPLED:
            drawn = int(rng.choice(len(scored), p=probabilities / probabilities.sum()))
            chance, scores = (
                float(probabilities[drawn] / probabilities.sum()),
                np.r_[probabilities[drawn], self.probabilities(best.logits)],
            )
            actions = (*_grasps(scored.take(np.array([drawn])), config), *_grasps(best, config))
            return Plan(actions, scores, calibrated=True, chosen=0, probability=chance, maps=maps)
        scores = self.probabilities(best.logits)
        pick = draw(np.log(scores / (1 - scores)), config.temperature, rng)
        return Plan(
            _grasps(best, config),
            scores,
            calibrated=True,
            chosen=pick.index,
            probability=pick.probability,
            maps=maps,
        )

    def score(self, context: Context, actions: Sequence[Action]) -> FloatArray:
        """(N,) probabilities that `actions`, all of them grasps, hold.

        Raises:
            InputError: an action that is not a grasp, or a network that learned the pretext.
        """
        self._require_grasps()
        if not actions:
            return np.zeros(0)
        grasps = [a for a in actions if isinstance(a, Grasp)]
        if len(grasps) != len(actions):
            raise InputError(
                given=f"{len(actions) - len(grasps)} actions that are not grasps",
                wanted="grasps: all that supersizing can score",
            )
        poses = np.stack([g.world_from_tool for g in grasps])
        yaw = np.array([yaw_of(p) for p in poses])
        with evaluating(self):
            top = map_of(context.observation, self.config, context.spec)
            width = np.array([g.width for g in grasps])
            logits = score_grasps(
                self.networks,
                top,
                poses[:, :2, 3],
                yaw,
                poses[:, 2, 3],
                width,
                context.spec,
                self.config,
                mirrored=True,
            )
        return self.probabilities(logits)

    def example_probabilities(self, examples: Examples) -> FloatArray:
        """(N,) probabilities that the grasps of examples (of `gather`) hold: what `score` gives for
        them."""
        logits = []
        with evaluating(self):
            for start in range(0, len(examples), _EXAMPLES_AT_ONCE):
                rows = np.arange(start, min(start + _EXAMPLES_AT_ONCE, len(examples)))
                batch = self.batch(examples, rows, np.random.default_rng(0), augment=False)
                on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
                tried = self.tried_logits(on_device, mirrored=True)
                logits.append(tried.double().cpu().numpy())
        return self.probabilities(np.concatenate(logits))

    def exploring(self) -> Policy:
        """Draws as `config.exploration` says, and records the probability it drew with."""
        return _Drawing(self, self.config.exploration)

    def variants(self) -> Mapping[str, Policy]:
        """explore; sample: importance sampling over all scored grasps (section III.D); rerank: the
        ten best scored again (section IV.F)."""
        reranking = self.with_config(replace(self.config, rerank=10, temperature=0.0))
        return {**super().variants(), "sample": _Drawing(self, Choice.SAMPLED), "rerank": reranking}

    def with_config(self, config: SupersizingConfig) -> Supersizing:
        """The same networks, planning with another config."""
        other = copy(self)
        other.config = config
        return other

    def tried_logits(
        self, batch: Batch, *, by: Sequence[GraspNetwork] = (), mirrored: bool = False
    ) -> torch.Tensor:
        """(B,) logits of the tried angles.

        Args:
            batch: of `batch`.
            by: networks whose mean is taken; all by default.
            mirrored: also average over the patch's mirrorings, as `score` does.
        """
        logits_BA = mean_logits(
            by or self.networks, batch["patch"], batch["hand"], batch["reach"], mirrored=mirrored
        )
        tried_BA = (
            logits_BA.gather(1, batch["bin"][:, None])
            if self.config.angles is Angles.OUTPUTS
            else logits_BA
        )
        return tried_BA[:, 0].float()

    def _turned(self, patch_BCHW: torch.Tensor) -> Loss:
        """Each patch turned by 0, 90, 180 and 270 degrees, pixels moved and none interpolated, so
        that no trace of the turning gives the answer away."""
        turned = torch.cat(
            [torch.rot90(patch_BCHW, quarter, (2, 3)) for quarter in range(4)]
        ).contiguous(memory_format=torch.channels_last)
        logits = self.network(turned, turned.new_zeros(len(turned), 0)).float()
        quarters = torch.arange(4, device=logits.device).repeat_interleave(len(patch_BCHW))
        return Loss(
            F.cross_entropy(logits, quarters),
            {"accuracy": (logits.detach().argmax(dim=1) == quarters).float().mean()},
        )

    def _require_grasps(self) -> None:
        if self.config.task is not Task.GRASP:
            raise InputError(
                given=f"a network of {self.name} that learned the task "
                f"{self.config.task}, a pretext",
                wanted=f"one that learned the task {Task.GRASP}",
                exists="selfgrasp train supersizing --trunk RUN --data DATASET --out OTHER starts "
                "from a pretext's trunk",
            )

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """(N,) calibrated probabilities of the networks' mean logits (N,)."""
        return _calibrated(logits, self.platt)

    def _best(
        self, scored: Scored, top: Heightmap, context: Context, rng: np.random.Generator
    ) -> Scored:
        """Distinct candidates, best first: those of the search, rescored and re-ranked where the
        config says so."""
        config = self.config
        if self.second is None:
            best = scored.take(_non_maximum_suppression(scored, config, config.candidates))
        else:
            proposed = scored.take(_non_maximum_suppression(scored, config, config.proposals))
            yaw = proposed.bins * math.pi / config.bins
            rescored = score_grasps(
                [self.second],
                top,
                proposed.xy,
                yaw,
                proposed.z,
                proposed.width,
                context.spec,
                config,
            )
            both = replace(proposed, logits=(proposed.logits + rescored) / 2)
            best = both.take(np.argsort(-both.logits, kind="stable")[: config.candidates])
        return self._reranked(best, top, context, rng) if config.rerank else best

    def _reranked(
        self, best: Scored, top: Heightmap, context: Context, rng: np.random.Generator
    ) -> Scored:
        """The first candidates, scored again by the mean over places around each: a peak of one
        pixel is noise."""
        config, spec = self.config, context.spec
        head, around = best.take(np.arange(min(config.rerank, len(best)))), _NEIGHBOURS
        offsets = rng.normal(0, 0.004, (len(head), around, 2))
        xy = np.clip(
            head.xy[:, None] + offsets, spec.workspace.low[:2], spec.workspace.high[:2]
        ).reshape(-1, 2)
        yaw = np.repeat(head.bins * math.pi / config.bins, around)
        z = fingertip_height(top, xy, yaw, spec.gripper, spec.workspace)
        width = np.repeat(head.width, around)
        means = (
            score_grasps(self.networks, top, xy, yaw, z, width, spec, config)
            .reshape(len(head), around)
            .mean(axis=1)
        )
        logits = (head.logits + around * means) / (around + 1)
        return replace(head, logits=logits).take(np.argsort(-logits, kind="stable"))


@dataclass(frozen=True)
class _Drawing:
    """The method with another choice; shares its weights."""

    method: Supersizing
    choice: Choice

    @property
    def name(self) -> str:
        return f"{self.method.name}-{self.choice}"

    @property
    def privileged(self) -> tuple[str, ...]:
        return self.method.privileged

    def plan(self, context: Context) -> Plan:
        """A plan whose choice is drawn."""
        return self.method.plan(context, choice=self.choice)


def _calibrated(logits: FloatArray, platt: torch.Tensor) -> FloatArray:
    """(N,) probabilities of logits (N,)."""
    scale, offset = platt.tolist()
    out: FloatArray = 1 / (1 + np.exp(-np.clip(scale * logits + offset, -30, 30)))
    return out


def _non_maximum_suppression(
    scored: Scored, config: SupersizingConfig, count: int
) -> NDArray[np.int64]:
    """Indices of up to `count` best grasps, none within `_SEPARATION` m and one and a half bins of
    a better one."""
    kept: list[int] = []
    near_bins = 1.5
    left = scored.logits.copy()
    while len(kept) < count and np.isfinite(left).any():
        index = int(left.argmax())
        kept.append(index)
        difference = np.abs(scored.bins - scored.bins[index])
        close_angle = np.minimum(difference, config.bins - difference) <= near_bins
        left[
            close_angle & (((scored.xy - scored.xy[index]) ** 2).sum(axis=1) < _SEPARATION**2)
        ] = -np.inf
    return np.array(kept, dtype=np.int64)


def _grasps(scored: Scored, config: SupersizingConfig) -> tuple[Grasp, ...]:
    yaws = scored.bins * math.pi / config.bins
    each = zip(scored.xy, scored.z, yaws, scored.width, strict=True)
    return tuple(
        Grasp(top_down((x, y, z), float(yaw)), float(width)) for (x, y), z, yaw, width in each
    )


def _platt(logits: FloatArray, grasped: FloatArray) -> tuple[float, float]:
    """Scale and offset by Newton's method, with Platt's smoothed targets so that separable examples
    stay finite (Platt 1999, section 2.1)."""
    positive = grasped.sum()
    targets = np.where(
        grasped > 0.5, (positive + 1) / (positive + 2), 1 / (len(grasped) - positive + 2)
    )
    x = np.stack([logits, np.ones_like(logits)], axis=1)
    w = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        step = np.linalg.solve(
            (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(2),
            x.T @ (p - targets) + 1e-3 * (w - (1.0, 0.0)),
        )
        w -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    # A network that is worse than chance on the validation examples is not turned around.
    return (float(w[0]), float(w[1])) if w[0] > 0 else (1.0, 0.0)


METHOD = Supersizing
