"""Table II and what is asked of it: every network and baseline on the same balanced set of attempts on new objects (section IV.B)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.runs.supersizing.learning import Work

if TYPE_CHECKING:
    from selfgrasp.core.arrays import FloatArray
    from selfgrasp.learn import Examples, Method
    from selfgrasp.protocols.intervals import Estimate

SETS = ("novel", "seen")
SCORED = (*SETS, "validation", "chosen")
_BATCH = 512


@dataclass(frozen=True, eq=False)
class Tried:
    """A set of attempts and one predictor's scores of them.

    Attributes:
        scores: (N,) higher is better.
        held: (N,) bool.
    """

    scores: FloatArray
    held: NDArray[np.bool_]


def score_all(work: Work) -> str:
    """Scores of every network on the test and validation objects, and on new scenes of the training objects; kept in one file a network."""
    names = sorted(p.parent.name for p in (work.layout.root / "runs").glob("*/done.json") if p.parent.name not in ("pretext", "smoke"))
    from selfgrasp.runs.progress import Progress

    with Progress("score", len(names), unit="networks") as progress:
        for count, name in enumerate(names, start=1):
            _scored(work, name)
            progress.update(count)
    return f"{len(names)} networks scored"


def score_baselines(work: Work) -> str:
    """Table II's baselines, trained on D0."""
    from selfgrasp.methods.registry import build
    from selfgrasp.methods.supersizing.table2 import baseline_rows, heuristic_rows
    from selfgrasp.runs.examples import examples_of
    from selfgrasp.runs.record import write_json
    from selfgrasp.runs.supersizing.learning import BAXTER_CLOSED
    from selfgrasp.workcell.cells import GRIPPER

    kept = work.layout.measured("baselines")
    if kept.exists():
        return f"{kept} is there already"
    method = build("supersizing:outputs")
    train, _ = examples_of(method, work.layout.random, "train", workers=work.workers)
    validation, test = (_whole(method, work.layout.data(name), work.workers) for name in ("validation", "test"))
    found = [(b, test) for b in baseline_rows(train, validation, test, GRIPPER, method.config)]
    # The limit's rule presumes fingers that do not meet; with a gripper like the paper's it has a meaning.
    apart = replace(GRIPPER, closed=BAXTER_CLOSED)
    validation, test = (_whole(method, work.layout.data(f"closed-{name}"), work.workers) for name in ("validation", "test"))
    rows = heuristic_rows(validation, validation, test, apart, method.config)
    found += [(replace(b, name=f"{b.name}, fingers that stay {1000 * BAXTER_CLOSED:.0f} mm apart"), test) for b in rows]
    write_json(
        kept,
        [
            {
                "name": b.name, "scores": np.asarray(b.scores).tolist(), "held": on["grasped"].astype(bool).tolist(), "threshold": b.threshold,
                "chosen": dict(b.chosen), "optimistic": b.optimistic, "paper": b.paper,
            }
            for b, on in found
        ],
    )  # fmt: skip
    return f"{len(found)} baselines scored"


def accuracy_of(work: Work, names: Sequence[str], objects: str = "novel") -> Estimate:
    """Balanced accuracy, mean over networks (training seeds) of one kind, bootstrapped by attempt and by network."""
    return _estimate(np.stack([right(work, name, objects) for name in names]))


def auc_of(work: Work, names: Sequence[str], objects: str = "novel") -> float:
    """Area under the ROC curve, mean over networks."""
    from selfgrasp.protocols.prediction import Predictions, auc

    values = []
    for name in names:
        tried = _scored(work, name)[objects]
        values.append(auc(Predictions(tried.scores, tried.held, np.arange(len(tried.held)).astype(str))).value)
    return float(np.mean(values))


def difference_of(work: Work, a: Sequence[str], b: Sequence[str], objects: str = "novel") -> tuple[Estimate, list[float]]:
    """Balanced accuracy of `a` minus that of `b`, in pairs of training seeds on the same attempts, and each pair's own difference."""
    each = np.stack([right(work, x, objects).astype(float) - right(work, y, objects) for x, y in zip(a, b, strict=True)])
    return _estimate(each), each.mean(axis=1).tolist()


def right(work: Work, name: str, objects: str) -> NDArray[np.bool_]:
    """(M,) whether a network is right about each attempt of the balanced sample, with the threshold that validation objects chose."""
    from selfgrasp.protocols.prediction import Predictions, best_threshold

    scored = _scored(work, name)
    validation, tried = scored["validation"], scored[objects]
    threshold = best_threshold(Predictions(validation.scores, validation.held, np.arange(len(validation.held)).astype(str)))
    chosen = balanced_rows(tried.held, work.seed)
    found: NDArray[np.bool_] = (tried.scores[chosen] >= threshold) == tried.held[chosen]
    return found


