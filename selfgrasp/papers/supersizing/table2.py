"""Table II: what the learned network is compared with in predicting outcomes (Pinto & Gupta 2016,
sections IV.C and IV.D). N test examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import GripperSpec, InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Examples
from selfgrasp.methods.supersizing.config import SupersizingConfig
from selfgrasp.papers.supersizing.eigen import Alignment, tried
from selfgrasp.papers.supersizing.hog import Described, describe, neighbour_shares, svm_scores

ERRORS = np.arange(1.0, 91.0)
"""Degrees that are tried as the heuristic's error threshold."""
LIMITS = np.arange(0.0, 130.0, 2.5)
"""mm that are tried as the shortest length of a thing worth grasping."""
NEIGHBOURS = (1, 3, 5, 9, 15, 25, 41, 65, 101, 161, 251)
"""Numbers of nearest neighbours that are tried."""
REGULARIZATIONS = (0.0003, 0.001, 0.003, 0.01, 0.03)
"""Values of the SVMs' C that are tried; around the best for some 2,000 examples of an angle."""


@dataclass(frozen=True, eq=False)
class BaselinePrediction:
    """A row of the table.

    Attributes:
        name: of the baseline.
        scores: (N,) of the test examples, in their order; higher is better.
        threshold: a score from which on success is predicted.
        chosen: parameters that were chosen, beside the threshold.
        optimistic: whether something was chosen on the test examples themselves, as in the paper.
        paper: the accuracy in the paper's table; None where the paper has no such row.
    """

    name: str
    scores: FloatArray
    threshold: float
    chosen: Mapping[str, float]
    optimistic: bool
    paper: float | None


@dataclass(frozen=True)
class Cut:
    """A threshold and the balanced accuracy it gives: the mean of the shares of successes and of
    failures that are predicted."""

    threshold: float
    accuracy: float


def baseline_rows(
    train: Examples,
    validation: Examples,
    test: Examples,
    gripper: GripperSpec,
    config: SupersizingConfig,
) -> list[BaselinePrediction]:
    """All baselines, in the paper's order, then the learned ones again with the height map's
    features beside the picture's.

    Where the paper balances its test set by drawing from it, choices here are by balanced accuracy,
    the same in the mean. All examples count alike, whatever their weight.

    Args:
        train: what is learned from, of `gather` with a config of 18 outputs.
        validation: thresholds and the SVMs' C are chosen on these.
        test: what is predicted.
        gripper: its opening makes patches metric, its closed width is the eigenvalue limit.
        config: that the examples were gathered with.

    Raises:
        InputError: examples without the room to be turned back, or a part in which all grasps ended
            alike.
    """
    rows = heuristic_rows(train, validation, test, gripper, config)
    known, chosen_on, asked = (describe(part, config) for part in (train, validation, test))
    rows += learned_rows(known.picture, chosen_on.picture, asked.picture, config, depth=False)
    return [*rows, *learned_rows(known, chosen_on, asked, config, depth=True)]


def heuristic_rows(
    train: Examples,
    validation: Examples,
    test: Examples,
    gripper: GripperSpec,
    config: SupersizingConfig,
) -> list[BaselinePrediction]:
    """Section IV.C: the smallest eigenvector; nothing shorter than the gripper's closed width
    besides; the best of both parameters over the test set.

    The angle is chosen on training and validation examples together. For fingers that meet, the
    limit is 0 and the second row equals the first.
    """
    known = [tried(part, gripper, config) for part in (train, validation)]
    before = Alignment(
        np.concatenate([one.error for one in known]), np.concatenate([one.length for one in known])
    )
    held = np.concatenate([_held(train, "training"), _held(validation, "validation")])
    now, truth = tried(test, gripper, config), _held(test, "test")
    rows = []
    for name, limit, paper in (
        ("smallest eigenvector", 0.0, 0.534),
        ("eigenvalue limit", gripper.closed, 0.599),
    ):
        cut = best_cut(before.scores(limit=limit), held, -np.radians(ERRORS))
        rows.append(_heuristic(name, now, cut, limit, paper))
    cuts = [
        best_cut(now.scores(limit=limit), truth, -np.radians(ERRORS)) for limit in LIMITS / 1000
    ]
    best = max(range(len(cuts)), key=lambda i: cuts[i].accuracy)
    return [
        *rows,
        _heuristic(
            "hindsight best", now, cuts[best], float(LIMITS[best]) / 1000, 0.621, optimistic=True
        ),
    ]


def _heuristic(
    name: str, now: Alignment, cut: Cut, limit: float, paper: float, *, optimistic: bool = False
) -> BaselinePrediction:
    chosen = {
        "error_deg": round(float(np.degrees(-cut.threshold)), 6),
        "limit_mm": round(1000 * limit, 6),
    }
    return BaselinePrediction(
        name, now.scores(limit=limit), cut.threshold, chosen, optimistic, paper
    )


def learned_rows(
    train: Described,
    validation: Described,
    test: Described,
    config: SupersizingConfig,
    *,
    depth: bool,
) -> list[BaselinePrediction]:
    """Section IV.D: nearest neighbours with the number of them that is best on the test set, and
    one linear SVM per angle with C from validation.

    Success is rarer than failure, so that a majority of neighbours would seldom predict it: what
    share of them is enough, and on which side of an SVM's plane success begins, is chosen by
    balanced accuracy on the validation examples, for every number of neighbours anew.
    """
    more, paper = (" with depth", (None, None)) if depth else ("", (0.694, 0.733))
    neighbours = []
    asked = zip(
        neighbour_shares(train, validation, NEIGHBOURS),
        neighbour_shares(train, test, NEIGHBOURS),
        strict=True,
    )
    for count, (before, now) in zip(NEIGHBOURS, asked, strict=True):
        cut = best_cut(before, validation.held)
        row = BaselinePrediction(
            f"kNN on HoG{more}", now, cut.threshold, {"k": count}, True, paper[0]
        )
        neighbours.append((best_cut(now, test.held, np.array([cut.threshold])).accuracy, row))
    machines = []
    for regularization in REGULARIZATIONS:
        before, now = svm_scores(train, (validation, test), regularization, config.bins)
        cut = best_cut(before, validation.held)
        row = BaselinePrediction(
            f"linear SVM on HoG{more}", now, cut.threshold, {"C": regularization}, False, paper[1]
        )
        machines.append((cut.accuracy, row))
    return [max(found, key=lambda pair: pair[0])[1] for found in (neighbours, machines)]


def best_cut(scores: FloatArray, held: NDArray[np.bool_], cuts: FloatArray | None = None) -> Cut:
    """The threshold with the best balanced accuracy, the lowest of equals, among `cuts` (C,) or,
    without them, all of `scores` (N,)."""
    cuts = np.unique(scores) if cuts is None else np.sort(cuts)
    positive, negative = np.sort(scores[held]), np.sort(scores[~held])
    found = 1 - np.searchsorted(positive, cuts) / len(positive)
    accuracy = (found + np.searchsorted(negative, cuts) / len(negative)) / 2
    best = int(accuracy.argmax())
    return Cut(float(cuts[best]), float(accuracy[best]))


def _held(examples: Examples, part: str) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = examples["grasped"] > 0
    if held.all() or not held.any():
        raise InputError(
            given=f"{len(held)} {part} examples of which {int(held.sum())} held",
            wanted="some that held and some that did not",
        )
    return held
