"""The `embedding` protocol as a run: vectors of held-out lifts, what is nearest to them, and where
their heat lies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from selfgrasp.common.parts import Cell, Pair, Table
from selfgrasp.core import Embedding, InputError
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.found import Showing, show_retrievals, show_scenes
from selfgrasp.evaluation.lifts import HeldOut, held_out, objects_of
from selfgrasp.evaluation.localization import (
    Asked,
    Localized,
    asked,
    localize,
    occlusion_table,
)
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.names import STORED
from selfgrasp.evaluation.policies import resolve_embeddings
from selfgrasp.evaluation.protocol import Measurement, Protocol
from selfgrasp.evaluation.vectors import LiftVectors, vectors_of
from selfgrasp.protocols.embedding import (
    LOCALIZATION,
    RETRIEVAL,
    Answers,
    Lifts,
    among,
    answers,
    chance,
    chances,
    chosen,
)
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.metric import Metric
from selfgrasp.rollout.embeddings import load_embedding

CHANCE = "chance"
"""The row of what a random answer scores; for localization, a random pixel of the bin."""
CHANCE_OBJECT = "chance (a visible object)"
_QUERIES, _GALLERY = 1, 2


@dataclass(frozen=True, eq=False)
class _Data:
    """One dataset being measured.

    Attributes:
        title: how rows call its objects.
        held: what is held out.
        lifts: queries and gallery together.
        queries: (Q,) rows of `lifts`.
        gallery: (G,) rows of `lifts`.
    """

    title: str
    held: HeldOut
    lifts: Lifts
    queries: np.ndarray[tuple[int], np.dtype[np.int64]]
    gallery: np.ndarray[tuple[int], np.dtype[np.int64]]


def measure_embedding(measurement: Measurement) -> Measured:
    """Retrieval and localization of every embedding on every dataset.

    Raises:
        InputError: no dataset or one that does not fit, options of a cell, or a policy that is no
            embedding.
    """
    job = measurement.job
    _check(measurement)
    embeddings = {policy.label: load_embedding(policy) for policy in measurement.policies}
    rows: list[Row] = []
    paired: list[Pair] = []
    tables: list[Table] = []
    noise = []
    for path, title in _titles(job.data).items():
        with Dataset.open(path) as data:
            noise.append(str(data.spec.options.get("noise", "")))
            of = _drawn(measurement, data, title)
            found = _measured(measurement, data, of, embeddings)
        rows += found.rows
        paired += found.paired
        tables += found.tables
    return Measured(
        EMBEDDING.cell_name(job),
        ", ".join(dict.fromkeys(noise)),
        tuple(rows),
        tuple(paired),
        tables=tuple(tables),
    )


def _check(measurement: Measurement) -> None:
    job = measurement.job
    if not job.data:
        raise InputError(
            given="no --data", wanted="datasets of attempts that presented what they lifted"
        )
    if job.objects or job.options:
        raise InputError(
            given=f"--objects {job.objects}" if job.objects else f"--options {dict(job.options)}",
            wanted="--data alone: its attempts have their objects and their cell",
        )


def _titles(paths: Sequence[Path]) -> dict[Path, str]:
    """How rows call the objects of each dataset: by the name of its folder where two would be
    called the same."""
    labels = {}
    for path in paths:
        with Dataset.open(path) as data:
            labels[path] = objects_of(data)
    times = Counter(labels.values())
    titles = {
        path: label if times[label] == 1 else path.resolve().name for path, label in labels.items()
    }
    if len(titles) < len(paths) or len(set(titles.values())) < len(titles):
        raise InputError(
            given=f"--data {' '.join(map(str, paths))}",
            wanted="each dataset once, in folders of different names",
        )
    return titles


def _drawn(measurement: Measurement, data: Dataset, title: str) -> _Data:
    job = measurement.job
    held = held_out(data, cell=EMBEDDING.cell_name(job), part=job.part)
    queries = chosen(held.lifts, job.trials, seed=job.seed, purpose=_QUERIES)
    gallery = chosen(held.lifts, job.gallery, seed=job.seed, purpose=_GALLERY)
    wanted = {*queries.ids.tolist(), *gallery.ids.tolist()}
    lifts = chosen(held.lifts, None, seed=0, purpose=0)
    lifts = lifts[np.isin(lifts.ids, sorted(wanted))]
    return _Data(
        title,
        held,
        lifts,
        np.flatnonzero(np.isin(lifts.ids, queries.ids)),
        np.flatnonzero(np.isin(lifts.ids, gallery.ids)),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What one dataset gave."""

    rows: Sequence[Row]
    paired: Sequence[Pair]
    tables: Sequence[Table]


