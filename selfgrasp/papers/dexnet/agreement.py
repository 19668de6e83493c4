"""How well a network foretells analytic labels of objects that it never saw, and how well anybody
could: the labels are noisy, and most of them follow from two numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.split import SplitRule
from selfgrasp.core.arrays import FloatArray
from selfgrasp.dataset import Dataset
from selfgrasp.learn import evaluating
from selfgrasp.methods import registry
from selfgrasp.methods.dexnet.config import ROBUST
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.methods.dexnet.pictures import crops_of
from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.quality.scenes import (
    Lying,
    Moves,
    SceneRecipe,
    label_grasps,
    labelled,
    surface_of,
    turned,
)
from selfgrasp.objects.stable import stable_poses
from selfgrasp.workcell.cells.config import GRIPPER

_RESAMPLES = 200
_AT_ONCE = 512
_GRASPS = 12
"""Of each object and pose, for the ceiling."""
_OTHER_SAMPLES = 200


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores beside a label.

    Attributes:
        scores: (N,) probabilities, or anything that ranks.
        robust: (N,) bool.
        objects: (N,) str; those of one object are not independent.
    """

    scores: FloatArray
    robust: NDArray[np.bool_]
    objects: NDArray[np.str_]

    def of(self, rows: NDArray[np.bool_]) -> Judged:
        """The rows of a mask."""
        return Judged(self.scores[rows], self.robust[rows], self.objects[rows])


def figures(judged: Judged) -> dict[str, Any]:
    """Number, share that is robust, accuracy at probability 0.5, average precision and area under
    the ROC curve, the last three with intervals from a bootstrap by object."""

    def accuracy(scores: FloatArray, robust: NDArray[np.bool_]) -> float:
        return float(((scores > 0.5) == robust).mean())

    def precision(scores: FloatArray, robust: NDArray[np.bool_]) -> float:
        return float(average_precision_score(robust, scores))

    def area(scores: FloatArray, robust: NDArray[np.bool_]) -> float:
        return float(roc_auc_score(robust, scores))

    return {
        "n": len(judged.scores),
        "robust": float(judged.robust.mean()),
        "accuracy": vars(by_object(judged, accuracy)),
        "average_precision": vars(by_object(judged, precision)),
        "auc": vars(by_object(judged, area)),
    }


def by_object(
    judged: Judged, statistic: Callable[[FloatArray, NDArray[np.bool_]], float]
) -> Estimate:
    """A statistic of scores and labels with its interval, objects drawn with replacement; of
    nothing where no draw has both labels."""
    names, index = np.unique(judged.objects, return_inverse=True)
    order = np.argsort(index, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(index))[:-1])
    rng, found = np.random.default_rng(0), []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[i] for i in rng.integers(len(names), size=len(names))])
        if 0 < judged.robust[rows].sum() < len(rows):
            found.append(statistic(judged.scores[rows], judged.robust[rows]))
    if not found:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    low, high = np.percentile(found, [2.5, 97.5])
    value = statistic(judged.scores, judged.robust)
    return Estimate(value, float(low), float(high), len(names))


def agreement(weights: Path, data: Path, most: int) -> Mapping[str, Any]:
    """`figures` of a network on up to `most` candidates of the validation part of each kind: alone
    as drawn (the paper's task), alone and moved, in heaps."""
    method = registry.load(weights)
    assert isinstance(method, DexNet)
    with Dataset.open(data) as dataset:
        table = dataset.candidates()
        rows = table.rows(dataset.split, "validation")
        moved, others = table.label("moved")[rows] > 0, table.label("others")[rows] > 0
        kinds = {"alone": ~moved & ~others, "moved": moved & ~others, "heap": others}
        return {
            kind: figures(_judged(method, table, _some(rows[mask], most)))
            for kind, mask in kinds.items()
            if mask.any()
        }


def _some(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    drawn = np.random.default_rng(0).permutation(len(rows))[:most]
    return np.sort(rows[drawn])


def _judged(method: DexNet, table: Any, rows: NDArray[np.int64]) -> Judged:
    label = table.label(ROBUST.label)
    scores, objects = [], []
    with evaluating(method):
        for at in range(0, len(rows), _AT_ONCE):
            candidates = table.read(rows[at : at + _AT_ONCE])
            crops = crops_of(candidates, method.config)
            logits = method.network(
                torch.from_numpy(crops.picture).to(method.device),
                torch.from_numpy(crops.gripper).to(method.device),
            )
            scores.append(torch.sigmoid(logits[:, 0]).double().cpu().numpy())
            objects.append(np.array(candidates.objects)[candidates.view])
    return Judged(np.concatenate(scores), label[rows] > ROBUST.above, np.concatenate(objects))


def ceilings(objects: str, shapes: int, samples: int, seed: int) -> Mapping[str, Any]:
    """What bounds a network, on fresh grasps of the validation part's objects, alone as drawn.

    "again": the label from 200 other samples of the same grasp, which no network can pass.
    "middle": free, and near the center of mass, which two numbers give.

    Args:
        objects: a set, as of `selfgrasp candidates`.
        shapes: of that set.
        samples: of a label.
        seed: of poses and grasps.
    """
    parts = list(_fresh(objects, shapes, samples, seed))
    names = np.concatenate([part["objects"] for part in parts])
    robust, again, middle = (
        np.concatenate([part[name] for part in parts]) for name in ("label", "again", "middle")
    )
    truth = robust > ROBUST.above
    sure = Judged((again > ROBUST.above).astype(np.float64), truth, names)
    ranked = figures(Judged(again, truth, names))
    return {
        "again": {**ranked, "accuracy": figures(sure)["accuracy"]},
        "middle": figures(Judged(middle, truth, names)),
    }


def _fresh(objects: str, shapes: int, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    rule = SplitRule()
    recipe = SceneRecipe(
        grasps=_GRASPS, moves=Moves(share=0.0), unknown=Uncertainty(samples=samples)
    )
    other = replace(recipe.unknown, samples=_OTHER_SAMPLES)
    for index, item in enumerate(objects_by_name(objects, shapes)):
        if rule.part_of(f"object|{item.name}") != "validation":
            continue
        rng = np.random.default_rng([seed, index])
        poses = stable_poses(item)
        lies = poses[rng.choice(len(poses), p=[one.probability for one in poses])]
        lying = turned(Lying(item, lies.table_from_object), rng)
        points, nothing = surface_of(lying, rng), np.empty((0, 3))
        grasps, labels = labelled(lying, points, nothing, GRIPPER, rng, recipe)
        again = label_grasps(lying, grasps, labels["free"] > 0.5, GRIPPER, rng, other)
        centers, axes = grasps.in_object(lying.table_from_object)
        lever = np.linalg.norm(np.cross(axes, centers), axis=1)
        yield {
            "objects": np.full(len(grasps), item.name),
            "label": labels["epsilon"],
            "again": again["epsilon"],
            "middle": labels["free"] * np.exp(-lever / 0.02),
        }
