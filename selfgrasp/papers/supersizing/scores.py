"""Table II and what is asked of it: every network and baseline on the same balanced set of attempts
on new objects (section IV.B)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.files import atomic_write
from selfgrasp.common.intervals import Estimate
from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError
from selfgrasp.learn import SPLITS, Examples, Method
from selfgrasp.learn.gathered import examples_of
from selfgrasp.methods.registry import build, load
from selfgrasp.methods.supersizing.method import Supersizing
from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.collect import BAXTER_CLOSED
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.papers.supersizing.table2 import BaselinePrediction, baseline_rows, heuristic_rows
from selfgrasp.protocols.prediction import Predictions, auc, balanced, best_threshold
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.cells.config import GRIPPER

SETS = ("novel", "seen")
SCORED = (*SETS, "validation", "chosen")


def score_all(work: Work) -> str:
    """Scores of every network on the test and validation objects, and on new scenes of the training
    objects; kept in one file a network."""
    names = sorted(
        p.parent.name
        for p in (work.folders.root / "runs").glob("*/done.json")
        if p.parent.name not in ("pretext", "smoke")
    )
    folders = [work.random_data, *map(work.folders.data, ("test", "validation", "test-chosen"))]
    datasets = {folder.name: steps.data_identity(folder) for folder in folders}
    with Progress("score", len(names), unit="networks") as progress:
        for count, name in enumerate(names, start=1):
            _score(work, name, datasets)
            progress.update(count)
    return f"{len(names)} networks scored"


def score_baselines(work: Work) -> str:
    """Table II's baselines, trained on D0."""

    names = ("validation", "test", "closed-validation", "closed-test")
    folders = [work.random_data, *map(work.folders.data, names)]
    of = {folder.name: steps.data_identity(folder) for folder in folders}
    found = steps.measured_of(
        work.folders.measured("baselines"), of, lambda: _scored_baselines(work)
    )
    lacking = "".join(f"; {one['name']}: {one['reason']}" for one in found["lacking"])
    return f"{len(found['baselines'])} baselines scored{lacking}"


def _scored_baselines(work: Work) -> dict[str, object]:
    """The baselines' scores; of a group that cannot be scored, why."""
    method = build("supersizing:outputs")
    train = examples_of(method, work.random_data, "train", workers=work.workers)
    validation, test = (
        _whole(method, work.folders.data(name), work.workers) for name in ("validation", "test")
    )
    scored, lacking = [], []
    if reason := one_sided({"training": train, "validation": validation, "test": test}):
        lacking.append({"name": "all baselines", "reason": reason})
    else:
        rows = baseline_rows(train, validation, test, GRIPPER, method.config)
        scored += [_kept(row, test) for row in rows]
    # The limit's rule presumes fingers that do not meet; with a gripper like the paper's it has a
    # meaning.
    apart = replace(GRIPPER, closed=BAXTER_CLOSED)
    suffix = f", fingers that stay {1000 * BAXTER_CLOSED:.0f} mm apart"
    validation, test = (
        _whole(method, work.folders.data(f"closed-{name}"), work.workers)
        for name in ("validation", "test")
    )
    if reason := one_sided({"validation": validation, "test": test}):
        lacking.append({"name": f"heuristics{suffix}", "reason": reason})
    else:
        rows = heuristic_rows(validation, validation, test, apart, method.config)
        scored += [_kept(replace(row, name=f"{row.name}{suffix}"), test) for row in rows]
    return {"baselines": scored, "lacking": lacking}


def _kept(row: BaselinePrediction, test: Examples) -> dict[str, object]:
    """As JSON values."""
    return {
        "name": row.name,
        "scores": np.asarray(row.scores).tolist(),
        "held": test["grasped"].astype(bool).tolist(),
        "scenes": test["scene"].tolist(),
        "threshold": row.threshold,
        "chosen": dict(row.chosen),
        "optimistic": row.optimistic,
        "paper": row.paper,
    }


def one_sided(parts: Mapping[str, Examples]) -> str:
    """Why baselines can learn nothing of these parts: the first in which all grasps ended alike;
    empty if there is none."""
    for name, examples in parts.items():
        held = int((examples["grasped"] > 0).sum())
        if held in (0, len(examples)):
            return f"of {len(examples)} {name} attempts {held} held"
    return ""


@dataclass(frozen=True, eq=False)
class Correctness:
    """Where a predictor is right about the balanced sample, which is the same for all of them.

    Attributes:
        right: (M,) bool.
        scenes: (M,) str.
    """

    right: NDArray[np.bool_]
    scenes: NDArray[np.str_]


def accuracy_of(work: Work, names: Sequence[str], objects: str = "novel") -> Estimate:
    """Balanced accuracy, mean over networks (training seeds) of one kind, bootstrapped by scene and
    by network."""
    each = [right(work, name, objects) for name in names]
    return mean_by_scene(np.stack([one.right for one in each]), each[0].scenes)


def auc_of(work: Work, names: Sequence[str]) -> float:
    """Area under the ROC curve on novel objects, mean over networks."""

    return float(np.mean([auc(scored(work, name)["novel"]).value for name in names]))


