"""Steps that reproductions share: collect, train, play, freeze; each skips what is done, and says
in a line what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from selfgrasp.common.processes import processes
from selfgrasp.common.progress import Progress
from selfgrasp.common.record import plain, write_json
from selfgrasp.core import InputError
from selfgrasp.evaluation.frozen import frozen_hashes
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.measured import write_bench
from selfgrasp.learn import configs
from selfgrasp.learn.gathered import gather
from selfgrasp.learn.recipe import device_of
from selfgrasp.methods.registry import build
from selfgrasp.report.run_page import write_report
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.policies import resolve, weights_file
from selfgrasp.rollout.train import train

if TYPE_CHECKING:
    from selfgrasp.evaluation.job import BenchJob
    from selfgrasp.rollout.jobs import CollectJob, TrainJob


@dataclass(frozen=True)
class Step:
    """One step of a reproduction: its name, and what does it to the `Work`, or finds it done, and
    says in a line what came of it."""

    name: str
    run: Callable[[Any], str]


@dataclass(frozen=True)
class Folders:
    """Folders below a reproduction's own."""

    root: Path

    def data(self, name: str) -> Path:
        """Of a dataset."""
        return self.root / "data" / name

    def run(self, name: str) -> Path:
        """Of a training."""
        return self.root / "runs" / name

    def measured(self, name: str) -> Path:
        """Of a file with what a step measured."""
        return self.root / "measured" / f"{name}.json"


class Sizes(Protocol):
    """How much of everything a reproduction takes."""

    @property
    def seeds(self) -> int:
        """Trainings of everything that is compared."""


@dataclass(frozen=True)
class Work:
    """What every step of a reproduction works on.

    Attributes:
        folders: where.
        sizes: how much.
        preset: small, or paper.
        workers: processes.
        seed: of scenes and choices; trainings count up from it.
        device: to train on.
    """

    MAY_GROW: ClassVar[tuple[str, ...]] = ("seeds",)
    """Sizes that a later call may change: what they add is trained or played, and the rest
    stays."""

    folders: Folders
    sizes: Sizes
    preset: str
    workers: int
    seed: int
    device: str

    @property
    def seeds(self) -> range:
        """Of the trainings that are compared, the first one first."""
        return range(self.seed, self.seed + self.sizes.seeds)

    @property
    def frozen(self) -> dict[str, Any]:
        """What must not change between two calls."""
        sizes = {
            f"sizes.{name}": value
            for name, value in vars(self.sizes).items()
            if name not in self.MAY_GROW
        }
        return {"preset": self.preset, "seed": self.seed, **sizes}


def freeze(work: Work) -> str:
    """Hashes of objects, noise and heuristic, and `work.frozen`, written before the first network
    is trained and compared ever after.

    Raises:
        InputError: something that was frozen has changed since.
    """

    path, hashes = work.folders.root / "frozen.json", frozen_hashes()
    now = plain({**hashes, **work.frozen})
    if not path.exists():
        write_json(path, now)
    kept = json.loads(path.read_text())
    changed = [name for name in sorted({*kept, *now}) if kept.get(name) != now.get(name)]
    if changed:
        raise InputError(
            given=", ".join(f"{name} = {now.get(name)}" for name in changed),
            wanted=f"what {path} was begun with, or another folder",
            exists=", ".join(f"{name} = {kept.get(name)}" for name in changed),
        )
    return ", ".join(f"{name} {value}" for name, value in hashes.items())


def played(args: BenchJob) -> str:
    """Play a protocol whose report is not there yet, or whose networks are newer; the report keeps
    the episodes."""

    report = args.out / "report.json"
    policies = [resolve(policy) for policy in args.policy]
    weights = [policy.file.stat().st_mtime for policy in policies if policy.file is not None]
    fresh = report.exists() and report.stat().st_mtime > max(weights, default=0.0)
    if fresh and what_counts(json.loads((args.out / "config.json").read_text())) == what_counts(
        args
    ):
        return f"{report} is there already"
    measured = measure(args)
    episodes = {label: [vars(e) for e in played] for label, played in measured.episodes.items()}
    write_bench(args.out, args, [measured], {"episodes": episodes})
    write_report([args.out])
    return f"{report}"