def _measured(
    measurement: Measurement,
    data: Dataset,
    of: _Data,
    embeddings: Mapping[str, Embedding | None],
) -> _Found:
    queries, gallery = of.lifts[of.queries], of.lifts[of.gallery]
    vectors = {
        policy.label: vectors_of(data, of.lifts, policy, embeddings[policy.label])
        for policy in measurement.policies
    }
    found: dict[str, dict[Metric, Answers]] = {}
    for label, one in vectors.items():
        differences = (one.before - one.after)[of.queries]
        found[label] = dict(
            answers(queries, gallery, differences, one.present[of.gallery], one.present[of.queries])
        )
    _show(measurement, data, of, vectors)
    question = asked(queries, gallery, of.held.places, seed=measurement.job.seed)
    located = _localized(measurement, data, of, question, embeddings, vectors)
    tables = []
    if located is not None:
        for label, answer in located.answers.items():
            found[label][LOCALIZATION] = answer
        both = {
            label: (found[label][RETRIEVAL].of(question.queries), answer)
            for label, answer in located.answers.items()
        }
        tables.append(occlusion_table(of.title, question, both))
    by_label = {policy.label: policy for policy in measurement.policies}
    rows = [
        measurement.row(answer.estimate, by_label[label], of.title, metric)
        for label, each in found.items()
        for metric, answer in each.items()
    ]
    rows += list(_chance_rows(of.title, chances(queries, gallery), located))
    # Of few lifts none may have a picture from another scene.
    rows = [row for row in rows if row.n]
    notes = [one.note for one in vectors.values() if one.note]
    return _Found(rows, list(_pairs(found, of.title)), [_counted(of, question, notes), *tables])


def _localized(
    measurement: Measurement,
    data: Dataset,
    of: _Data,
    question: Asked,
    embeddings: Mapping[str, Embedding | None],
    vectors: Mapping[str, LiftVectors],
) -> Localized | None:
    """None where no scene can be searched."""
    able = {label: one for label, one in embeddings.items() if one is not None}
    if not len(question.scenes) or not able:
        return None
    present = {label: vectors[label].present[of.gallery] for label in able}
    showing = Showing(measurement.show, data, of.title, of.lifts[of.gallery], question)
    return localize(data, question, able, present, showing.heat)


def _show(
    measurement: Measurement, data: Dataset, of: _Data, vectors: Mapping[str, LiftVectors]
) -> None:
    if measurement.show is None:
        return
    for label, one in vectors.items():
        show_retrievals(measurement.show, data, (label, of.title), of.lifts, one, of.gallery)
        show_scenes(measurement.show, data, (label, of.title), of.lifts, one, of.held.places)


def _chance_rows(
    objects: str, retrieval: Mapping[Metric, Answers], located: Localized | None
) -> Iterator[Row]:
    row = partial(Row.of, objects=objects)
    for metric, answer in retrieval.items():
        yield row(answer.estimate, policy=CHANCE, metric=metric.name)
    if located is not None:
        yield row(located.place.estimate, policy=CHANCE, metric=LOCALIZATION.name)
        yield row(located.thing.estimate, policy=CHANCE_OBJECT, metric=LOCALIZATION.name)


def _pairs(found: Mapping[str, Mapping[Metric, Answers]], objects: str) -> Iterator[Pair]:
    """By how much the later of every two policies is better on the same queries."""
    labels = list(found)
    for j, b in enumerate(labels):
        for a in labels[j + 1 :]:
            for metric in (RETRIEVAL, LOCALIZATION):
                if metric not in found[a] or metric not in found[b]:
                    continue
                gain = found[a][metric].better_than(found[b][metric])
                yield Pair(
                    a=a,
                    b=b,
                    objects=objects,
                    metric=metric.name,
                    difference=gain.value,
                    low=gain.low,
                    high=gain.high,
                    n=gain.n,
                )


def _counted(of: _Data, question: Asked, notes: Sequence[str]) -> Table:
    """What was measured on and what was left out."""
    queries, gallery = of.lifts[of.queries], of.lifts[of.gallery]
    alone, elsewhere = (
        int((chance(queries, gallery, among(queries, gallery, other_scenes=o)) == 0).sum())
        for o in (False, True)
    )
    counts: dict[str, int] = {
        **of.held.counts,
        "queries": len(queries),
        "pictures in the gallery": len(gallery),
        "queries without another picture of their object (counted as wrong)": alone,
        "queries without one from another scene (not in the figures of other scenes)": elsewhere,
        **question.counts,
    }
    rows: list[list[Cell]] = [[what, number] for what, number in counts.items()]
    said = (
        f"Attempts of the part {of.held.part!r} of the dataset's split; queries "
        f"{_hash(queries)}, gallery {_hash(gallery)}. "
    )
    return Table(
        title=f"What was measured: {of.title}",
        note=(said + " ".join(notes)).strip(),
        columns=["", "number"],
        rows=rows,
    )


def _hash(lifts: Lifts) -> str:
    """12 hex digits of the attempts: equal ones, equal sets."""
    return hashlib.sha256("\n".join(lifts.ids.tolist()).encode()).hexdigest()[:12]


EMBEDDING = Protocol(
    "embedding", STORED["embedding"], None, measure_embedding, resolve=resolve_embeddings
)
