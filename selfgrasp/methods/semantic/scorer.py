"""How good a motion is to hold what is asked for."""

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
"""Logits less for a motion that ends where it must not."""
_STRIDE = 0.02
"""m between the boxes that are looked at."""
_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class Probabilities:
    """What the streams think of M poses.

    Attributes:
        grasp: (M,) chances of holding anything.
        classes: (M, N) chances of categories of what will be held.
    """

    grasp: FloatArray
    classes: FloatArray


class CategoryScorer:
    """The chance of holding a thing of a category: p(g) p(c), all over the bin.

    Args:
        ventral: gives (M, 1 + N) the grasp branch's logit and the categories'.
        dorsal: gives (M,) logits of a grasp; None takes the grasp branch, or the single stream's
            chances.
        category: index.
        config: sizes.
    """

    def __init__(
        self,
        ventral: PatchScorer,
        dorsal: PatchScorer | None,
        category: int,
        config: SemanticConfig,
    ) -> None:
        self._ventral, self._dorsal, self._category, self._config = (
            ventral,
            dorsal,
            category,
            config,
        )

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of holding such a thing."""
        return self._asked(self.probabilities(poses), poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """Likewise, over mirrors and the half turn."""
        return self._asked(
            self._opinion(
                self._ventral.careful_logits(poses),
                None if self._dorsal is None else self._dorsal.careful_logits(poses),
            ),
            poses,
        )

    def probabilities(self, poses: FloatArray) -> Probabilities:
        """What the streams think of poses (M, 3)."""
        return self._opinion(
            self._ventral.logits(poses),
            None if self._dorsal is None else self._dorsal.logits(poses),
        )

    def _opinion(self, ventral: FloatArray, dorsal: FloatArray | None) -> Probabilities:
        classes = np.exp(ventral[:, 1:] - ventral[:, 1:].max(axis=1, keepdims=True))
        classes /= classes.sum(axis=1, keepdims=True)
        if self._config.structure is Structure.SINGLE:
            held = np.maximum(1 - classes[:, -1], _FLOOR)
            return Probabilities(held, classes[:, :-1] / held[:, None])
        return Probabilities(
            1 / (1 + np.exp(-(ventral[:, 0] if dorsal is None else dorsal))), classes
        )

    def _asked(self, opinion: Probabilities, poses: FloatArray) -> FloatArray:
        return _logits(opinion.grasp * opinion.classes[:, self._category])


class PublishedScorer(CategoryScorer):
    """As Jang et al. 2017, appendix C, decide: first for p(c); once the hand is over the bin, near
    it for p(g) min(p(c) + 0.5, 1).

    Their hand hovers over five regions of the bin and goes where p(c) is best of all, since their
    network knows nothing of places that are far from the hand. Here a patch is laid on any place of
    one picture, so that the best of all regions is the best of the bin.

    Args:
        ventral: see `CategoryScorer`.
        dorsal: see `CategoryScorer`.
        category: index.
        config: sizes.
        hand: (2,) m, where it is over the bin; None while it waits.
    """

    def __init__(
        self,
        ventral: PatchScorer,
        dorsal: PatchScorer | None,
        category: int,
        config: SemanticConfig,
        hand: FloatArray | None,
    ) -> None:
        super().__init__(ventral, dorsal, category, config)
        self._hand = hand

    def _asked(self, opinion: Probabilities, poses: FloatArray) -> FloatArray:
        named = opinion.classes[:, self._category]
        if self._hand is None:
            return _logits(named)
        away = np.linalg.norm(poses[:, :2] - self._hand, axis=1)
        return _logits(
            opinion.grasp * np.minimum(named + self._config.smoothed, 1.0)
        ) - _OUTSIDE * (away > self._config.reach)


class BoxScorer:
    """The dorsal stream, confined to a quad on the floor of the bin: (4, 2) m, corners in turn."""

    def __init__(self, dorsal: PatchScorer, quad: FloatArray) -> None:
        self._dorsal, self._quad = dorsal, quad

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of holding anything there."""
        return self._dorsal.logits(poses) - _OUTSIDE * self._outside(poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """Likewise, over mirrors and the half turn."""
        return self._dorsal.careful_logits(poses) - _OUTSIDE * self._outside(poses)

    def _outside(self, poses: FloatArray) -> FloatArray:
        edges = np.roll(self._quad, -1, axis=0) - self._quad
        away = poses[:, None, :2] - self._quad
        side = np.sign(edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0])
        outside: FloatArray = (np.abs(side.sum(axis=1)) < len(self._quad)).astype(np.float64)
        return outside


def _logits(chance: FloatArray) -> FloatArray:
    chance = np.clip(chance, _FLOOR, 1 - _FLOOR)
    logits: FloatArray = np.log(chance) - np.log1p(-chance)
    return logits


def best_box(
    named: Callable[[torch.Tensor], torch.Tensor],
    category: int,
    first: Observation,
    spec: CellSpec,
    config: SemanticConfig,
) -> FloatArray:
    """The crop of the first picture that most looks like the category, among fixed-size ones over
    the bin, projected to the floor with the camera's calibration (Jang et al. 2017, section 4.1):
    (4, 2) m around its middle half, since a thing lies in the middle of a crop that looks like it.

    Args:
        named: (M, 3, S, S) pictures to (M, N) log probabilities.
        category: index.
        first: I_0.
        spec: the cell.
        config: sizes.
    """
    view, workspace = first.view(config.view), spec.workspace
    floor = workspace.surface
    axes = [np.arange(workspace.low[i] + _STRIDE, workspace.high[i], _STRIDE) for i in (0, 1)]
    centers = np.stack(
        [*np.meshgrid(*axes, indexing="ij"), np.full((len(axes[0]), len(axes[1])), floor)], axis=-1
    ).reshape(-1, 3)
    seen = apply(inverse(view.world_from_camera), centers)
    px = seen @ view.intrinsics.T
    px = px[:, :2] / px[:, 2:]
    half = config.ventral.patch * view.intrinsics[0, 0] / float(seen[:, 2].mean()) / 2
    side = config.ventral.patch_px
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
    best = px[int(named(crops)[:, category].argmax())]
    corners = best + half / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    rays = (
        np.concatenate([corners, np.ones((4, 1))], axis=1)
        @ np.linalg.inv(view.intrinsics).T
        @ view.world_from_camera[:3, :3].T
    )
    eye = view.world_from_camera[:3, 3]
    quad: FloatArray = (eye + rays * ((floor - eye[2]) / rays[:, 2:]))[:, :2]
    return quad
