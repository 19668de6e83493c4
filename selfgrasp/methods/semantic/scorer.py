"""Scores of motions for a category: p(g), the probability of holding anything, and p(c), the
probability that it will be of the category (Jang et al. 2017, section 3).

M poses, N categories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from selfgrasp.core import Observation
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse
from selfgrasp.core.spec import CellSpec
from selfgrasp.methods.semantic.config import SemanticConfig, Structure
from selfgrasp.servo import PatchScorer
from selfgrasp.servo.examples import normalised

_OUTSIDE = 20.0
"""Logits subtracted from a motion that ends outside where it may."""
_CLASS_OFFSET = 0.5
"""Added to p(c) before it is multiplied with p(g) (Jang et al. 2017, appendix C)."""
_NEAR_HAND = 0.08
"""m from the hand within which the published decision stays, once the hand is over the bin."""
_STRIDE = 0.02
"""m between two boxes."""
_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class Probabilities:
    """What the streams predict for M poses.

    Attributes:
        grasp: (M,) probabilities of holding anything, p(g).
        classes: (M, N) probabilities of the categories of what will be held, p(c).
    """

    grasp: FloatArray
    classes: FloatArray


class CategoryScorer:
    """The probability of holding an object of a category: p(g) p(c), all over the bin.

    Args:
        ventral: gives (M, 1 + N) logits: the grasp branch's and the categories'.
        dorsal: gives (M,) logits of success; None takes the grasp branch, or the single stream's
            probability of no failure.
        category: index.
        structure: of the streams.
    """

    def __init__(
        self,
        ventral: PatchScorer,
        dorsal: PatchScorer | None,
        category: int,
        structure: Structure,
    ) -> None:
        self._ventral, self._dorsal = ventral, dorsal
        self._category, self._structure = category, structure

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of holding an object of the category."""
        return self._combined(self.probabilities(poses), poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, the mean over both mirrorings and the half turn."""
        return self._combined(
            self._split(
                self._ventral.careful_logits(poses),
                None if self._dorsal is None else self._dorsal.careful_logits(poses),
            ),
            poses,
        )

    def probabilities(self, poses: FloatArray) -> Probabilities:
        """Of poses (M, 3)."""
        return self._split(
            self._ventral.logits(poses),
            None if self._dorsal is None else self._dorsal.logits(poses),
        )

    def _split(self, ventral: FloatArray, dorsal: FloatArray | None) -> Probabilities:
        classes = np.exp(ventral[:, 1:] - ventral[:, 1:].max(axis=1, keepdims=True))
        classes /= classes.sum(axis=1, keepdims=True)
        if self._structure is Structure.SINGLE:
            held = np.maximum(1 - classes[:, -1], _FLOOR)
            return Probabilities(held, classes[:, :-1] / held[:, None])
        return Probabilities(
            1 / (1 + np.exp(-(ventral[:, 0] if dorsal is None else dorsal))), classes
        )

    def _combined(self, predicted: Probabilities, poses: FloatArray) -> FloatArray:
        return _logits(predicted.grasp * predicted.classes[:, self._category])


class PublishedScorer(CategoryScorer):
    """The published decision (Jang et al. 2017, appendix C): p(c) while the hand is not over the
    bin; then p(g) min(p(c) + 0.5, 1) within 8 cm of the hand.

    Their hand hovers over five regions of the bin and goes where p(c) is best, since their network
    knows nothing of places far from the hand. Here patches cover the whole bin in one image, so
    that the best of all regions is the best of the bin.

    Args:
        ventral: see `CategoryScorer`.
        dorsal: see `CategoryScorer`.
        category: index.
        structure: see `CategoryScorer`.
        hand: (2,) m, where it is over the bin; None while it is not.
    """

    def __init__(
        self,
        ventral: PatchScorer,
        dorsal: PatchScorer | None,
        category: int,
        structure: Structure,
        hand: FloatArray | None,
    ) -> None:
        super().__init__(ventral, dorsal, category, structure)
        self._hand = hand

    def _combined(self, predicted: Probabilities, poses: FloatArray) -> FloatArray:
        category = predicted.classes[:, self._category]
        if self._hand is None:
            return _logits(category)
        away = np.linalg.norm(poses[:, :2] - self._hand, axis=1)
        near = _logits(predicted.grasp * np.minimum(category + _CLASS_OFFSET, 1.0))
        logits: FloatArray = near - _OUTSIDE * (away > _NEAR_HAND)
        return logits


class BoxScorer:
    """The dorsal stream within a box on the floor of the bin: (4, 2) m, its corners in turn."""

    def __init__(self, dorsal: PatchScorer, box: FloatArray) -> None:
        self._dorsal, self._box = dorsal, box

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of holding anything there."""
        return self._dorsal.logits(poses) - _OUTSIDE * self._outside(poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, the mean over both mirrorings and the half turn."""
        return self._dorsal.careful_logits(poses) - _OUTSIDE * self._outside(poses)

    def _outside(self, poses: FloatArray) -> FloatArray:
        edges = np.roll(self._box, -1, axis=0) - self._box
        away = poses[:, None, :2] - self._box
        side = np.sign(edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0])
        outside: FloatArray = (np.abs(side.sum(axis=1)) < len(self._box)).astype(np.float64)
        return outside


def _logits(probability: FloatArray) -> FloatArray:
    probability = np.clip(probability, _FLOOR, 1 - _FLOOR)
    return np.log(probability) - np.log1p(-probability)


def best_box(
    classifier: Callable[[torch.Tensor], torch.Tensor],
    category: int,
    first: Observation,
    spec: CellSpec,
    config: SemanticConfig,
) -> FloatArray:
    """(4, 2) m, the bounding box of the category on the floor of the bin (Jang et al. 2017, section
    4.1).

    Among crops of one size over the bin, the one that the classifier finds most like the category,
    projected to the floor with the camera's calibration. The box is the crop's middle half, since
    an object lies in the middle of a crop that looks like it.

    Args:
        classifier: (M, 3, S, S) images to (M, N) log probabilities.
        category: index.
        first: I_0.
        spec: the cell.
        config: of the method.
    """
    view, workspace = first.view(config.servo.view), spec.workspace
    floor = workspace.surface
    axes = [np.arange(workspace.low[i] + _STRIDE, workspace.high[i], _STRIDE) for i in (0, 1)]
    centers = np.stack(
        [*np.meshgrid(*axes, indexing="ij"), np.full((len(axes[0]), len(axes[1])), floor)], axis=-1
    ).reshape(-1, 3)
    seen = apply(inverse(view.world_from_camera), centers)
    px = seen @ view.intrinsics.T
    px = px[:, :2] / px[:, 2:]
    half = config.ventral.size * view.intrinsics[0, 0] / float(seen[:, 2].mean()) / 2
    side = config.ventral.px
    along = (np.arange(side) + 0.5) / side * 2 - 1
    grid = (
        np.stack(np.meshgrid(along, along, indexing="xy"), axis=-1)[None] * half + px[:, None, None]
    )
    height, width = view.color.shape[:2]
    scaled = torch.from_numpy(2 * grid / [width, height] - 1).float()
    crops = torch.nn.functional.grid_sample(
        normalised(view.color)[None].expand(len(px), -1, -1, -1),
        scaled,
        padding_mode="border",
        align_corners=False,
    )
    best = px[int(classifier(crops)[:, category].argmax())]
    corners = best + half / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    rays = (
        np.concatenate([corners, np.ones((4, 1))], axis=1)
        @ np.linalg.inv(view.intrinsics).T
        @ view.world_from_camera[:3, :3].T
    )
    camera = view.world_from_camera[:3, 3]
    box: FloatArray = (camera + rays * ((floor - camera[2]) / rays[:, 2:]))[:, :2]
    return box
