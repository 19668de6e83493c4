"""Jang et al., "End-to-End Learning of Semantic Grasping", CoRL 2017, as a Method."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

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
from selfgrasp.core.spec import CellSpec
from selfgrasp.learn import Batch, Examples, FitConfig, Loss, Precision, Source, Split, load_parts
from selfgrasp.methods.semantic.config import Decision, SemanticConfig, Structure
from selfgrasp.methods.semantic.examples import (
    EXAMPLES_VERSION,
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
    ServoConfig,
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
    """A dorsal stream predicts whether something will be held, a ventral stream its category;
    servoes to what is asked for.

    Started from the camera pose network and the dorsal stream of another run (`load_trunk`), it
    learns its other networks alone; else all of them.

    Attributes:
        eye: the camera pose network.
        judge: the dorsal stream, a grasp success predictor.
        branches: the networks that know categories. Checkpoints store all three under these names.
    """

    name = "semantic"
    reads_labels = (LABEL, PROPAGATED_LABEL, PICTURE_LABEL)

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.config: SemanticConfig = config
        self.eye = CameraPoseNet()
        self.judge = SuccessPredictor(config.servo.patches)
        self.branches = Branches(config)
        self._dorsal_frozen = False
        # The box of a first image and a category is the same at every step of an attempt.
        self._box: tuple[Observation, int, FloatArray] | None = None

    @property
    def servo(self) -> ServoConfig:
        """The config's part about servoing."""
        return self.config.servo

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine schedule."""
        return FitConfig(
            epochs=80 if self.config.classifies_present_images else 30,
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
        self._dorsal_frozen = True
        for part in (self.eye, self.judge):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Semantic:
        """As of any module, but frozen networks keep their running statistics."""
        super().train(mode)
        if self._dorsal_frozen:
            self.eye.eval()
            self.judge.eval()
        return self

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather_semantic` reads of the config."""
        ventral = self.config.ventral
        return [
            *super().examples_key,
            EXAMPLES_VERSION,
            self.config.answers,
            ventral.pixel,
            ventral.stored_px,
            ventral.planes,
            self._dorsal_frozen,
        ]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather_semantic`."""
        return gather_semantic(source, split, self.config, rng, dorsal=not self._dorsal_frozen)

    def check(self, examples: Examples) -> None:
        """Some attempts must have a label of what they lifted.

        Raises:
            InputError: none has.
        """
        if not (examples.columns["category"] >= 0).any():
            raise InputError(
                given=f"{len(examples)} attempts without a label of the category that they lifted",
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
        """Cross entropies of success and of the category, where they are known, loss of the height
        at which the hand was stopped, and the dorsal stream's and the camera pose's losses."""
        grasp, category = (out.float() for out in self.branches(batch["patch"], batch["state"]))
        if self.config.structure is Structure.SINGLE:
            value, metrics = self._single(category, batch)
        elif self.config.classifies_present_images:
            value, metrics = _category_loss(category, batch["category"], batch["category_weight"])
        else:
            classes, metrics = _category_loss(
                category, batch["category"], batch["weight"] * (batch["category"] >= 0)
            )
            success, height = grasp_loss(grasp, batch, batch["weight"] * batch["outcome_weight"])
            value = classes + success + height
            metrics |= {"success_loss": success}
        if "dorsal" in batch:
            success, height = grasp_loss(
                self.judge(batch["dorsal"], batch["dorsal_state"]).float(),
                batch,
                batch["dorsal_weight"],
            )
            reprojection = camera_pose_loss(self.eye, batch)
            value = value + success + height + reprojection
            metrics |= {"dorsal_loss": success, "reprojection_px": reprojection}
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def _single(
        self, logits: torch.Tensor, batch: Batch
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Failure is the last class; a grasp of an unknown category teaches nothing."""
        known, failed = (
            batch["category"] >= 0,
            (batch["outcome_weight"] > 0) & (batch["grasped"] == 0),
        )
        target = torch.where(failed, len(self.config.answers), batch["category"].clamp_min(0))
        weight = batch["weight"] * (known | failed)
        value = _mean(
            F.cross_entropy(logits, target, reduction="none", label_smoothing=0.05), weight
        )
        return value, _class_metrics(value, logits.argmax(dim=1) == target, batch["weight"] * known)

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """See `ServoMethod.plan`; an empty plan where the predicted probability of holding the goal
        is below `config.not_found_threshold` at the first step."""
        plan = super().plan(context, temperature=temperature, steps=steps)
        if self.config.decision is Decision.PUBLISHED:
            return replace(plan, calibrated=False)
        threshold = self.config.not_found_threshold
        if context.goal.category is None or context.step or plan.score >= threshold:
            return plan
        # The failure penalty and exploration lower the score of an object that is still there.
        probability = (
            super().plan(replace(context, misses=()), steps=steps).score
            if context.misses or temperature
            else plan.score
        )
        if probability >= threshold:
            return plan
        return Plan.nothing(
            f"no {context.goal.category} found: the best place holds one with a predicted "
            f"probability of {probability:.2f}, below the threshold of {threshold:.2f}"
        )

    def variants(self) -> Mapping[str, Policy]:
        """Beside those of `ServoMethod`: always (no not-found threshold), dorsal (ignores the
        category: grasps anything) and, with two streams, published (scores as `PublishedScorer`
        does, no not-found threshold)."""
        always = replace(self.config, not_found_threshold=0.0)
        found = {
            **super().variants(),
            "always": WithContext(self.with_config(always), "always trying", {}),
            "dorsal": WithContext(self, "dorsal only", {"goal": ANYTHING}),
        }
        if self.config.structure in (Structure.BRANCHES, Structure.SEPARATED):
            published = self.with_config(replace(always, decision=Decision.PUBLISHED))
            found["published"] = WithContext(published, "as published", {})
        return found

    def with_config(self, config: SemanticConfig) -> Semantic:
        """The same networks, planning with another config."""
        other = copy.copy(self)
        other.config = config
        return other

    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """See `ServoMethod.scorer`.

        Without a goal it scores holding anything; for a category see `CategoryScorer`,
        `PublishedScorer` and `BoxScorer`.
        """
        first, spec, config = context.first or context.observation, context.spec, self.config
        now, view = first if calibrated else context.observation, config.servo.view
        camera = (
            first.view(view).world_from_camera
            if calibrated
            else estimate_camera_pose(self.eye, first, now, spec, view)
        )
        category = self._category_of(context.goal)
        dorsal = PatchScorer(
            self._dorsal_logits, camera, first, now, spec, config.servo.patches, view
        )
        if category is None:
            return dorsal
        if config.classifies_present_images:
            return BoxScorer(dorsal, self._box_of(category, first, spec))
        ventral = PatchScorer(self._ventral_logits, camera, first, now, spec, config.ventral, view)
        separate = dorsal if config.structure is Structure.SEPARATED else None
        if config.decision is Decision.PRODUCT:
            return CategoryScorer(ventral, separate, category, config.structure)
        hand = hand_of(now)
        near = hand[:2] if over_the_bin(hand, spec) else None
        return PublishedScorer(ventral, separate, category, config.structure, near)

    def _box_of(self, category: int, first: Observation, spec: CellSpec) -> FloatArray:
        if self._box is None or self._box[0] is not first or self._box[1] != category:
            box = best_box(self.category_log_probabilities, category, first, spec, self.config)
            self._box = first, category, box
        return self._box[2]

    def _dorsal_logits(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(M,)."""
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits

    def _ventral_logits(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """(M, 1 + N): the grasp branch's logit, and the categories'."""
        grasp, category = self.branches(patch.to(self.device), state.to(self.device))
        return torch.cat([grasp[:, :1], category], dim=1)

    def category_log_probabilities(self, patch: torch.Tensor) -> torch.Tensor:
        """(M, N) log probabilities of the categories of present images or of crops of others,
        (M, 3, S, S) from -1 to 1."""
        patch = patch.to(self.device)
        _, category = self.branches(patch, patch.new_zeros(len(patch), STATE))
        probabilities: torch.Tensor = category.log_softmax(dim=1)
        return probabilities

    def _category_of(self, goal: Goal) -> int | None:
        if goal.is_anything:
            return None
        if goal.category is None:
            raise InputError(
                given="an image as the goal",
                wanted=f"a category, or no goal: {self.name} knows no others",
            )
        if goal.category not in self.config.categories:
            raise unknown_name("category", goal.category, self.config.categories)
        return self.config.categories.index(goal.category)


def _category_loss(
    logits: torch.Tensor, category: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Cross entropy of categories, and its metrics."""
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
        "class_accuracy": torch.where(known, _mean(right_B.float(), weight_B), torch.nan),
    }


def _mean(value_B: torch.Tensor, weight_B: torch.Tensor) -> torch.Tensor:
    return (value_B * weight_B).sum() / weight_B.sum().clamp_min(1e-6)


METHOD = Semantic