def balanced_rows(held: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Rows of as many failures as successes: the same for every predictor."""
    rng = np.random.default_rng([seed, 2])
    positive, negative = np.flatnonzero(held), np.flatnonzero(~held)
    count = min(len(positive), len(negative))
    return np.concatenate([rng.permutation(positive)[:count], rng.permutation(negative)[:count]])


def probabilities(work: Work, name: str, objects: str = "novel") -> Tried:
    """A network's probabilities beside what happened."""
    return _scored(work, name)[objects]


def baselines(work: Work) -> list[dict[str, Any]]:
    """The baselines' rows: name, accuracy with its interval, AUC, chosen parameters, whether they were chosen on the test set, the paper's figure."""
    from selfgrasp.protocols.prediction import Predictions, auc

    rows = []
    for found in json.loads(work.layout.measured("baselines").read_text()):
        scores, held = np.array(found["scores"]), np.array(found["held"], dtype=bool)
        chosen = balanced_rows(held, work.seed)
        correct = (scores[chosen] >= found["threshold"]) == held[chosen]
        area = auc(Predictions(scores, held, np.arange(len(held)).astype(str))).value
        rows.append({**{k: found[k] for k in ("name", "chosen", "optimistic", "paper")}, "accuracy": _estimate(correct[None]), "auc": area})
    return rows


def _estimate(each: NDArray[Any]) -> Estimate:
    """Of (K, N) values: the mean, bootstrapped over the N attempts and the K networks."""
    from selfgrasp.protocols.intervals import Estimate

    values = each.astype(np.float64)
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean(axis=0)[rng.integers(values.shape[1], size=values.shape[1])].mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), values.shape[1])


_cache: dict[Path, Mapping[str, Tried]] = {}


def _scored(work: Work, name: str) -> Mapping[str, Tried]:
    """A network's probabilities on the sets `SCORED`, from its file where that is newer than the network."""
    from selfgrasp.methods.registry import load
    from selfgrasp.runs.policies import checkpoint_of

    kept, checkpoint = work.layout.run(name) / "scores.npz", checkpoint_of(str(work.layout.run(name)))
    assert checkpoint is not None
    fresh = kept.exists() and kept.stat().st_mtime > checkpoint.stat().st_mtime
    if fresh and kept in _cache:
        return _cache[kept]
    if not fresh:
        method = load(checkpoint)
        sets = {
            "novel": _whole(method, work.layout.data("test"), work.workers),
            "validation": _whole(method, work.layout.data("validation"), work.workers),
            "chosen": _whole(method, work.layout.data("test-chosen"), work.workers),
            "seen": _part(method, work.layout.random, "test", work.workers),
        }
        columns: dict[str, NDArray[Any]] = {}
        for kind, examples in sets.items():
            columns |= {f"{kind}.scores": _probabilities(method, examples), f"{kind}.held": examples["grasped"].astype(bool)}
        np.savez(kept, **columns)  # type: ignore[arg-type]
    with np.load(kept) as file:
        _cache[kept] = {kind: Tried(file[f"{kind}.scores"], file[f"{kind}.held"]) for kind in SCORED}
    return _cache[kept]


def _part(method: Method, folder: Path, split: Any, workers: int) -> Examples:
    from selfgrasp.runs.examples import examples_of

    return examples_of(method, folder, split, workers=workers)[0]


def _whole(method: Method, folder: Path, workers: int) -> Examples:
    """All attempts of a dataset that is only tested on."""
    from selfgrasp.learn import SPLITS, Examples

    return Examples.concatenate([_part(method, folder, split, workers) for split in SPLITS])


def _probabilities(method: Method, examples: Examples) -> FloatArray:
    """(N,) probabilities of the attempts as they were tried: what `score` gives for their actions."""
    import torch

    tried: Callable[..., torch.Tensor] = method.tried  # type: ignore[assignment]
    logits = []
    method.eval()
    with torch.inference_mode():
        for start in range(0, len(examples), _BATCH):
            rows = np.arange(start, min(start + _BATCH, len(examples)))
            logits.append(tried(method.batch(examples, rows, np.random.default_rng(0), augment=False), mirrored=True).double().numpy())
    return method.probabilities(np.concatenate(logits))  # type: ignore[operator]
