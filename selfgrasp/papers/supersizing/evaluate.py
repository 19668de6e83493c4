"""Robot testing (section IV.F): isolated objects, clutter, and what an imprecise arm changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.policies import baselines, resolve


@dataclass(frozen=True)
class RobotTest:
    """One protocol with its policies.

    Attributes:
        name: of its folder.
        protocol: isolated or clear.
        objects: seen, novel, or None for the protocol's own mixture.
        policies: baselines by name, networks by the name of their run, with a variant behind a +.
        noise: of the cell.
    """

    name: str
    protocol: str
    objects: str | None
    policies: tuple[str, ...]
    noise: str = "realistic"


def robot_tests(work: Work) -> tuple[RobotTest, ...]:
    """All of them: on the robot as it is with every training seed of the last stage, and on an
    imprecise one with re-ranking and without."""
    last = [f"stage{work.sizes.stages}-{seed}" for seed in work.seeds]
    final = final_run(work)
    played = ("random", "heuristic", "oracle", f"first-{work.seed}", *last)
    reranked = (final, f"{final}+rerank")
    return (
        RobotTest("isolated-novel", "isolated", "novel", played),
        RobotTest("isolated-seen", "isolated", "seen", played),
        RobotTest("clear", "clear", None, played),
        RobotTest("isolated-novel-imprecise", "isolated", "novel", reranked, "imprecise"),
        RobotTest("clear-imprecise", "clear", None, reranked, "imprecise"),
        RobotTest("isolated-novel-noiseless", "isolated", "novel", reranked, "none"),
    )


def final_run(work: Work) -> str:
    """The last stage of the first training seed: what is shipped and looked at."""
    return f"stage{work.sizes.stages}-{work.seed}"


def play(work: Work, test: RobotTest) -> str:
    """See `steps.played`."""
    return steps.played(bench_job(work, test), out=bench_folder(work, test), workers=work.workers)


def bench_folder(work: Work, test: RobotTest) -> Path:
    """Of a test's report."""
    return work.folders.root / f"bench-{test.name}"


def bench_job(work: Work, test: RobotTest) -> BenchJob:
    """What a test measures."""
    trials = {"isolated": work.sizes.trials, "clear": work.sizes.clear}[test.protocol]
    return BenchJob(
        protocol=test.protocol,
        policy=tuple(_policy(work, name) for name in test.policies),
        objects=test.objects,
        trials=trials,
        seed=work.seed,
        options={"noise": test.noise},
    )


def measured(work: Work, test: RobotTest) -> dict[str, Any]:
    """A test's report."""
    return steps.measured(bench_folder(work, test))


def collect_failures(work: Work) -> str:
    """Attempts of the final network in clutter on the test objects, for the gallery of failures."""

    final = work.folders.run(final_run(work))
    wanted = max(work.sizes.trials, 2)
    done = collect(
        CollectJob(
            out=work.folders.data("failures"),
            attempts=4 * wanted,
            policy=str(final),
            objects="test",
            workers=work.workers,
            seed=work.seed + 4000,
            attempts_per_scene=work.sizes.attempts_per_scene,
            after="set_aside",
        ),
        alone=True,
    )
    return f"{done.attempts} attempts"


def label_of(work: Work, run: str) -> str:
    """What reports call the policy of a run."""

    return resolve(str(work.folders.run(run))).label


def _policy(work: Work, name: str) -> str:

    return name if name in baselines() else str(work.folders.run(name))
