"""The demo's page: figures, what was collected, and scenes to be looked at."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfgrasp.common.intervals import wilson
from selfgrasp.common.record import write_json
from selfgrasp.common.seeds import Purpose
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import forget
from selfgrasp.evaluation.measured import Measured, bench_json
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.stages import Stage
from selfgrasp.report.run_page import write_report
from selfgrasp.report.story_watcher import StoryWatcher
from selfgrasp.rollout.policies import load_policy, resolve
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TABLETOP
from selfgrasp.workcell.play import Stop, Task, play

if TYPE_CHECKING:
    from selfgrasp.papers.supersizing.demo import Args

FULL = {"prediction": 6000, "isolated": 150, "clear": 30}
"""Trials of the full protocols; the report says where the demo does fewer."""
_WINDOW = 250
_CARDS = 240
_FILMED = (("heuristic", 1), ("learned", 3))
"""Scenes of each policy that are filmed."""


def draw_pictures(args: Args, learned: str, objects: str) -> None:
    """Cards of collected attempts, and scenes played in this process for opinions and a film."""
    folder = args.out / "pictures"
    with (
        Dataset.open(args.out / "data") as data,
        StoryWatcher(folder, data.spec, source="collect") as watcher,
    ):
        for attempt in islice(data.attempts(), _CARDS):
            watcher.on_attempt(attempt, ())
    cell = tabletop(objects_named(objects), TABLETOP.options(args.options))
    with cell.cell as workcell, StoryWatcher(folder, workcell.spec, source="bench") as watcher:
        workcell.watchers = (watcher,)
        for policy, scenes in _FILMED:
            for scene in range(scenes):
                play(
                    workcell,
                    load_policy(learned if policy == "learned" else policy, cell),
                    Task(Purpose.BENCHMARK.first_scene(args.seed) + scene),
                    stop=Stop(most=24),
                )


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


def _success_by_round(data: Dataset) -> list[dict[str, Any]]:
    """Success of what was tried, in windows of attempts, one line a round."""
    points, before = [], 0
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
