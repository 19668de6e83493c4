"""Training: the dorsal stream, the classifiers of presented pictures, and all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selfgrasp.papers import steps
from selfgrasp.papers.semantic.rows import BOX, DORSAL, PROPAGATOR, SINGLE, Row
from selfgrasp.papers.semantic.sizes import Work
from selfgrasp.rollout.jobs import TrainJob


def train_classifiers(work: Work) -> str:
    """Of presented pictures: from the rated ones alone, by how many there are, and the one that
    propagates labels, which learns from the bins of one category, too."""
    jobs = [
        replace(
            _job(
                work,
                classifier(share),
                "semantic:presented",
                ["mixed"],
                trunk="dorsal",
                attempts=max(8, round(0.8 * share * work.sizes.mixed)),
            ),
            epochs=work.sizes.epochs
            or round(work.sizes.classifying * (max(work.sizes.rated) / share) ** 0.5),
        )
        for share in work.sizes.rated
    ]
    return steps.train_all(
        work,
        [
            _job(
                work, PROPAGATOR, "semantic:presented", ["single_category", "mixed"], trunk="dorsal"
            ),
            *jobs,
        ],
    )


def classifier(share: float) -> str:
    """Name of the classifier from so many rated attempts."""
    return f"classifier{round(1000 * share):03d}"


def train_dorsal(work: Work) -> str:
    """The dorsal stream and the camera pose network, shared by all separated rows."""
    return steps.train_all(
        work, [_job(work, DORSAL.name, DORSAL.method, ["single_category", "mixed", "auxiliary"])]
    )


def train_rows(work: Work) -> str:
    """All the others, once, the longest trainings first."""
    return steps.train_all(
        work, [row_job(work, row) for row in (BOX, *reversed(work.two_streams), SINGLE)]
    )


def row_job(work: Work, row: Row, seed: int | None = None) -> TrainJob:
    """The training of a row."""
    data = [
        "single_category",
        "mixed",
        *(["auxiliary"] if row.auxiliary else []),
        *(["present_images"] if row.test_pictures else []),
    ]
    return _job(work, row.name, work.method(row), data, trunk="dorsal", seed=seed)


def _job(
    work: Work,
    name: str,
    method: str,
    data: Sequence[str],
    *,
    trunk: str | None = None,
    attempts: int | None = None,
    seed: int | None = None,
) -> TrainJob:

    return TrainJob(
        method=method,
        data=tuple(work.folders.data(d) for d in data),
        out=work.run(name, seed),
        epochs=work.sizes.epochs,
        attempts=attempts,
        trunk=None if trunk is None else str(work.run(trunk)),
        seed=work.seed if seed is None else seed,
        device=work.device,
        threads=1,
    )
