"""What the towers know of lifts that nothing was learned from, what the rows fetch, and how that
grows with what was collected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.rows import ANYTHING, NEAR, SHIPPED, UNLEARNED, Row
from selfgrasp.papers.grasp2vec.sizes import LIFTS, SETS, Work
from selfgrasp.papers.grasp2vec.train import grown
from selfgrasp.workcell.play import Episode


def measure_embedding(work: Work) -> str:
    """Table 1: retrieval and localisation, on the held-out part of what was collected and on
    objects that nothing was learned from."""
    job = BenchJob(
        protocol="embedding",
        policy=(*UNLEARNED, *(str(work.run(one.name, seed)) for one, seed in work.towers)),
        data=tuple(work.folders.data(name) for name in (LIFTS, *work.sizes.sets)),
        seed=work.seed,
    )
    return steps.played(job, out=embedding(work), workers=work.workers)


def play(work: Work, protocol: str, label: str) -> str:
    """Table 2: all rows on the same bins, a folder for each seed; of composite goals those that the
    paper has, and what they are compared with. And section 5.3, `fetch`, of what is shipped."""
    said = [
        _played(
            work,
            protocol,
            label,
            [work.policy(row, seed, protocol) for row in rows(work, protocol, seed)],
            played(work, protocol, label, seed),
        )
        for seed in seeds(work, protocol)
    ]
    return ", ".join(said)


def play_growing(work: Work, label: str) -> str:
    """`instance` by what learned from fewer attempts, and from all of them."""
    return _played(work, "instance", label, list(growing(work).values()), grew(work, label))


def growing(work: Work) -> dict[int, str]:
    """By attempts, the policy that learned from them: near the heat's peak, before and after what
    was asked for."""
    sizes = work.sizes
    return {
        **{n: str(work.run(grown(n))) for n in work.amounts},
        sizes.lifts: str(work.run("small")),
        sizes.lifts + sizes.asked: work.policy(NEAR, work.seed, "instance"),
    }


def _played(work: Work, protocol: str, label: str, policies: Sequence[str], out: Path) -> str:
    job = BenchJob(
        protocol=protocol,
        policy=tuple(policies),
        objects=SETS[label],
        trials=work.sizes.bins * (2 if protocol == "composite" else 1),
        seed=work.seed,
        options={"picture_px": work.sizes.picture_px, "count": work.sizes.count},
    )
    return steps.played(job, out=out, workers=work.workers)


def seeds(work: Work, protocol: str) -> tuple[int, ...]:
    """Of the rows that are played: all of them by `instance` alone."""
    return tuple(work.seeds) if protocol == "instance" else (work.seed,)


def rows(work: Work, protocol: str, seed: int) -> list[Row]:
    """Those that are played of a seed; all of them by `instance` alone."""
    if protocol == "fetch":
        return [SHIPPED]
    composite = (ANYTHING.name, "goal_similarity", "goal", SHIPPED.name, NEAR.name)
    return [
        row
        for row, its in work.rows
        if its == seed and (protocol == "instance" or row.name in composite)
    ]


def episodes(work: Work, protocol: str, label: str) -> dict[Row, dict[int, list[Episode]]]:
    """What each row did, by seed: the same bins in the same order."""
    found: dict[Row, dict[int, list[Episode]]] = {}
    for seed in seeds(work, protocol):
        report = steps.measured(played(work, protocol, label, seed))
        for row in rows(work, protocol, seed):
            by_seed = found.setdefault(row, {})
            by_seed[seed] = steps.episodes(report, work.policy(row, seed, protocol))
    return found


def embedding(work: Work) -> Path:
    """Folder of table 1."""
    return work.folders.root / "embedding"


def played(work: Work, protocol: str, label: str, seed: int) -> Path:
    """Folder of a part of table 2, or of section 5.3."""
    return work.folders.root / f"{protocol}-{label}-{seed}"


def grew(work: Work, label: str) -> Path:
    """Folder of the curve over attempts."""
    return work.folders.root / f"growth-{label}"
