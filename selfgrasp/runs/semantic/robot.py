"""The rows of `category`: all of them on the same bins, of training instances and of unseen ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selfgrasp.protocols.intervals import Estimate, paired
from selfgrasp.runs import steps
from selfgrasp.runs.semantic.work import NOVEL, ROWS, SEEN, Row, Work, row_job
from selfgrasp.workcell.cells import CellConfig

if TYPE_CHECKING:
    from selfgrasp.protocols.episode import Episode
    from selfgrasp.runs import bench

BEST = 3
"""Rows that are trained on several seeds."""
SETS = {"seen": SEEN, "novel": NOVEL}
_MEASURE = "class_per_attempt"


def play_rows(work: Work, label: str) -> str:
    """All rows, once."""
    return steps.played(bench_args(work, label, [work.policy(row) for row in ROWS], "rows"))


def repeat_best(work: Work) -> str:
    """The best rows on further training seeds, and the best one as it was published to decide; which they are is decided on the seen objects' bins."""
    seeds = range(work.seed + 1, work.seed + work.sizes.seeds)
    said = steps.train_all([row_job(work, row, seed) for row in best_rows(work) for seed in seeds], workers=work.workers, device=work.device)
    policies = [smoothed(work), *(work.policy(row, seed) for row in best_rows(work) for seed in seeds)]
    for label in SETS:
        steps.played(bench_args(work, label, policies, "seeds"))
    return f"{', '.join(row.title for row in best_rows(work))}: {said}"


def smoothed(work: Work) -> str:
    """The best row's policy, with p(g) min(p(c) + 0.5, 1)."""
    return f"{work.policy(best_rows(work)[0])}+smoothed"


def best_rows(work: Work) -> list[Row]:
    """Those that fetch what was asked for most often, of the ones that learn nothing of the test objects."""
    found = measured(work, "seen", "rows")
    candidates = [row for row in ROWS if not row.test_pictures and row.name not in ("dorsal", "box")]
    return sorted(candidates, key=lambda row: -figures(found, work.policy(row))[_MEASURE]["value"])[:BEST]


def bench_args(work: Work, label: str, policies: list[str], name: str) -> bench.Args:
    """As `selfgrasp bench` takes them."""
    from selfgrasp.runs import bench

    return bench.Args(
        protocol="category", policy=tuple(policies), out=work.folders.root / f"bench-{name}-{label}", objects=SETS[label], trials=work.sizes.bins,
        seed=work.seed, workers=work.workers, options=CellConfig(picture_px=work.sizes.picture_px),
    )  # fmt: skip


def measured(work: Work, label: str, name: str) -> dict[str, Any]:
    """A bench's report."""
    found: dict[str, Any] = json.loads((work.folders.root / f"bench-{name}-{label}" / "report.json").read_text())
    return found


def figures(report: dict[str, Any], policy: str) -> dict[str, dict[str, Any]]:
    """A policy's rows by metric."""
    from selfgrasp.runs.bench import policy_label

    label = policy_label(policy)
    return {row["metric"]: row for row in report["rows"] if row["policy"] == label}


def episodes(work: Work, label: str, row: Row) -> list[Episode]:
    """What a row's network of the first seed did on a set of objects."""
    from selfgrasp.runs.bench import policy_label
    from selfgrasp.runs.episodes import episode_of

    return [episode_of(kept) for kept in measured(work, label, "rows")["episodes"][policy_label(work.policy(row))]]


def gain(work: Work, labels: Sequence[str], row: Row, other: Row) -> Estimate:
    """How much more often a row fetches what was asked for than another, on the same bins of these sets of objects."""
    from selfgrasp.protocols.category import CATEGORY

    shares = [[CATEGORY.per_scene(episode) for label in labels for episode in episodes(work, label, one)] for one in (row, other)]
    return paired(*shares)
