"""Jang et al., "Grasp2Vec: Learning Object Representations from Self-Supervised Grasping", CoRL
2018, as a Method."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

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
from selfgrasp.core.arrays import FloatArray
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
from selfgrasp.methods.grasp2vec.config import Grasp2VecConfig
from selfgrasp.methods.grasp2vec.examples import (
    EXAMPLES_VERSION,
    gather_triplets,
    normalised_batch,
    triplet_batch,
)
from selfgrasp.methods.grasp2vec.localise import NearScorer, heat_over_picture, place_of
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.npairs import (
    labels_with_failures,
    npairs_both_ways,
    response_loss,
    retrieved,
)
from selfgrasp.methods.grasp2vec.pictures import middle, object_crop, scene_crop
from selfgrasp.servo import (
    CameraPoseNet,
    MotionScorer,
    PatchScorer,
    ServoConfig,
    ServoMethod,
    SuccessPredictor,
    WithContext,
    estimate_camera_pose,
)

_CHUNK = 64
"""Pictures that a tower sees at once, outside training."""


@dataclass(frozen=True, eq=False)
class Found:
    """What the embedding says of a goal in a scene.

    Attributes:
        heat: of the goal's vector.
        similarity: the heat's peak for a vector of length 1.
    """

    heat: Heat2D
    similarity: float


class Grasp2Vec(ServoMethod):
    """Learns vectors of scenes and of objects from what grasps took away; finds an object that a
    picture shows, and grasps near there.

    The towers learn alone: camera pose network and success predictor come from a run of `hand_eye`
    (`load_trunk`) and stay as they are. Is an `Embedding`.

    Attributes:
        eye: the camera pose network.
        judge: the grasp success predictor.
        scene: the tower for pictures of the bin.
        held: the tower for pictures of objects; None where it is the same one.
    """

    name = "grasp2vec"

    def __init__(self, config: Grasp2VecConfig) -> None:
        super().__init__()
        self.config: Grasp2VecConfig = config
        self.eye = CameraPoseNet().requires_grad_(False)
        self.judge = SuccessPredictor(config.servo.patches).requires_grad_(False)
        self.scene = Tower(config.tower)
        self.held = None if config.tied else Tower(config.tower)
        # An attempt looks for the same goal in the same first image at each step.
        self._found: tuple[Observation, Goal, Found] | None = None

    @property
    def servo(self) -> ServoConfig:
        """The config's part about servoing."""
        return self.config.servo

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine schedule."""
        return FitConfig(epochs=40, learning_rate=1e-3, batch=64, precision=Precision.ALSO_CPU)

    def load_trunk(self, path: Path) -> None:
        """Take the camera pose network and the success predictor of a run of `hand_eye`, or of this
        method.

        Raises:
            InputError: no such networks there, or of other sizes.
        """
        load_parts(path, self, ("eye", "judge"))

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather_triplets` reads of the config."""
        config = self.config
        crops = [value for c in (config.scene, config.held) for value in (c.stored_px, c.size)]
        return [EXAMPLES_VERSION, config.servo.view, config.failures, *crops]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather_triplets`."""
        return gather_triplets(source, split, self.config)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.triplet_batch`."""
        return triplet_batch(examples, indices, self.config, rng, augment=augment)

    def groups(self, examples: Examples) -> Groups:
        """Triplets of one scene."""
        return Groups(examples["scene"], self.config.of_scene)

    def loss(self, batch: Batch) -> Loss:
        """The n-pairs loss in both orders, and `response_loss` where the config weighs it."""
        config, grasped = self.config, batch["grasped"] > 0
        scenes, held = self._towers(batch, grasped)
        before, after = scenes.chunk(2)
        differences, vectors = pooled(before) - pooled(after), pooled(held)
        if config.failures:
            # No picture shows an empty hand: the vector of nothing is zero.
            vectors = vectors.new_zeros(differences.shape).masked_scatter(grasped[:, None], vectors)
        value = npairs_both_ways(
            differences,
            vectors,
            regularization=config.regularization,
            labels_B=labels_with_failures(batch["grasped"]) if config.failures else None,
        )
        metrics = {"npairs": value, **_retrieval(differences[grasped], vectors[grasped])}
        if config.response_weight and bool(grasped.any()):
            response = response_loss(
                before.float()[grasped], after.float()[grasped], vectors[grasped]
            )
            metrics["response_loss"] = response
            value = value + config.response_weight * response
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def _towers(self, batch: Batch, grasped: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (2 B, D, H, W) of the scenes, before and then after, in one batch that is normalised
        alike, and of what was held."""
        scenes, held = torch.cat([batch["before"], batch["after"]]), batch["held"]
        if self.config.failures:
            held = held[grasped]
        if self.held is not None:
            return self.scene(scenes), self.held(held)
        together = self.scene(torch.cat([scenes, held]))
        return together[: len(scenes)], together[len(scenes) :]

    def scenes(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """See `Embedding.scenes`."""
        crop = self.config.scene
        seen = [middle(scene_crop(view, spec, crop), crop.px).color for view in views]
        return self._vectors(self.scene, seen)

    def objects(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """See `Embedding.objects`; also of pictures that show an object alone
        (`View.uncalibrated`)."""
        crop = self.config.held
        seen = [middle(object_crop(view, spec, crop), crop.px).color for view in views]
        return self._vectors(self.scene if self.held is None else self.held, seen)

    def heat(self, view: View, vector: FloatArray, spec: CellSpec) -> Heat2D:
        """See `Embedding.heat`: inner products with the map of the scene (section 5.1)."""
        side = self.config.scene.px
        crop = middle(scene_crop(view, spec, self.config.scene), side)
        with evaluating(self):
            seen = self.scene(normalised_batch(crop.color[None]).to(self.device))[0]
        stride = self.config.tower.stride
        return heat_over_picture(seen.float().cpu().numpy(), vector, crop, stride)

    def _vectors(self, tower: Tower, pictures: list[NDArray[np.uint8]]) -> FloatArray:
        """(N, D)."""
        found = [np.zeros((0, self.config.tower.channels[-1]))]
        with evaluating(self):
            for start in range(0, len(pictures), _CHUNK):
                batch = normalised_batch(np.stack(pictures[start : start + _CHUNK]))
                vectors = pooled(tower(batch.to(self.device)))
                found.append(vectors.double().cpu().numpy())
        return np.concatenate(found)

    def goal_vector(self, goal: Goal, spec: CellSpec) -> FloatArray:
        """(D,) of a goal's image; of a composite goal the mean of its parts' (section 5.2).

        Raises:
            InputError: a goal, or a part of one, without an image.
        """
        if goal.any_of:
            parts = np.stack([self.goal_vector(part, spec) for part in goal.any_of])
            mean: FloatArray = parts.mean(axis=0)
            return mean
        if goal.image is None:
            raise InputError(
                given=f"the goal {goal.words or 'anything'!r}",
                wanted=f"a picture, several of them, or no goal: {self.name} knows no others",
            )
        vector: FloatArray = self.objects([goal.image], spec)[0]
        return vector

    def found(self, context: Context) -> Found:
        """Where the goal is in the first image, and how sure that is.

        Raises:
            InputError: see `goal_vector`.
        """
        first, goal, spec = context.first or context.observation, context.goal, context.spec
        kept = self._found
        if kept is None or kept[0] is not first or kept[1] is not goal:
            vector = self.goal_vector(goal, spec)
            heat = self.heat(first.view(self.servo.view), vector, spec)
            similarity = heat.peak / max(float(np.linalg.norm(vector)), 1e-9)
            kept = self._found = first, goal, Found(heat, similarity)
        return kept[2]

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """See `ServoMethod.plan`; an empty plan where the goal is less alike than
        `config.not_found_threshold` at the first step."""
        threshold = self.config.not_found_threshold
        if context.goal.is_anything:
            return super().plan(context, temperature=temperature, steps=steps)
        if threshold is not None and not context.step:
            similarity = self.found(context).similarity
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
        goal: grasps whatever it can)."""
        always = self.with_config(replace(self.config, not_found_threshold=None))
        return {
            **super().variants(),
            "always": WithContext(always, "always trying", {}),
            "anything": WithContext(self, "anything", {"goal": ANYTHING}),
        }

    def with_config(self, config: Grasp2VecConfig) -> Grasp2Vec:
        """The same networks, planning with another config."""
        other = copy.copy(self)
        other.config = config
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
        view = first.view(servo.view)
        return NearScorer(anything, place_of(self.found(context).heat, camera, view, spec))

    def _success_logits(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits


def _retrieval(differences_BD: torch.Tensor, held_BD: torch.Tensor) -> dict[str, torch.Tensor]:
    """Shares of a batch that find their own among all of it, both ways; nothing of nothing."""
    if not len(held_BD):
        return {}
    return {
        "retrieval": retrieved(differences_BD, held_BD).float().mean(),
        "scene_retrieval": retrieved(held_BD, differences_BD).float().mean(),
    }


METHOD = Grasp2Vec
