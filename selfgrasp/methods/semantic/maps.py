"""Value maps: p(g) and p(c) over the whole bin (Jang et al. 2017, figures 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Context, Goal, Heat, InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose
from selfgrasp.learn import evaluating
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.methods.semantic.scorer import CategoryScorer

_PIXEL, _ANGLES = 0.01, 6
_APART = 0.07
"""m between labelled places."""


@dataclass(frozen=True, eq=False)
class ValueMaps:
    """What the streams predict for every place of the bin, at A angles each.

    Attributes:
        grasp: probabilities of holding anything.
        classes: (N, A, H, W) probabilities of the categories of what will be held.
        categories: their names.
    """

    grasp: Heat
    classes: NDArray[np.float32]
    categories: tuple[str, ...]

    def of(self, category: str) -> Heat:
        """(1, H, W) probabilities that a place's best grasp holds an object of the category."""
        return self._heat(self._at_best(self.classes[self.categories.index(category)]))

    def labelled(self, count: int = 8) -> list[tuple[FloatArray, str, float]]:
        """Up to `count` best places to grasp, at least 7 cm apart: (3,) m, the likeliest category
        and its probability."""
        best, classes = (
            self.grasp.values.max(axis=0),
            np.stack([self._at_best(one)[0] for one in self.classes]),
        )
        found: list[tuple[FloatArray, str, float]] = []
        for place in np.argsort(-best, axis=None):
            row, column = np.unravel_index(int(place), best.shape)
            at = (
                self.grasp.world_from_map
                @ [(column + 0.5) * self.grasp.pixel, (row + 0.5) * self.grasp.pixel, 0.0, 1.0]
            )[:3]
            if best[row, column] < best.max() / 2 or len(found) == count:
                break
            if all(np.linalg.norm(at - other) >= _APART for other, _, _ in found):
                likeliest = int(classes[:, row, column].argmax())
                found.append(
                    (at, self.categories[likeliest], float(classes[likeliest, row, column]))
                )
        return found

    def _at_best(self, values_AHW: NDArray[np.float32]) -> NDArray[np.float32]:
        """(1, H, W) where the grasp is best."""
        best = self.grasp.values.argmax(axis=0)[None]
        return np.take_along_axis(values_AHW, best, axis=0)

    def _heat(self, values: NDArray[np.float32]) -> Heat:
        angles = self.grasp.angles if len(values) == len(self.grasp.angles) else np.array([np.nan])
        return Heat(values, angles, self.grasp.world_from_map, self.grasp.pixel)


def value_maps(method: Semantic, context: Context) -> ValueMaps:
    """Predictions for a grid of places and angles, from the present image.

    Args:
        method: with streams that predict categories of motions.
        context: its goal is ignored.

    Raises:
        InputError: a classifier of present images, which predicts nothing of motions.
    """
    categories = method.config.categories
    low, high = context.spec.workspace.low[:2], context.spec.workspace.high[:2]
    columns, rows = (np.arange(low[i] + _PIXEL / 2, high[i], _PIXEL) for i in (0, 1))
    angles = np.arange(_ANGLES) * np.pi / _ANGLES
    yaw, y, x = np.meshgrid(angles, rows, columns, indexing="ij")
    poses = np.stack([x, y, yaw], axis=-1).reshape(-1, 3)
    with evaluating(method):
        scorer = method.scorer(
            Context(
                context.observation,
                context.spec,
                Goal(categories[0]),
                first=context.first,
                step=context.step,
            )
        )
        if not isinstance(scorer, CategoryScorer):
            raise InputError(
                given=f"structure {method.config.structure}",
                wanted="streams that predict categories of motions: single, branches or separated",
            )
        predicted = [
            scorer.probabilities(part) for part in np.array_split(poses, 1 + len(poses) // 256)
        ]
    grasp = np.concatenate([o.grasp for o in predicted]).reshape(x.shape).astype(np.float32)
    classes = (
        np.concatenate([o.classes for o in predicted]).T.reshape(-1, *x.shape).astype(np.float32)
    )
    corner = pose(translation=(low[0], low[1], context.spec.workspace.surface))
    return ValueMaps(Heat(grasp, angles, corner, _PIXEL), classes, categories)
