"""Nearest neighbours and linear SVMs on histograms of oriented gradients (Pinto & Gupta 2016,
section IV.D). N examples, F features, K counts, P side, px.

The paper's patches are not turned: the features keep the direction of what they show, and every one
of the 18 angles has neighbours and an SVM of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Examples
from selfgrasp.methods.supersizing.config import SupersizingConfig
from selfgrasp.methods.supersizing.examples import world_patches
from selfgrasp.methods.supersizing.network import bin_of

SIDE = 64
"""px that a patch is resized to: 8 x 8 cells of 8 px."""
HIGHEST = 0.128
"""m above the table that white stands for in a height map's picture: half a millimetre for a step
of grey."""
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Described:
    """Examples as the learners see them.

    Attributes:
        features: (N, F) float32; the first half is of the picture, the second of the height map.
        bins: (N,) int64, the angle class that was tried.
        held: (N,) bool.
    """

    features: NDArray[np.float32]
    bins: NDArray[np.int64]
    held: NDArray[np.bool_]

    @property
    def picture(self) -> Described:
        """Without the height map's features."""
        return replace(self, features=self.features[:, : self.features.shape[1] // 2])

    def of(self, angle: int) -> Described:
        """Those of one angle class."""
        there = self.bins == angle
        return Described(self.features[there], self.bins[there], self.held[there])


def describe(examples: Examples, config: SupersizingConfig) -> Described:
    """HoG of each unturned patch's grey picture and, beside it, of its height map.

    Raises:
        InputError: examples that cannot be turned into the world's direction; see `world_patches`.
    """
    hog = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)
    each = hog.getDescriptorSize()
    features = np.empty((len(examples), 2 * each), np.float32)
    for start in range(0, len(examples), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(examples)))
        patches = world_patches(examples, rows, config)
        for row, color, height in zip(rows, patches.color, patches.height, strict=True):
            features[row, :each] = _hog(hog, cv2.cvtColor(color, cv2.COLOR_RGB2GRAY))
            features[row, each:] = _hog(
                hog, np.clip(height * (255 / HIGHEST), 0, 255).astype(np.uint8)
            )
    return Described(features, bin_of(examples["yaw"], config.bins), examples["grasped"] > 0)


def _hog(hog: cv2.HOGDescriptor, picture: NDArray[np.integer]) -> NDArray[np.float32]:
    return np.asarray(
        hog.compute(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)),
        dtype=np.float32,
    )


def neighbour_shares(train: Described, asked: Described, counts: Sequence[int]) -> FloatArray:
    """(K, N) shares of success among the `counts` (K,) nearest training examples of the same angle
    class, by Euclidean distance, for each one asked.

    Where the class has fewer examples, all of them are neighbours; where it has none, the share is
    that of the whole training set.
    """
    shares = np.full((len(counts), len(asked.bins)), train.held.mean())
    for angle in np.unique(asked.bins):
        known, where = train.of(int(angle)), np.flatnonzero(asked.bins == angle)
        if not len(known.held):
            continue
        most = np.minimum(np.asarray(counts), len(known.held))
        length = (known.features**2).sum(axis=1)
        for start in range(0, len(where), _CHUNK):
            rows = where[start : start + _CHUNK]
            # The length of what is asked changes no order.
            distance = length - 2 * asked.features[rows] @ known.features.T
            nearest = np.argsort(distance, axis=1, kind="stable")[:, : most.max()]
            successes = np.cumsum(known.held[nearest], axis=1)
            shares[:, rows] = (successes[:, most - 1] / most).T
    return shares


def svm_scores(
    train: Described, asked: Sequence[Described], regularization: float, bins: int
) -> list[FloatArray]:
    """(N,) signed distances from one linear SVM per angle class, trained on `train` with classes
    balanced, for each set asked.

    Where a class's examples all ended alike there is nothing to separate: 1 if all held, -1 if none
    did, 0 without examples.

    Args:
        train: examples.
        asked: sets of examples.
        regularization: C of the SVM: how much an example that is on the wrong side costs.
        bins: angle classes.
    """
    scores = [np.zeros(len(one.bins)) for one in asked]
    for angle in range(bins):
        decide = _separated(train.of(angle), regularization)
        for one, out in zip(asked, scores, strict=True):
            there = one.bins == angle
            if there.any():
                out[there] = decide(one.features[there])
    return scores


def _separated(
    known: Described, regularization: float
) -> Callable[[NDArray[np.float32]], FloatArray]:
    """What turns (N, F) features into (N,) scores, learned from examples of one angle class."""

    kinds = np.unique(known.held)
    if len(kinds) < 2:
        constant = float(np.where(kinds, 1.0, -1.0).sum())
        return lambda features: np.full(len(features), constant)
    # Up to a C of 0.03 the dual takes about half as long as the primal, at the same AUC.
    svm = LinearSVC(
        C=regularization,
        class_weight="balanced",
        dual=True,
        tol=1e-3,
        random_state=0,
        max_iter=5000,
    ).fit(known.features, known.held)
    return lambda features: np.asarray(svm.decision_function(features), dtype=np.float64)
