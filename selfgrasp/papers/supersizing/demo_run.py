"""What `selfgrasp demo` does: collect, learn, try better, compare, report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from selfgrasp.common.record import plain, write_json
from selfgrasp.common.untrusted import read_json
from selfgrasp.core import InputError
from selfgrasp.core.bounds import check_bounds
from selfgrasp.core.policy_ref import policy_text
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import as_text
from selfgrasp.papers.stages import StageLog
from selfgrasp.papers.steps import measured_once, trained
from selfgrasp.papers.supersizing.demo_report import draw_collected, write_demo_report
from selfgrasp.papers.supersizing.demo_scenes import HEAPS, LOOSE, Scenes, datasets
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob, TrainJob
from selfgrasp.workcell.cells.tabletop import TABLETOP

if TYPE_CHECKING:
    from selfgrasp.papers.supersizing.demo import Args


BEGUN = "demo.json"
"""File with the options with which a demo was begun."""
STAGES = "stages.json"


@dataclass(frozen=True)
class ObjectSets:
    """Names of the objects that are trained on and tested on."""

    train: str
    test: str


def play(args: Args) -> None:
    """The whole story; the last lines printed say the figures and where the report is.

    Raises:
        InputError: a number below its least, or a folder in which a demo with other options was
            begun.
    """
    _check(args)
    began, recipe = time.perf_counter(), args.recipe
    objects = _object_sets(args.objects)
    stages = StageLog(args.out / STAGES)
    with stages.stage("collect", f"{recipe.attempts} random attempts in the tabletop cell"):
        print(_collect(args, objects, LOOSE, "random", recipe.attempts))
    learned = args.out / "first"
    with stages.stage("learn", f"supersizing:small on them, {recipe.first_steps} steps"):
        print(trained(_training(args, learned, recipe.first_steps)))
    if recipe.staged or recipe.heaps:
        explorer = policy_text(learned, "explore")
        with stages.stage(
            "try better",
            f"{recipe.staged} attempts by what was learned, {recipe.heaps} in heaps of "
            f"{HEAPS.count}",
        ):
            for scenes, attempts in ((LOOSE, recipe.staged), (HEAPS, recipe.heaps)):
                if attempts:
                    print(_collect(args, objects, scenes, explorer, attempts, round=1))
        learned = args.out
        with stages.stage("learn again", f"from all attempts, {recipe.steps} steps"):
            print(trained(_training(args, learned, recipe.steps)))
    jobs = tuple(_benches(args, objects, policy_text(learned)))
    measured = []
    for job in jobs:
        detail = f"{job.trials} trials a policy, {Path(str(job.objects)).name} objects"
        with stages.stage(job.protocol, detail):
            kept = args.out / "measured" / f"{job.protocol}.json"
            measured.append(measured_once(kept, job, out=args.out, workers=args.workers))
    with stages.stage("pictures", "of collected attempts"):
        draw_collected(args)
    page = write_demo_report(args, jobs, measured, stages.done)
    for one in measured:
        print(as_text(one))
    print(f"{time.perf_counter() - began:.0f} s in all; report: {page}")


def _check(args: Args) -> None:
    check_bounds(args)
    kept, wanted = args.out / BEGUN, _what_counts(args)
    begun = read_json(kept, nonfinite=True) if kept.exists() else {}
    changed = [name for name, value in wanted.items() if begun.get(name) != value]
    if changed and (args.out / STAGES).exists():
        raise InputError(
            given=f"other options: {', '.join(changed)}",
            wanted=f"those with which the demo in {args.out} was begun, or another --out",
            exists=", ".join(f"{name} = {begun.get(name)}" for name in changed),
        )
    write_json(kept, wanted)


def _what_counts(args: Args) -> dict[str, object]:
    """Options that the figures depend on, as JSON values."""
    return {name: value for name, value in plain(args).items() if name not in ("out", "workers")}


def _object_sets(folder: Path | None) -> ObjectSets:
    """A folder's meshes are parted, so that train and test objects never meet."""
    if folder is None:
        return ObjectSets("train", "novel")
    return ObjectSets(f"{folder}#train", f"{folder}#test")


def _collect(
    args: Args, objects: ObjectSets, scenes: Scenes, policy: str, attempts: int, *, round: int = 0
) -> str:
    """Attempts of a round, in the dataset of such scenes."""
    options = TABLETOP.options(args.options)
    job = CollectJob(
        out=scenes.data(args.out),
        attempts=attempts,
        policy=policy,
        objects=objects.train,
        workers=args.workers,
        seed=args.seed + 1000 * round,
        attempts_per_scene=scenes.attempts,
        round=round,
        after="set_aside" if round else "put_back",
        options=options if scenes.count is None else replace(options, count=scenes.count),
    )
    done = collect(job)
    return f"{job.out}: {done.attempts} attempts, {done.new} new; {done.grasped} of these held"


def _training(args: Args, out: Path, steps: int) -> TrainJob:
    return TrainJob(
        method="supersizing:small",
        data=datasets(args.out),
        out=out,
        steps=steps,
        keep="last",
        seed=args.seed,
        threads=1,
    )


def _benches(args: Args, objects: ObjectSets, learned: str) -> Iterator[BenchJob]:
    """What the learned policy is compared with, and on which scenes."""
    recipe = args.recipe
    job = BenchJob(
        protocol="isolated",
        policy=("random", "heuristic", learned),
        objects=objects.test,
        trials=recipe.trials,
        seed=args.seed,
        cell="tabletop",
        options=args.options,
    )
    yield job
    yield replace(job, protocol="deplete", policy=("heuristic", learned), trials=recipe.bins)
