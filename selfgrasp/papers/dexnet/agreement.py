"""How well a network foretells analytic labels of objects that it never saw, and how well anybody
could: the labels are noisy, and most of them follow from two numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from selfgrasp.common.intervals import Estimate, clustered, ratio
from selfgrasp.common.split import SplitRule
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset
from selfgrasp.dataset.candidates import CandidateTable
from selfgrasp.learn import evaluating
from selfgrasp.methods import registry
from selfgrasp.methods.dexnet.config import ROBUST
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.methods.dexnet.pictures import crops_of
from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.objects.lying import Lying, surface_of, turned
from selfgrasp.objects.quality.labels import label_grasps, lever_of
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.quality.scenes import Moves, SceneRecipe, labelled
from selfgrasp.objects.stable import stable_poses
from selfgrasp.protocols.prediction import Predictions, auc_by_group
from selfgrasp.workcell.cells.config import GRIPPER

_RESAMPLES = 200
_AT_ONCE = 512
_GRASPS = 12
"""Of each object and pose, for the ceiling."""
_OTHER_SAMPLES = 200


def figures(predictions: Predictions) -> dict[str, Any]:
    """Number, share that is robust, accuracy at probability 0.5, average precision and area under
    the ROC curve, the last three with intervals from a bootstrap by object.

    Args:
        predictions: probabilities, or for the last two anything that ranks, beside the label; the
            groups are the objects.
    """
    right = (predictions.scores > 0.5) == predictions.held
    by_object = clustered(predictions.groups, np.stack([right, np.ones(len(right))], axis=1))
    return {
        "n": len(predictions.scores),
        "robust": float(predictions.held.mean()),
        "accuracy": vars(ratio(by_object)),
        "average_precision": vars(average_precision_by_group(predictions)),
        "auc": vars(auc_by_group(predictions)),
    }


def average_precision_by_group(predictions: Predictions) -> Estimate:
    """Average precision with a percentile bootstrap over groups; of nothing where none or all of
    the labels are positive."""
    scores, held = predictions.scores, predictions.held
    if held.all() or not held.any():
        return Estimate(float("nan"), 0.0, 1.0, 0)
    names, index = np.unique(predictions.groups, return_inverse=True)
    members = np.split(np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))[:-1])
    rng, found = np.random.default_rng(0), []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([members[i] for i in rng.integers(len(names), size=len(names))])
        if held[rows].any():
            found.append(average_precision_score(held[rows], scores[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    value = float(average_precision_score(held, scores))
    return Estimate(value, float(low), float(high), len(names))


def agreement(weights: Path, data: Path, most: int) -> Mapping[str, Any]:
    """`figures` of a network on up to `most` candidates of the validation part of each kind: alone
    as drawn (the paper's task), alone and moved, in heaps.

    Raises:
        InputError: none of the candidates is of a validation object.
    """
    method = registry.load(weights)
    assert isinstance(method, DexNet)
    with Dataset.open(data) as dataset:
        table = dataset.candidates()
        rows = table.rows(dataset.split, "validation")
        if not len(rows):
            raise InputError(
                given=f"{data} without candidates of validation objects",
                wanted="candidates of more objects",
            )
        moved, others = table.label("moved")[rows] > 0, table.label("others")[rows] > 0
        kinds = {"alone": ~moved & ~others, "moved": moved & ~others, "heap": others}
        return {
            kind: figures(_predicted(method, table, _some(rows[mask], most)))
            for kind, mask in kinds.items()
            if mask.any()
        }


def _some(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    drawn = np.random.default_rng(0).permutation(len(rows))[:most]
    return np.sort(rows[drawn])


def _predicted(method: DexNet, table: CandidateTable, rows: NDArray[np.int64]) -> Predictions:
    label = table.label(ROBUST.label)
    scores, objects = [], []
    with evaluating(method):
        for at in range(0, len(rows), _AT_ONCE):
            candidates = table.read(rows[at : at + _AT_ONCE])
            crops = crops_of(candidates, method.config)
            logits = method.network.mirrored(
                torch.from_numpy(crops.picture).to(method.device),
                torch.from_numpy(crops.gripper).to(method.device),
            )
            scores.append(torch.sigmoid(logits[:, 0]).double().cpu().numpy())
            objects.append(np.array(candidates.objects)[candidates.view])
    return Predictions(np.concatenate(scores), label[rows] > ROBUST.above, np.concatenate(objects))


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
    sure = Predictions((again > ROBUST.above).astype(np.float64), truth, names)
    ranked = figures(Predictions(again, truth, names))
    return {
        "again": {**ranked, "accuracy": figures(sure)["accuracy"]},
        "middle": figures(Predictions(middle, truth, names)),
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
        lever = lever_of(*grasps.in_object(lying.table_from_object))
        yield {
            "objects": np.full(len(grasps), item.name),
            "label": labels["epsilon"],
            "again": again["epsilon"],
            "middle": labels["free"] * np.exp(-lever / 0.02),
        }