def what_counts(args: BenchJob | Mapping[str, Any]) -> dict[str, Any]:
    """Of a bench's arguments, as JSON values: those that its figures depend on."""

    return {name: value for name, value in plain(args).items() if name not in ("out", "workers")}


def measured(folder: Path) -> dict[str, Any]:
    """A bench's report."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def figures(report: Mapping[str, Any], policy: str) -> dict[str, dict[str, Any]]:
    """A policy's rows of a report, by metric."""

    label = resolve(policy).label
    return {row["metric"]: row for row in report["rows"] if row["policy"] == label}


def measured_of(
    path: Path, of: Mapping[str, Any], measure: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """What was measured of the same things before, from its file, or measured now.

    Args:
        path: of the file.
        of: what it depends on: identities of networks, sizes.
        measure: what to keep.
    """

    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("of") != plain(of):
        kept = {"of": plain(of), **measure()}
        write_json(path, kept)
    return kept


def collected(folders: Folders, args: CollectJob) -> str:
    """Collect what is missing, and keep where the time went."""

    done = collect(args, alone=True)
    times = folders.measured(f"collect-{args.out.name}")
    if done.new and not times.exists():
        write_json(
            times,
            {
                "attempts": done.new,
                "wall_seconds": done.wall_seconds,
                "worker_seconds": done.worker_seconds,
                "workers": args.workers,
            },
        )
    return f"{done.attempts} attempts, {done.new} of them new"


def train_all(work: Work, jobs: Sequence[TrainJob]) -> str:
    """Train what is not done, several at a time, each on one thread with its own log. What ends
    this, an error or Ctrl-C, ends all of them, where they last saved."""

    missing = [job for job in jobs if not _done(job)]
    if not missing:
        return f"{len(jobs)} trainings are there already"
    for job in missing:
        # Gathered here by all processes, once; the trainings then only read them.
        method = build(job.method)
        if job.trunk:
            method.load_trunk(Path(job.trunk))
        for folder in job.data:
            for split in ("train", "validation"):
                gather(method, folder, split, workers=work.workers)
    done = len(jobs) - len(missing)
    at_a_time = 1 if device_of(work.device).type == "cuda" else work.workers
    with (
        processes(at_a_time, kill_on_error=True) as pool,
        Progress("trainings", len(jobs), unit="runs", done=done) as progress,
    ):
        running = [pool.submit(_train, job) for job in missing]
        for count, future in enumerate(as_completed(running), start=done + 1):
            progress.update(count, future.result())
    return f"{len(missing)} trainings done, {len(jobs)} in all"


def _train(job: TrainJob) -> str:
    """In a process of its own: nothing on the screen but what it returns."""

    job.out.mkdir(parents=True, exist_ok=True)
    with (job.out / "output.txt").open("a") as log, redirect_stdout(log), redirect_stderr(log):
        result = train(job)
    write_json(
        job.out / "done.json",
        {
            **_facts(job),
            "seconds": result.seconds,
            "steps": result.steps,
            "metrics": result.metrics,
        },
    )
    return f"{job.out.name} {result.seconds:.0f} s"


def _done(job: TrainJob) -> bool:

    marker, trunk = job.out / "done.json", None if job.trunk is None else weights_file(job.trunk)
    if not marker.is_file() or (
        trunk is not None and trunk.stat().st_mtime > marker.stat().st_mtime
    ):
        return False
    return _facts(job).items() <= json.loads(marker.read_text()).items()


def _facts(job: TrainJob) -> dict[str, Any]:
    """What a training must share to count as done: its arguments and the method's config."""

    return {"args": plain(job), "config": plain(configs.to_json(build(job.method).config))}
