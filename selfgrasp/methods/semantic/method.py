"""Jang et al., "End-to-End Learning of Semantic Grasping", CoRL 2017, as a Method."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import (
    ANYTHING,
    Context,
    Goal,
    InputError,
    Observation,
    Plan,
    Policy,
    unknown_name,
)
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Batch, Examples, FitConfig, Loss, Precision, Source, Split, load_parts
from selfgrasp.methods.semantic.config import SemanticConfig, Structure
from selfgrasp.methods.semantic.examples import (
    GATHERED,
    LABEL,
    PICTURE_LABEL,
    PROPAGATED_LABEL,
    gather_semantic,
    semantic_batch,
)
from selfgrasp.methods.semantic.network import Branches
from selfgrasp.methods.semantic.scorer import BoxScorer, CategoryScorer, PublishedScorer, best_box
from selfgrasp.servo import (
    CameraPoseNet,
    MotionScorer,
    PatchScorer,
    ServoMethod,
    SuccessPredictor,
    WithContext,
    camera_pose_loss,
    estimate_camera_pose,
    grasp_loss,
)
from selfgrasp.servo.network import STATE
from selfgrasp.servo.poses import hand_of, over_the_bin


class Semantic(ServoMethod):
    """A dorsal stream says whether something will be held, a ventral one what it will be; servoes
    to what is asked for.

    Started from another's eye and dorsal stream (`load_trunk`), it learns its own streams alone;
    else all of them.
    """

    name = "semantic"
    reads_labels = (LABEL, PROPAGATED_LABEL, PICTURE_LABEL)

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.config: SemanticConfig = config
        self.eye = CameraPoseNet(config)
        self.judge = SuccessPredictor(config)
        self.branches = Branches(config)
        self._given = False
        # The box is the same at every look of an attempt.
        self._boxed: tuple[Observation, int, FloatArray] | None = None

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine."""
        return FitConfig(
            epochs=80 if self.config.names_pictures else 30,
            learning_rate=2e-3,
            precision=Precision.ALSO_CPU,
        )

    def load_trunk(self, path: Path) -> None:
        """Take the camera pose network and the dorsal stream of a run of `hand_eye`, or of this
        method. They are frozen then.

        Raises:
            InputError: no such networks there, or of other sizes.
        """
        load_parts(path, self, ("eye", "judge"))
        self._given = True
        for part in (self.eye, self.judge):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Semantic:
        """As of any module, but what was given keeps its running statistics."""
        super().train(mode)
        if self._given:
            self.eye.eval()
            self.judge.eval()
        return self

    @property
    def examples_key(self) -> list[Any]:
        """What `examples.gather_semantic` reads of the config."""
        seen = self.config.ventral
        return [
            *super().examples_key,
            GATHERED,
            self.config.answers,
            seen.pixel,
            seen.stored_px,
            seen.planes,
            seen.looks,
            seen.eye_px,
            seen.view,
            self._given,
        ]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather_semantic`."""
        return gather_semantic(source, split, self.config, rng, dorsal=not self._given)

    def check(self, examples: Examples) -> None:
        """Somebody must have said what some of the attempts lifted."""
        if not (examples.columns["category"] >= 0).any():
            raise InputError(
                given=f"{len(examples)} attempts of which nobody says what known category "
                "they lifted",
                wanted=f"labels {LABEL!r} (`selfgrasp label`, or bins of one category: collect "
                "--options.mixture alike), or a dataset of `selfgrasp pictures`",
                exists=", ".join(self.config.categories),
            )

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.semantic_batch`."""
        return semantic_batch(examples, indices, self.config, rng, augment=augment)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropies of success, where it was tried, and of the category, where it is known;
        how far down the hand came; and the dorsal stream's loss."""
        grasp, category = (out.float() for out in self.branches(batch["patch"], batch["state"]))
        if self.config.structure is Structure.SINGLE:
            value, metrics = self._single(category, batch)
        elif self.config.names_pictures:
            value, metrics = _named_loss(category, batch["category"], batch["named_weight"])
        else:
            classes, metrics = _named_loss(
                category, batch["category"], batch["weight"] * (batch["category"] >= 0)
            )
            success, stopped = grasp_loss(grasp, batch, batch["weight"] * batch["tried"])
            value = classes + success + self.config.height_weight * stopped
            metrics |= {"success_loss": success}
        if "dorsal" in batch:
            success, stopped = grasp_loss(
                self.judge(batch["dorsal"], batch["dorsal_state"]).float(),
                batch,
                batch["dorsal_weight"],
            )
            missed = camera_pose_loss(self.eye, batch)
            value = value + success + self.config.height_weight * stopped + missed
            metrics |= {"dorsal_loss": success, "reprojection_px": missed}
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def _single(
        self, logits: torch.Tensor, batch: Batch
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Failure is the last class; what was lifted and is unknown teaches nothing."""
        known, failed = batch["category"] >= 0, (batch["tried"] > 0) & (batch["grasped"] == 0)
        target = torch.where(failed, len(self.config.answers), batch["category"].clamp_min(0))
        weight = batch["weight"] * (known | failed)
        value = _mean(
            F.cross_entropy(logits, target, reduction="none", label_smoothing=0.05), weight
        )
        return value, _class_metrics(value, logits.argmax(dim=1) == target, batch["weight"] * known)

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """See `ServoMethod.plan`; nothing at all where the chance of holding what is asked for is
        below `config.found` at the first look."""
        plan = super().plan(context, temperature=temperature, steps=steps)
        if self.config.smoothed:
            return replace(plan, calibrated=False)
        if context.goal.category is None or context.step or plan.score >= self.config.found:
            return plan
        # Where the hand has failed before is worth less, but what lies there is still there; and
        # who explores may have drawn a worse place than the best.
        chance = (
            super().plan(replace(context, misses=()), steps=steps).score
            if context.misses or temperature
            else plan.score
        )
        if chance >= self.config.found:
            return plan
        return Plan.nothing(
            f"no {context.goal.category} found: the best place looks like one to hold with a "
            f"chance of {chance:.2f}"
        )

    def variants(self) -> Mapping[str, Policy]:
        """Beside those of `ServoMethod`: always (no not-found threshold), dorsal (ignores the
        category: grasps anything) and, with two streams, published (scores as `PublishedScorer`
        does, no not-found threshold)."""
        other = {
            "always": WithContext(self._with(found=0.0), "always trying", {}),
            "dorsal": WithContext(self, "dorsal only", {"goal": ANYTHING}),
        }
        if self.config.structure in (Structure.BRANCHES, Structure.SEPARATED):
            other["published"] = WithContext(
                self._with(found=0.0, smoothed=0.5), "as published", {}
            )
        return {**super().variants(), **other}

    def _with(self, **changes: Any) -> Semantic:
        """The same networks."""
        other = copy.copy(self)
        other.config = replace(self.config, **changes)
        return other

    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """See `ServoMethod.look`. Without a goal: how good a motion is to hold anything; with a
        category: see `CategoryScorer`, `PublishedScorer` and `BoxScorer`."""
        first, spec, config = context.first or context.observation, context.spec, self.config
        now = first if calibrated else context.observation
        camera = (
            first.view(config.view).world_from_camera
            if calibrated
            else estimate_camera_pose(self.eye, first, now, spec, config)
        )
        category = self._asked(context.goal)
        dorsal = PatchScorer(self._held, camera, first, now, spec, config)
        if category is None:
            return dorsal
        if config.names_pictures:
            if self._boxed is None or self._boxed[0] is not first or self._boxed[1] != category:
                self._boxed = (
                    first,
                    category,
                    best_box(self.category_log_probabilities, category, first, spec, config),
                )
            return BoxScorer(dorsal, self._boxed[2])
        ventral = PatchScorer(self._judged, camera, first, now, spec, config.ventral)
        separate = dorsal if config.structure is Structure.SEPARATED else None
        if not config.smoothed:
            return CategoryScorer(ventral, separate, category, config)
        hand = hand_of(now)
        return PublishedScorer(
            ventral, separate, category, config, hand[:2] if over_the_bin(hand, spec) else None
        )

    def _held(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(M,)."""
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits

    def _judged(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(M, 1 + N): the grasp branch's logit, and the categories'."""
        grasp, category = self.branches(patch.to(self.device), state.to(self.device))
        return torch.cat([grasp[:, :1], category], dim=1)

    def category_log_probabilities(self, patch: torch.Tensor) -> torch.Tensor:
        """(M, N) log probabilities of categories of presented pictures, or crops of others, (M, 3,
        S, S) from -1 to 1."""
        patch = patch.to(self.device)
        _, category = self.branches(patch, patch.new_zeros(len(patch), STATE))
        return category.log_softmax(dim=1)

    def _asked(self, goal: Goal) -> int | None:
        if goal.is_anything:
            return None
        if goal.category is None:
            raise InputError(
                given="a picture as the goal",
                wanted=f"a category, or nothing for anything: {self.name} knows no other goals",
            )
        if goal.category not in self.config.categories:
            raise unknown_name("category", goal.category, self.config.categories)
        return self.config.categories.index(goal.category)


def _named_loss(
    logits: torch.Tensor, category: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Cross entropy of categories, and how many are right."""
    value = _mean(
        F.cross_entropy(logits, category.clamp_min(0), reduction="none", label_smoothing=0.05),
        weight,
    )
    return value, _class_metrics(value, logits.argmax(dim=1) == category, weight)


def _class_metrics(
    value: torch.Tensor, right_B: torch.Tensor, weight_B: torch.Tensor
) -> dict[str, torch.Tensor]:
    """NaN where no category of the batch is known."""
    known = weight_B.sum() > 0
    return {
        "class_loss": torch.where(known, value, torch.nan),
        "class_right": torch.where(known, _mean(right_B.float(), weight_B), torch.nan),
    }


def _mean(value_B: torch.Tensor, weight_B: torch.Tensor) -> torch.Tensor:
    return (value_B * weight_B).sum() / weight_B.sum().clamp_min(1e-6)


METHOD = Semantic
