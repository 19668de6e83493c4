"""The `prediction` protocol as a run: a test set of tried actions, collected once, and every
policy's scores on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfgrasp.common.intervals import wilson
from selfgrasp.common.parts import Bin, Calibration
from selfgrasp.common.progress import Progress
from selfgrasp.common.seeds import Collection
from selfgrasp.core import InputError, Policy, PolicyRef, Scorer
from selfgrasp.dataset import Dataset
from selfgrasp.dataset.meta import META_FILE
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.names import STORED
from selfgrasp.evaluation.protocol import Measurement, Protocol
from selfgrasp.objects.sets import set_label
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.prediction import (
    Predictions,
    best_threshold,
    calibration,
    metrics,
    predict,
)
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.policies import baseline_class, load_policy
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.simulated import SimCell

_TRIALS = 6000
_SLICE = 50


def measure_prediction(measurement: Measurement) -> Measured:
    """Accuracy and AUC on tried actions with held-out objects; every policy's threshold comes from
    validation objects.

    Policies that cannot score an action they did not propose (random) have no row.

    Raises:
        InputError: no policy that can score, or a dataset as the folder of the protocol's own.
    """
    job = measurement.job
    objects = job.objects or "novel"
    trials = job.trials or _TRIALS
    scorers = [policy for policy in measurement.policies if can_score(policy)]
    if not scorers:
        raise InputError(
            given=f"--policy {' '.join(job.policy)}",
            wanted="one that can score an action it did not propose, as heuristic or a learned one",
        )
    if len(job.data) > 1 or any((folder / META_FILE).exists() for folder in job.data):
        raise InputError(
            given=f"--data {' '.join(map(str, job.data))}, "
            f"{'a dataset' if len(job.data) == 1 else f'{len(job.data)} folders'}",
            wanted="a folder for the protocol's own datasets of random attempts",
        )
    test = _collected(measurement, objects, trials, Collection.PREDICTION_TEST)
    validation = _collected(
        measurement,
        "validation",
        min(trials, max(400, trials // 4)),
        Collection.PREDICTION_VALIDATION,
    )
    rows: list[Row] = []
    curves: list[Calibration] = []
    for policy in scorers:
        predictions = _predictions(measurement, policy, test)
        threshold = best_threshold(_predictions(measurement, policy, validation))
        found = metrics(predictions, threshold, np.random.default_rng(job.seed))
        rows += [
            measurement.row(estimate, policy, set_label(objects), metric)
            for metric, estimate in found.items()
        ]
        if policy.learned:
            curves.append(curve(policy.label, calibration(predictions)))
    return Measured(
        PREDICTION.cell_name(job),
        PREDICTION.options(job).noise,
        tuple(rows),
        calibration=tuple(curves),
    )


def can_score(policy: PolicyRef) -> bool:
    """Whether it is a `Scorer`."""
    if policy.learned:
        return isinstance(load_policy(policy), Scorer)
    return issubclass(baseline_class(policy.name), Scorer)


def _collected(measurement: Measurement, objects: str, attempts: int, purpose: Collection) -> Path:
    """A dataset of random attempts on these objects, collected where it is not there yet."""
    job = measurement.job
    folder = job.data[0] if job.data else measurement.out / "data"
    wanted = CollectJob(
        out=folder / f"prediction-{Path(objects).name}",
        attempts=attempts,
        objects=objects,
        cell=PREDICTION.cell_name(job),
        workers=measurement.workers,
        seed=purpose.seed(job.seed),
        options=PREDICTION.options(job),
    )
    collect(wanted, alone=True)
    return wanted.out


@dataclass(frozen=True)
class Slice:
    """Some attempts of a dataset, by position."""

    path: Path
    start: int
    stop: int


def score_slice(cell: SimCell, policy: Policy, part: Slice) -> Predictions:
    """A policy's scores of some attempts; in a worker, which has the policy at hand."""

    assert isinstance(policy, Scorer)
    with Dataset.open(part.path) as data:
        return predict(
            policy, data.attempts(data.ids()[part.start : part.stop], threads=1), data.spec
        )


def _predictions(measurement: Measurement, policy: PolicyRef, path: Path) -> Predictions:

    with Dataset.open(path) as data:
        total = len(data)
    slices = [Slice(path, start, min(start + _SLICE, total)) for start in range(0, total, _SLICE)]
    found = []
    with Progress(f"predict {policy.label}", total, unit="attempts") as progress:
        for part in play_all(
            score_slice,
            slices,
            WorkerConfig(
                PREDICTION.cell_name(measurement.job),
                PREDICTION.options(measurement.job),
                "validation",
                policy,
            ),
            workers=measurement.workers,
        ):
            found.append(part)
            progress.update(min(len(found) * _SLICE, total))
    return Predictions.joined(found)


def curve(policy: str, bins: Sequence[tuple[float, float, int]]) -> Calibration:
    """A policy's calibration, from the (mean score, share held, count) of each bin."""
    total = sum(n for _, _, n in bins)
    held = [wilson(round(observed * n), n) for _, observed, n in bins]
    return Calibration(
        policy=policy,
        error=sum(abs(p - o) * n for p, o, n in bins) / max(1, total),
        bins=[
            Bin(predicted, observed, share.low, share.high, n)
            for (predicted, observed, n), share in zip(bins, held, strict=True)
        ],
    )


PREDICTION = Protocol("prediction", STORED["prediction"], None, measure_prediction)
