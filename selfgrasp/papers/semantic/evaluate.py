"""The rows of `category`: all of them on the same bins, of training instances and of unseen ones;
bins of validation instances choose the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.semantic.rows import BOX, SINGLE, Row
from selfgrasp.papers.semantic.sizes import NOVEL, SEEN, VALIDATION, Work
from selfgrasp.papers.semantic.train import row_job
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.workcell.play import Episode

BEST = 3
"""Rows that are trained on several seeds, beside those that they are compared with."""
FIRST, FURTHER = "rows", "seeds"
"""Benches: of all rows' first trainings, and of the repeated ones' further ones."""
SETS = {"seen": SEEN, "novel": NOVEL}
"""Of objects that are reported, by what reports call them."""
CHOOSING = "validation"
"""What they call the set of objects that chooses the best rows."""
_MEASURE = "class_per_attempt"


def play_candidates(work: Work) -> str:
    """All rows of which one may be the best, once, on bins of validation instances."""
    said = _played(work, CHOOSING, [work.policy(row) for row in candidates(work)], FIRST)
    return f"{said}; the best: {', '.join(row.title for row in best_rows(work))}"


def play_rows(work: Work, label: str) -> str:
    """All rows, once."""
    return _played(work, label, [work.policy(row) for row in work.rows], FIRST)


def train_further(work: Work) -> str:
    """`repeated` rows on further training seeds."""
    jobs = [row_job(work, row, seed) for row in repeated(work) for seed in work.seeds[1:]]
    return f"{', '.join(row.title for row in repeated(work))}: {steps.train_all(work, jobs)}"


def play_further(work: Work) -> str:
    """These, the best row with two streams deciding as published, and the file that is shipped,
    which may say "not found"."""
    policies = [
        shipped(work),
        published(work),
        *(work.policy(row, seed) for row in repeated(work) for seed in work.seeds[1:]),
    ]
    return ", ".join(_played(work, label, policies, FURTHER) for label in SETS)


def repeated(work: Work) -> list[Row]:
    """Rows that are trained on several seeds: the best ones, and the single stream and the bounding
    box that they are compared with."""
    return list(dict.fromkeys([*best_rows(work), SINGLE, BOX]))


def published(work: Work) -> str:
    """The policy of the best row with two streams, deciding as is published."""
    return f"{work.policy(two_streams(work)[0])}+published"


def shipped(work: Work) -> str:
    """The file's policy, see `found.ship`."""
    return str(work.folders.root / "semantic.safetensors")


def best_rows(work: Work) -> list[Row]:
    """The candidates that fetch validation instances most often."""
    found = measured(work, CHOOSING, FIRST)
    return sorted(
        candidates(work), key=lambda row: -steps.figures(found, work.policy(row))[_MEASURE]["value"]
    )[:BEST]


def two_streams(work: Work) -> list[Row]:
    """The best rows that have them, the best first."""
    return [row for row in best_rows(work) if row in work.two_streams]


def candidates(work: Work) -> list[Row]:
    """Rows with streams that know categories, and learn nothing of the test objects."""
    return [row for row in (SINGLE, *work.two_streams) if not row.test_pictures]


def _folder(work: Work, label: str, name: str) -> Path:
    return work.folders.root / f"bench-{name}-{label}"


def _played(work: Work, label: str, policies: list[str], name: str) -> str:
    job = BenchJob(
        protocol="category",
        policy=tuple(policies),
        objects={**SETS, CHOOSING: VALIDATION}[label],
        trials=work.sizes.bins,
        seed=work.seed,
        options={"picture_px": work.sizes.picture_px},
    )
    return steps.played(job, out=_folder(work, label, name), workers=work.workers)


def measured(work: Work, label: str, name: str) -> dict[str, Any]:
    """A bench's report."""
    return steps.measured(_folder(work, label, name))


def episodes(work: Work, label: str, policy: str, name: str = FIRST) -> list[Episode]:
    """What a policy did on a set of objects, by bin."""
    return steps.episodes(measured(work, label, name), policy)


def fetched(work: Work, labels: Sequence[str], row: Row, seeds: Sequence[int]) -> FloatArray:
    """Share of the attempts that fetched what was asked for, by bin; the mean over trainings of
    these seeds, and over sets of objects, in whose bins of one number things of the same categories
    lie."""

    def one(label: str, seed: int) -> list[float]:
        return [
            CATEGORY.per_scene(episode)
            for episode in episodes(
                work, label, work.policy(row, seed), FIRST if seed == work.seed else FURTHER
            )
        ]

    mean: FloatArray = np.mean([one(label, seed) for label in labels for seed in seeds], axis=0)
    return mean
