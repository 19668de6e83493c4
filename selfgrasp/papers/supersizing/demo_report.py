"""The demo's page: figures, what was collected, and scenes to be looked at."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
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
from selfgrasp.report.run_page import write_report
from selfgrasp.report.story_recorder import StoryRecorder
from selfgrasp.report.tables.outcomes import outcome_counts
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.attempt import Played

if TYPE_CHECKING:
    from selfgrasp.papers.supersizing.demo import Args

FULL = {"prediction": 6000, "isolated": 150, "clear": 30}
"""Trials of the full protocols; the report says where the demo does fewer."""
_WINDOW = 250
_CARDS = 240


def draw_collected(args: Args) -> None:
    """Cards of collected attempts, and how many of all came to each end."""
    with (
        Dataset.open(args.out / "data") as data,
        StoryRecorder(args.out / "pictures", source="collect") as recorder,
    ):
        for attempt in islice(data.attempts(), _CARDS):
            recorder.add_attempt(attempt.policy, Played(attempt, (), ()), data.spec)
        for (policy, round), counts in outcome_counts(data).items():
            recorder.add_outcomes(policy, counts, round=round)


def write_demo_report(
    args: Args, jobs: Sequence[BenchJob], measured: Sequence[Measured], stages: Sequence[Stage]
) -> Path:
    """report.json and report.html; returns the page."""
    with Dataset.open(args.out / "data") as data:
        extra = {
            "attempts": len(data),
            "headline": {"base": "random", "learned": resolve(jobs[-1].policy[-1]).label},
            "stages": list(stages),
            "commands": [shlex.join(["selfgrasp", *sys.argv[1:]])],
            "reductions": [
                f"{job.protocol}: {job.trials} trials a policy instead of {FULL[job.protocol]}"
                for job in jobs
                if (job.trials or 0) < FULL[job.protocol]
            ],
            "curve": _success_by_round(data),
            "judge": _judge_and_truth(data),
            "notes": [
                "Interactions, completion and scenes use the simulator's count of what is left; "
                "success is what the fingers feel."
            ],
        }
    report = {**bench_json(jobs[-1], measured, extra), "protocol": "demo"}
    write_json(args.out / "report.json", report)
    forget(args.out)
    return write_report([args.out])


def _judge_and_truth(data: Dataset) -> dict[str, float]:
    """How often what the fingers felt and what was truly held differ, over everything that was
    collected."""
    truth, ids, felt = data.label("truth.grasped"), data.ids(), data.column("grasped")
    pairs = [(bool(f), bool(truth[i])) for i, f in zip(ids, felt, strict=True) if i in truth]
    return {
        "attempts": len(pairs),
        "disagree": sum(f != t for f, t in pairs) / max(1, len(pairs)),
        "felt but not held": sum(f and not t for f, t in pairs),
        "held but not felt": sum(t and not f for f, t in pairs),
    }


def _success_by_round(data: Dataset) -> list[dict[str, object]]:
    """Success of what was tried, in windows of attempts, one line a round."""
    points: list[dict[str, object]] = []
    before = 0
    rounds, grasped = data.column("round"), data.column("grasped")
    for index in sorted(set(rounds.tolist())):
        mine = grasped[rounds == index]
        for start in range(0, len(mine), _WINDOW):
            window = mine[start : start + _WINDOW]
            rate = wilson(int(window.sum()), len(window))
            points.append(
                {
                    "policy": "tried by what was learned" if index else "tried at random",
                    "attempts": before + start + len(window),
                    "value": rate.value,
                    "low": rate.low,
                    "high": rate.high,
                    "metric": "success",
                }
            )
        before += len(mine)
    return points
