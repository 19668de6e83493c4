"""Grasp2Vec as an `Embedding`: vectors of scenes and of pictures of objects, the heat of a vector
over a scene, and where a goal is (Jang et al. 2018, sections 5.1 and 5.2).

N pictures, D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Context, Goal, Heat2D, InputError, Observation, Verdict, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.learn import evaluating
from selfgrasp.methods.grasp2vec.config import Grasp2VecConfig
from selfgrasp.methods.grasp2vec.examples import normalised_batch
from selfgrasp.methods.grasp2vec.finer import FINER, finer_map
from selfgrasp.methods.grasp2vec.localise import heat_over_picture
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.pictures import middle, object_crop, scene_crop
from selfgrasp.methods.grasp2vec.verify import verdict_of, without_rejected
from selfgrasp.servo import ServoMethod
from selfgrasp.vision.square_crop import SquareCrop

_CHUNK = 64
"""Pictures that a tower sees at once, outside training."""


class PictureEmbedding(ServoMethod):
    """The embedding side of a method with two towers.

    Attributes:
        scene: the tower for pictures of the bin.
        held: the tower for pictures of objects; None where it is the same one.
    """

    config: Grasp2VecConfig
    scene: Tower
    held: Tower | None
    # An attempt looks for the same goal in the same first image at each step.
    _found: tuple[Observation, Goal, tuple[View, ...], Heat2D] | None = None
    # Several vectors are looked for in one picture.
    _mapped: tuple[View, NDArray[np.float32], SquareCrop] | None = None

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
        """See `Embedding.heat`: inner products with the finer map of the scene (section 5.1), of
        the features alone, made as long as the vector: a place has the colors of a part of an
        object, and of what lies beside it."""
        features = unit(self.features(vector)) * np.linalg.norm(vector)
        side, stride = self.config.scene.px, self.config.tower.stride
        if self._mapped is None or self._mapped[0] is not view:
            stored = scene_crop(view, spec, self.config.scene)
            with evaluating(self):
                seen = finer_map(self._looks(self.scene), stored, side, stride)
            self._mapped = view, seen, middle(stored, side)
        _, seen, crop = self._mapped
        return heat_over_picture(seen, features, crop, stride // FINER).inside(view.size)

    def heat_by(self, tower: Tower, view: View, features: FloatArray, spec: CellSpec) -> Heat2D:
        """Inner products of features (F,) with a tower's own map of the scene."""
        crop = middle(scene_crop(view, spec, self.config.scene), self.config.scene.px)
        with evaluating(self):
            (seen,) = self._looks(tower)(normalised_batch(crop.color[None]))
        heat = heat_over_picture(seen, features, crop, self.config.tower.stride)
        return heat.inside(view.size)

    def _looks(self, tower: Tower) -> Callable[[torch.Tensor], NDArray[np.float32]]:
        """From pictures (B, 3, S, S) to a tower's maps of features (B, F, H, W)."""
        return lambda pictures: tower.features(pictures.to(self.device)).float().cpu().numpy()

    def train(self, mode: bool = True) -> PictureEmbedding:
        """As of any module; what is to learn forgets what it saw."""
        self._found = self._mapped = None
        super().train(mode)
        return self

    def features(self, vectors: FloatArray) -> FloatArray:
        """(..., F) what the convolutions say in vectors (..., D), without `colors.Colors`: pictures
        of one object differ in light more than in what the convolutions see."""
        return vectors[..., : self.config.tower.channels[-1]]

    def _vectors(self, tower: Tower, pictures: list[NDArray[np.uint8]]) -> FloatArray:
        """(N, D)."""
        found = [np.zeros((0, self.config.tower.numbers))]
        with evaluating(self):
            for start in range(0, len(pictures), _CHUNK):
                batch = normalised_batch(np.stack(pictures[start : start + _CHUNK]))
                vectors = pooled(tower(batch.to(self.device)))
                found.append(vectors.double().cpu().numpy())
        return np.concatenate(found)

    def goal_vector(self, goal: Goal, spec: CellSpec) -> FloatArray:
        """(D,) of a goal's image; of a composite goal the mean of its parts' (section 5.2).

        Raises:
            InputError: see `goal_pictures`.
        """
        mean: FloatArray = self.objects(self.goal_pictures(goal), spec).mean(axis=0)
        return mean

    def goal_pictures(self, goal: Goal) -> list[View]:
        """The image of a goal, or of each part of a composite one.

        Raises:
            InputError: a goal, or a part of one, without an image.
        """
        images = []
        for part in goal.any_of or (goal,):
            if part.image is None:
                raise InputError(
                    given=f"the goal {part.words or 'anything'!r}",
                    wanted=f"a picture, several of them, or no goal: {self.name} knows no others",
                )
            images.append(part.image)
        return images

    def found(self, context: Context) -> Heat2D:
        """Heat of the goal over the first image, without the places of what was held for it and
        rejected, see `without_rejected`.

        Raises:
            InputError: see `goal_pictures`.
        """
        first, goal, spec = context.first or context.observation, context.goal, context.spec
        kept, rejected = self._found, context.rejected
        if kept is None or kept[0] is not first or kept[1] is not goal or kept[2] != rejected:
            view = first.view(self.servo.view)
            wanted, *others = self.heats(view, goal, rejected, spec)
            kept = self._found = first, goal, rejected, without_rejected(wanted, others)
        return kept[3]

    def heats(
        self, view: View, goal: Goal, rejected: Sequence[View], spec: CellSpec
    ) -> list[Heat2D]:
        """Of the vectors, of length 1, of a goal and of each picture of what was rejected."""
        vectors = np.stack([self.goal_vector(goal, spec), *self.objects(rejected, spec)])
        return [self.heat(view, vector, spec) for vector in unit(vectors)]

    def similarity(self, context: Context) -> float:
        """How alike the goal and its likeliest place in the first image are, see
        `Heat2D.similarity`, whoever says where to grasp."""
        first, goal, spec = context.first or context.observation, context.goal, context.spec
        vector = self.goal_vector(goal, spec)
        return self.heat(first.view(self.servo.view), vector, spec).similarity(vector)

    def verdict(self, present: View, goal: Goal, spec: CellSpec) -> Verdict:
        """See `Verifies`: by the cosine of the vectors' `features` (section 5.3), of a composite
        goal by the largest of its parts'.

        Raises:
            InputError: see `goal_pictures`.
        """
        threshold = self.config.accept_threshold
        if threshold is None or goal.is_anything:
            return Verdict(True)
        goals = self.objects(self.goal_pictures(goal), spec)
        held = self.objects([present], spec)[0]
        return verdict_of(self.features(held), self.features(goals), threshold)
