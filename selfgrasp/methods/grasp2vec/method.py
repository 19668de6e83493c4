"""Jang et al., "Grasp2Vec: Learning Object Representations from Self-Supervised Grasping", CoRL
2018, as a Method."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from selfgrasp.core import (
    ANYTHING,
    CellSpec,
    Context,
    Goal,
    Heat2D,
    InputError,
    Observation,
    Plan,
    Policy,
    View,
)
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.learn import (
    Batch,
    Examples,
    FitConfig,
    Groups,
    Loss,
    Precision,
    Source,
    Split,
    evaluating,
    load_parts,
)
from selfgrasp.learn.digest import digest_of
from selfgrasp.methods.grasp2vec.config import Grasp2VecConfig, Objective
from selfgrasp.methods.grasp2vec.embedding import PictureEmbedding
from selfgrasp.methods.grasp2vec.examples import (
    EXAMPLES_VERSION,
    gather_triplets,
    triplet_batch,
)
from selfgrasp.methods.grasp2vec.goals import (
    GOAL_EXAMPLES_VERSION,
    OBJECT_LABEL,
    Frozen,
    gather_goals,
    goal_batch,
    seen_goals,
)
from selfgrasp.methods.grasp2vec.localise import NearScorer, place_of
from selfgrasp.methods.grasp2vec.match import Match, MatchScorer, goal_features, goal_loss
from selfgrasp.methods.grasp2vec.network import Tower
from selfgrasp.methods.grasp2vec.npairs import FIRST_SCALE
from selfgrasp.methods.grasp2vec.reconstruction import Decoder, reconstruction_loss
from selfgrasp.methods.grasp2vec.triplets import triplet_loss
from selfgrasp.methods.grasp2vec.verify import Verifying
from selfgrasp.servo import (
    CameraPoseNet,
    MotionScorer,
    PatchScorer,
    ServoConfig,
    SuccessPredictor,
    WithContext,
    estimate_camera_pose,
)


class Grasp2Vec(PictureEmbedding):
    """Learns vectors of scenes and of objects from what grasps took away; finds an object that a
    picture shows, and grasps near there, or where the goal-conditioned network says.

    The towers learn alone: camera pose network and success predictor come from a run of `hand_eye`
    (`load_trunk`) and stay as they are. So do the towers once the goal-conditioned network learns.
    Is an `Embedding`.

    Attributes:
        eye: the camera pose network.
        judge: the grasp success predictor.
        scene: the tower for pictures of the bin.
        held: the tower for pictures of objects; None where it is the same one.
        log_scale: () the logarithm of what cosines are multiplied by in the loss; None elsewhere.
        decoder: of the autoencoder; None where the towers learn otherwise, or not at all.
        match: the goal-conditioned network; None without one.
    """

    name = "grasp2vec"
    reads_labels = (OBJECT_LABEL,)

    def __init__(self, config: Grasp2VecConfig) -> None:
        super().__init__()
        self.config: Grasp2VecConfig = config
        self.eye = CameraPoseNet().requires_grad_(False)
        self.judge = SuccessPredictor(config.servo.patches).requires_grad_(False)
        self.scene = Tower(config.tower)
        # They begin alike: what both see has the same colors.
        self.held = None if config.tied else copy.deepcopy(self.scene)
        if self.held is not None and self.held.colors is not None:
            self.held.colors.middle = True
        goal = config.goal
        decodes = config.objective is Objective.RECONSTRUCTION
        self.decoder = Decoder(config.tower.numbers) if goal is None and decodes else None
        scaled = goal is None and not decodes and config.cosine
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE).log()) if scaled else None
        self.match = None if goal is None else Match(goal, config)
        if goal is not None:
            for tower in self._towers:
                tower.requires_grad_(False)

    @property
    def _towers(self) -> tuple[Tower, ...]:
        return (self.scene,) if self.held is None else (self.scene, self.held)

    @classmethod
    def privileged_labels(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Which object was lifted, where rewards are true."""
        goal = config.get("goal") or {}
        return cls.reads_labels if goal.get("truth") else ()

    def train(self, mode: bool = True) -> Grasp2Vec:
        """As of any module, but frozen networks keep their running statistics."""
        super().train(mode)
        frozen = [self.eye, self.judge, *(self._towers if self.match is not None else ())]
        for part in frozen:
            part.eval()
        return self

    @property
    def not_found_threshold(self) -> float | None:
        """See `Grasp2VecConfig`."""
        return self.config.not_found_threshold

    @property
    def servo(self) -> ServoConfig:
        """The config's part about servoing."""
        return self.config.servo

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine schedule; the goal-conditioned network has begun as the towers."""
        rate = 1e-3 if self.match is None else 3e-4
        return FitConfig(
            epochs=40,
            learning_rate=rate,
            batch=self.config.batch,
            precision=Precision.ALSO_CPU,
        )

    def load_trunk(self, path: Path) -> None:
        """Take the camera pose network and the success predictor of a run of `hand_eye`, or of this
        method; for the goal-conditioned network also the towers of a run of this method.

        Raises:
            InputError: no such networks there, or of other sizes.
        """
        towers = ("scene",) if self.held is None else ("scene", "held")
        load_parts(path, self, ("eye", "judge", *(towers if self.match is not None else ())))
        if self.match is not None:
            self.match.begin(self.scene, self._towers[-1])

    def without_trunk(self) -> str:
        """What grasps stays random; towers learn without.

        Raises:
            InputError: the goal-conditioned network would learn from vectors of random towers.
        """
        if self.match is not None:
            raise InputError(
                given=f"a goal-conditioned network of {self.name} without --trunk: over random "
                "towers",
                wanted=f"--trunk RUN, a run of {self.name} that trained them",
                exists=f"selfgrasp train {self.name} --data DATASET --trunk hand_eye --out RUN "
                "trains them",
            )
        return (
            f"{self.name} without --trunk hand_eye learns vectors, but cannot grasp: its camera "
            "pose network and success predictor stay random"
        )

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather_triplets` or `goals.gather_goals` read of the config; of frozen
        networks a hash."""
        config, goal = self.config, self.config.goal
        crops = [value for c in (config.scene, config.held) for value in (c.stored_px, c.size)]
        key: list[object] = [EXAMPLES_VERSION, config.servo.view, config.failures, *crops]
        if goal is None:
            return key
        return [*key, GOAL_EXAMPLES_VERSION, goal.truth, self._frozen_weights]

    @property
    def _frozen_weights(self) -> str:
        """A hash of what `goals.Frozen` asks."""
        parts = {"judge": self.judge, "scene": self.scene, "held": self.held}
        return digest_of(
            {
                f"{name}.{key}": tensor.cpu().numpy()
                for name, part in parts.items()
                if part is not None
                for key, tensor in part.state_dict().items()
            }
        )

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather_triplets`, and `goals.gather_goals` where the config has a goal."""
        goal = self.config.goal
        if goal is None:
            return gather_triplets(source, split, self.config)

        def anything(first: Observation, final: FloatArray) -> float:
            servo, camera = self.servo, first.view(self.servo.view).world_from_camera
            scorer = PatchScorer(
                self._success_logits, camera, first, first, source.spec, servo.patches, servo.view
            )
            with evaluating(self):
                return float(scorer.logits(final[None])[0])

        frozen = Frozen(anything, lambda view, spec: self.features(self.objects([view], spec))[0])
        return gather_goals(source, split, self.config, goal, frozen)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.triplet_batch`, and `goals.goal_batch` where the config has a goal."""
        goal = self.config.goal
        if goal is not None:
            return goal_batch(examples, indices, self.config, goal, rng, augment=augment)
        return triplet_batch(examples, indices, self.config, rng, augment=augment)

    def groups(self, examples: Examples) -> Groups:
        """Triplets of one scene."""
        return Groups(examples["scene"], self.config.of_scene)

    def loss(self, batch: Batch) -> Loss:
        """See `triplets.triplet_loss` and `reconstruction.reconstruction_loss`, and
        `match.goal_loss` where the config has a goal."""
        if self.match is not None:
            return goal_loss(self.match, *self._looking, batch)
        if self.decoder is not None:
            return reconstruction_loss(self.scene, self.held, self.decoder, batch, self.config)
        scale = None if self.log_scale is None else self.log_scale.exp()
        return triplet_loss(self.scene, self.held, batch, self.config, scale)

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """See `ServoMethod.plan`; an empty plan where the goal is less alike than
        `config.not_found_threshold` at the first step. Once something was held and rejected the
        threshold says nothing: it was measured on heat without gaps."""
        threshold = self.config.not_found_threshold
        if context.goal.is_anything:
            return super().plan(context, temperature=temperature, steps=steps)
        if threshold is not None and not context.step and not context.rejected:
            similarity = self.similarity(context)
            if similarity < threshold:
                return Plan.nothing(
                    f"no such object found: the likeliest place is alike by {similarity:.2f}, "
                    f"below the threshold of {threshold:.2f}"
                )
        plan = super().plan(context, temperature=temperature, steps=steps)
        # The success predictor speaks of holding anything, less a penalty.
        return replace(plan, calibrated=False)

    def variants(self) -> Mapping[str, Policy]:
        """Beside those of `ServoMethod`: always (no not-found threshold), anything (ignores the
        goal: grasps whatever it can and accepts it), unverified (accepts whatever it lifts),
        no_rejection_memory (forgets what was rejected), near (near the heat's peak, without the
        goal-conditioned network)."""
        always = self.with_config(replace(self.config, not_found_threshold=None))
        unverified = self.with_config(replace(self.config, accept_threshold=None))
        found = {
            **super().variants(),
            "always": WithContext(always, "always trying", {}),
            "unverified": WithContext(unverified, "unverified", {}),
            "no_rejection_memory": WithContext(self, "no rejection memory", {"rejected": ()}),
        }
        if self.match is not None:
            near = self.with_config(replace(self.config, goal=None))
            found["near"] = WithContext(near, "near the peak", {})
        anything = WithContext(self, "anything", {"goal": ANYTHING})
        return {name: Verifying.of(one) for name, one in found.items()} | {"anything": anything}

    def with_config(self, config: Grasp2VecConfig) -> Grasp2Vec:
        """The same networks, planning with another config."""
        other = copy.copy(self)
        other.config = config
        # Another config may look with other towers.
        other._found = other._mapped = None
        return other

    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """See `ServoMethod.scorer`.

        Without a goal it scores holding anything; else near the place of the goal, see
        `NearScorer`.
        """
        first, spec, servo = context.first or context.observation, context.spec, self.servo
        now = first if calibrated else context.observation
        camera = (
            first.view(servo.view).world_from_camera
            if calibrated
            else estimate_camera_pose(self.eye, first, now, spec, servo.view)
        )
        anything = PatchScorer(
            self._success_logits, camera, first, now, spec, servo.patches, servo.view
        )
        if context.goal.is_anything:
            return anything
        view, heat = first.view(servo.view), self.found(context)
        if self._attends is not None:
            picture = replace(view, world_from_camera=camera)
            return MatchScorer(anything, self._attends, heat, picture, spec)
        return NearScorer(anything, place_of(heat, camera, view, spec))

    @property
    def _attends(self) -> Match | None:
        """What says where a goal is in place of the towers, if it does."""
        return None if self.config.goal is None else self.match

    @property
    def _looking(self) -> tuple[Tower, Tower]:
        """Towers for pictures of the bin and of objects that the goal-conditioned network asks: its
        own, or those that have its vectors."""
        match = self.match
        if match is None or match.places is None or match.pictures is None:
            return self.scene, self._towers[-1]
        return match.places, match.pictures

    def heats(
        self, view: View, goal: Goal, rejected: Sequence[View], spec: CellSpec
    ) -> list[Heat2D]:
        """As of any `PictureEmbedding`, or by the goal-conditioned network."""
        if self._attends is None:
            return super().heats(view, goal, rejected, spec)
        pictures = [*(wanted := self.goal_pictures(goal)), *rejected]
        places, objects = self._looking
        with evaluating(self):
            seen = seen_goals(pictures, spec, self.config).to(self.device)
            features = goal_features(objects, seen)
        vectors = features.double().cpu().numpy()
        mean = vectors[: len(wanted)].mean(axis=0)
        each = unit(np.stack([mean, *vectors[len(wanted) :]]))
        return [self.heat_by(places, view, one, spec) for one in each]

    def _success_logits(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits


METHOD = Grasp2Vec