def difference_of(
    work: Work, a: Sequence[str], b: Sequence[str], objects: str = "novel"
) -> tuple[Estimate, list[float]]:
    """Balanced accuracy of `a` minus that of `b`, in pairs of training seeds on the same attempts,
    and each pair's own difference."""
    pairs = [(right(work, x, objects), right(work, y, objects)) for x, y in zip(a, b, strict=True)]
    each = np.stack([ours.right.astype(float) - theirs.right for ours, theirs in pairs])
    return mean_by_scene(each, pairs[0][0].scenes), each.mean(axis=1).tolist()


def right(work: Work, name: str, objects: str) -> Correctness:
    """Where a network is right, with the threshold that validation objects chose."""

    found = scored(work, name)
    return _right(work, found[objects], best_threshold(found["validation"]))


def _right(work: Work, predictions: Predictions, threshold: float) -> Correctness:

    sample = balanced(predictions, np.random.default_rng([work.seed, 2]))
    return Correctness((sample.scores >= threshold) == sample.held, sample.groups)


@dataclass(frozen=True)
class ScoredBaseline:
    """A baseline's row.

    Attributes:
        name: of the baseline.
        accuracy: balanced accuracy on the sample that all predictors share.
        auc: area under its ROC curve.
        chosen: parameters that were chosen, in words.
        paper: the paper's accuracy; None where it has none.
    """

    name: str
    accuracy: Estimate
    auc: float
    chosen: str
    paper: float | None


def baselines(work: Work) -> list[ScoredBaseline]:
    """The baselines' rows, those that could be scored."""
    rows = []
    for found in _read_baselines(work)["baselines"]:
        predictions = Predictions(
            np.array(found["scores"]),
            np.array(found["held"], dtype=bool),
            np.array(found["scenes"]).astype(str),
        )
        correct = _right(work, predictions, found["threshold"])
        chosen = ", ".join(f"{name} {value:g}" for name, value in found["chosen"].items())
        rows.append(
            ScoredBaseline(
                name=found["name"],
                accuracy=mean_by_scene(correct.right[None], correct.scenes),
                auc=auc(predictions).value,
                chosen=f"{chosen}{', chosen on the test set' if found['optimistic'] else ''}",
                paper=found["paper"],
            )
        )
    return rows


def lacking_baselines(work: Work) -> dict[str, str]:
    """Groups of baselines that could not be scored, and why."""
    return {one["name"]: one["reason"] for one in _read_baselines(work)["lacking"]}


def _read_baselines(work: Work) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(work.folders.measured("baselines").read_text())
    return found


def mean_by_scene(each: NDArray[Any], scenes: NDArray[np.str_]) -> Estimate:
    """Of (K, M) values of K networks on M attempts: the mean, bootstrapped over the networks and
    over the scenes (M,) of the attempts; of no attempts an estimate that rests on nothing."""
    values = each.astype(np.float64)
    if not values.size:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    _, scene, counts = np.unique(scenes, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(scene, row) for row in values])
    rng, (networks, total) = np.random.default_rng(0), sums.shape
    means = []
    for _ in range(2000):
        drawn = rng.integers(total, size=total)
        means.append(
            sums[rng.integers(networks, size=networks)].mean(axis=0)[drawn].sum()
            / counts[drawn].sum()
        )
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), values.shape[1])


def scored(work: Work, name: str) -> Mapping[str, Predictions]:
    """A network's probabilities on the sets `SCORED`, as `score_all` keeps them."""
    with np.load(_scores_of(work, name)) as file:
        return {
            kind: Predictions(
                file[f"{kind}.scores"], file[f"{kind}.held"], file[f"{kind}.scene"].astype(str)
            )
            for kind in SCORED
        }


def _scores_of(work: Work, name: str) -> Path:
    return work.folders.run(name) / "scores.npz"


def _score(work: Work, name: str, datasets: Mapping[str, str]) -> None:
    """Keep a network's probabilities, if those that are kept are not of the same network and
    data."""
    path, run = _scores_of(work, name), work.folders.run(name)
    of = json.dumps({"network": resolve(str(run)).identity, "data": datasets}, sort_keys=True)
    if path.exists():
        with np.load(path) as file:
            if steps.OF in file and str(file[steps.OF]) == of:
                return
    method = load(run)
    if not isinstance(method, Supersizing):
        raise InputError(given=f"{run} of {method.name}", wanted="a run of supersizing")
    sets = {
        "novel": _whole(method, work.folders.data("test"), work.workers),
        "validation": _whole(method, work.folders.data("validation"), work.workers),
        "chosen": _whole(method, work.folders.data("test-chosen"), work.workers),
        "seen": _part(method, work.random_data, "test", work.workers),
    }
    columns: dict[str, NDArray[Any]] = {steps.OF: np.array(of)}
    for kind, examples in sets.items():
        columns[f"{kind}.scores"] = method.example_probabilities(examples)
        columns |= {
            f"{kind}.held": examples["grasped"].astype(bool),
            f"{kind}.scene": examples["scene"],
        }
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.savez(file, **columns)  # type: ignore[arg-type]


def _part(method: Method, folder: Path, split: Any, workers: int) -> Examples:

    return examples_of(method, folder, split, workers=workers)


def _whole(method: Method, folder: Path, workers: int) -> Examples:
    """All attempts of a dataset that is only tested on."""

    return Examples.concatenate([_part(method, folder, split, workers) for split in SPLITS])
