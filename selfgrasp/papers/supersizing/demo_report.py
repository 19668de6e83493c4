"""The demo's page: figures, what was collected, and scenes to be looked at."""

from __future__ import annotations

import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from selfgrasp.common.intervals import wilson
from selfgrasp.common.record import write_json
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import forget
from selfgrasp.evaluation.measured import Measured, bench_json
from selfgrasp.papers.stages import Stage
from selfgrasp.papers.supersizing.demo_scenes import datasets
from selfgrasp.protocols.deplete import FAILURES
from selfgrasp.report.run_page import write_report
from selfgrasp.report.story_recorder import StoryRecorder
from selfgrasp.report.tables.outcomes import outcome_counts
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.attempt import Played

if TYPE_CHECKING:
    from selfgrasp.papers.supersizing.demo import Args

FULL = {"isolated": 150, "deplete": 15}
"""Trials of the full protocols; the report says where the demo does fewer."""
_WINDOW = 250
_CARDS = 120


def draw_collected(args: Args) -> None:
    """Cards of collected attempts, and how many of all came to each end."""
    counts: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    with StoryRecorder(args.out / "pictures", source="collect") as recorder:
        for folder in datasets(args.out):
            with Dataset.open(folder) as data:
                for attempt in islice(data.attempts(), _CARDS):
                    recorder.add_attempt(attempt.policy, Played(attempt, (), ()), data.spec)
                for tried, found in outcome_counts(data).items():
                    counts[tried] += found
        for (policy, round), found in counts.items():
            recorder.add_outcomes(policy, found, round=round)


def write_demo_report(
    args: Args, jobs: Sequence[BenchJob], measured: Sequence[Measured], stages: Sequence[Stage]
) -> Path:
    """report.json and report.html; returns the page."""
    learned = resolve(jobs[-1].policy[-1]).label
    with ExitStack() as stack:
        collected = [stack.enter_context(Dataset.open(path)) for path in datasets(args.out)]
        extra = {
            "attempts": sum(map(len, collected)),
            "headline": {"base": "random", "learned": learned},
            "stages": list(stages),
            "commands": [shlex.join(["selfgrasp", *sys.argv[1:]])],
            "reductions": [
                f"{job.protocol}: {job.trials} trials a policy instead of {FULL[job.protocol]}"
                for job in jobs
                if (job.trials or 0) < FULL[job.protocol]
            ],
            "curve": _success_by_round(collected),
            "judge": _judge_and_truth(collected),
            "notes": [
                _beside_the_heuristic(measured[-1], learned),
                "What is left in a bin is the simulator's count; success is what the fingers feel.",
            ],
        }
    report = {**bench_json(jobs[-1], measured, extra), "protocol": "demo"}
    write_json(args.out / "report.json", report)
    forget(args.out)
    return write_report([args.out])


def _beside_the_heuristic(measured: Measured, learned: str) -> str:
    """Which of the two fails more often in full bins."""
    failed = {row.policy: row for row in measured.rows if row.metric == FAILURES[30].name}
    ours, heuristic = failed[learned], failed["heuristic"]
    more = "more often than" if ours.value > heuristic.value else "no more often than"
    return (
        f"In bins of thirty things the learned policy fails {more} the heuristic: "
        f"{ours.value:.2f} [{ours.low:.2f}, {ours.high:.2f}] of the first thirty grasps against "
        f"{heuristic.value:.2f} [{heuristic.low:.2f}, {heuristic.high:.2f}]."
    )


def _judge_and_truth(collected: Sequence[Dataset]) -> dict[str, float]:
    """How often what the fingers felt and what was truly held differ, over everything that was
    collected."""
    pairs: list[tuple[bool, bool]] = []
    for data in collected:
        truth, ids, felt = data.label("truth.grasped"), data.ids(), data.column("grasped")
        pairs += [(bool(f), bool(truth[i])) for i, f in zip(ids, felt, strict=True) if i in truth]
    return {
        "attempts": len(pairs),
        "disagree": sum(f != t for f, t in pairs) / max(1, len(pairs)),
        "felt but not held": sum(f and not t for f, t in pairs),
        "held but not felt": sum(t and not f for f, t in pairs),
    }


def _success_by_round(collected: Sequence[Dataset]) -> list[dict[str, object]]:
    """Success of what was tried, in windows of attempts, one line for each round and kind of
    scene."""
    points: list[dict[str, object]] = []
    before = 0
    for data in collected:
        rounds, grasped = data.column("round"), data.column("grasped")
        for index in sorted(set(rounds.tolist())):
            mine = grasped[rounds == index]
            line = "tried by what was learned" if index else "tried at random"
            for start in range(0, len(mine), _WINDOW):
                window = mine[start : start + _WINDOW]
                rate = wilson(int(window.sum()), len(window))
                points.append(
                    {
                        "policy": line if data is collected[0] else f"{line}, in heaps",
                        "attempts": before + start + len(window),
                        "value": rate.value,
                        "low": rate.low,
                        "high": rate.high,
                        "metric": "success",
                    }
                )
            before += len(mine)
    return points
