"""Steps that reproductions and demos share: collect, train, play, measure, freeze. Each skips what
is done, and says in a line what came of it.

Whether something is done is answered in one way, see `kept`: a file says what it was made of, and
that is compared by content, never by time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from selfgrasp.common.files import open_to_append
from selfgrasp.common.parts import Calibration, Pair
from selfgrasp.common.processes import processes
from selfgrasp.common.progress import Progress
from selfgrasp.common.record import plain, write_json
from selfgrasp.common.untrusted import read_json
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.frozen import frozen_hashes
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured, row_json, write_bench
from selfgrasp.evaluation.registry import protocol_named
from selfgrasp.learn import FitResult, configs
from selfgrasp.learn.gathered import gather
from selfgrasp.learn.recipe import device_of
from selfgrasp.methods.registry import build
from selfgrasp.papers.bench import bench
from selfgrasp.papers.reproduction import Folders, Work
from selfgrasp.protocols.episode import Row
from selfgrasp.report.run_page import write_report
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob, TrainJob
from selfgrasp.rollout.policies import resolve, weights_file
from selfgrasp.rollout.train import train
from selfgrasp.workcell.play import Episode

OF = "of"
"""Key under which a file says what it was made of."""


def kept(path: Path, of: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values of a JSON file that was made of these very things; None without such a file.

    Args:
        path: of the file.
        of: all that its values depend on: job, identities of networks and datasets, sizes.
    """
    found = read_json(path, nonfinite=True) if path.is_file() else None
    return found if isinstance(found, dict) and found.get(OF) == plain(of) else None


def measured_of(
    path: Path, of: Mapping[str, Any], measure: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """What was measured of the same things before, from its file, or measured now.

    Args:
        path: of the file.
        of: see `kept`.
        measure: what to keep.
    """
    found = kept(path, of)
    if found is None:
        found = {OF: plain(of), **measure()}
        write_json(path, found)
    return found


def freeze(work: Work) -> str:
    """Hashes of objects, noise and heuristic, and `work.frozen`, written before the first network
    is trained and compared ever after. `reproduce` does it first: it is no step of a paper's own.

    Raises:
        InputError: something that was frozen has changed since.
    """
    path, hashes = work.folders.root / "frozen.json", frozen_hashes()
    now = plain({**hashes, **work.frozen})
    if not path.exists():
        write_json(path, now)
    before = read_json(path, nonfinite=True)
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if changed:
        raise InputError(
            given=", ".join(f"{name} = {now.get(name)}" for name in changed),
            wanted=f"what {path} was begun with, or another folder",
            exists=", ".join(f"{name} = {before.get(name)}" for name in changed),
        )
    return ", ".join(f"{name} {value}" for name, value in hashes.items())


def collected(folders: Folders, job: CollectJob) -> str:
    """Collect what is missing in a dataset that must hold nothing else, and keep where the time
    went."""
    done = collect(job, alone=True)
    times = folders.measured(f"collect-{job.out.name}")
    if done.new and not times.exists():
        write_json(
            times,
            {
                "attempts": done.new,
                "wall_seconds": done.wall_seconds,
                "worker_seconds": done.worker_seconds,
                "workers": job.workers,
            },
        )
    return f"{done.attempts} attempts, {done.new} of them new"


def data_identity(folder: Path) -> str:
    """What tells a dataset's attempts from others: their number, and 12 hex digits of their ids."""
    with Dataset.open(folder) as data:
        ids = data.ids().tolist()
    return f"{len(ids)}@{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:12]}"


def trained(job: TrainJob) -> str:
    """Train in this process, if it is not done."""
    if _is_trained(job):
        return f"{job.out} is there already"
    result = _train(job)
    return f"{result.best}: {result.steps} steps in {result.seconds:.0f} s; {result.validated}"


def train_all(work: Work, jobs: Sequence[TrainJob]) -> str:
    """Train what is not done, several at a time, each on one thread with its own log. What ends
    this, an error or Ctrl-C, ends all of them, where they last saved."""
    missing = [job for job in jobs if not _is_trained(job)]
    if not missing:
        return f"{len(jobs)} trainings are there already"
    for job in missing:
        # Gathered here by all processes, once; the trainings then only read them.
        method = build(job.method)
        if job.trunk:
            method.load_trunk(weights_file(job.trunk))
        for folder in job.data:
            for split in ("train", "validation"):
                gather(method, folder, split, workers=work.workers)
    done = len(jobs) - len(missing)
    at_a_time = 1 if device_of(work.device).type == "cuda" else work.workers
    with (
        processes(at_a_time) as pool,
        Progress("trainings", len(jobs), unit="runs", done=done) as progress,
    ):
        running = [pool.submit(_train_silently, job) for job in missing]
        for count, future in enumerate(as_completed(running), start=done + 1):
            progress.update(count, future.result())
    trainings = "1 training" if len(missing) == 1 else f"{len(missing)} trainings"
    return f"{trainings} done, {len(jobs)} in all"


def _train_silently(job: TrainJob) -> str:
    """In a process of its own: nothing on the screen but what it returns."""
    job.out.mkdir(parents=True, exist_ok=True)
    with open_to_append(job.out / "output.txt") as log, redirect_stdout(log), redirect_stderr(log):
        result = _train(job)
    return f"{job.out.name} {result.seconds:.0f} s"


def _train(job: TrainJob) -> FitResult:
    result = train(job)
    found = {"seconds": result.seconds, "steps": result.steps, "metrics": result.metrics}
    write_json(_marker(job), {OF: _made_of(job), **found})
    return result


def _is_trained(job: TrainJob) -> bool:
    return kept(_marker(job), _made_of(job)) is not None


def _marker(job: TrainJob) -> Path:
    return job.out / "done.json"


def _made_of(job: TrainJob) -> dict[str, object]:
    """What a training depends on: its job, the method's config, and the weights it began with."""
    weights = {name: _weights_of(name) for name in (job.start, job.trunk) if name}
    config = configs.to_json(build(job.method).config)
    return {"job": plain(job), "config": plain(config), "weights": weights}


def _weights_of(name: str) -> str:
    """12 hex digits of a checkpoint's content, or of another file with weights."""
    return hashlib.sha256(weights_file(name).read_bytes()).hexdigest()[:12]


def played(job: BenchJob, *, out: Path, workers: int) -> str:
    """Play a protocol whose report is not there yet, or is of other networks or another job; the
    report keeps the episodes."""
    path, of = out / "report.json", _measured_with(job)
    if kept(path, of) is not None:
        return f"{path} is there already"
    measured = bench(job, out=out, workers=workers)
    episodes = {label: [e.to_json() for e in played] for label, played in measured.episodes.items()}
    write_bench(out, job, [measured], {"episodes": episodes, OF: plain(of)})
    write_report([out])
    return f"{path}"


def measured_once(path: Path, job: BenchJob, *, out: Path, workers: int) -> Measured:
    """Rows and paired differences, from a file where the very same was measured before.

    Args:
        path: of the file.
        job: what to measure.
        out: folder for what is kept until then.
        workers: processes.
    """

    def rows() -> dict[str, object]:
        found = bench(job, out=out, workers=workers)
        return {
            "rows": [row_json(row) for row in found.rows],
            "paired": [pair.to_json() for pair in found.paired],
            "cell": found.cell,
            "noise": found.noise,
            "calibration": [curve.to_json() for curve in found.calibration],
        }

    found = measured_of(path, _measured_with(job), rows)
    return Measured(
        found["cell"],
        found["noise"],
        tuple(Row(**{**row, "privileged": tuple(row["privileged"])}) for row in found["rows"]),
        tuple(map(Pair.from_json, found["paired"])),
        calibration=tuple(map(Calibration.from_json, found["calibration"])),
    )


def _measured_with(job: BenchJob) -> dict[str, object]:
    """What a bench's figures depend on; where its runs lie does not count."""
    of = {name: value for name, value in plain(job).items() if name not in ("policy", "data")}
    policies = protocol_named(job.protocol).resolve(job.policy)
    return {**of, "policies": {policy.label: policy.identity for policy in policies}}


def measured(folder: Path) -> dict[str, Any]:
    """A bench's report."""
    found: dict[str, Any] = read_json(folder / "report.json", nonfinite=True)
    return found


def figures(report: Mapping[str, Any], policy: str) -> dict[str, dict[str, Any]]:
    """A policy's rows of a report, by metric."""
    label = resolve(policy).label
    return {row["metric"]: row for row in report["rows"] if row["policy"] == label}


def episodes(report: Mapping[str, Any], policy: str) -> list[Episode]:
    """What a policy did, by a report that keeps it (see `played`): scene by scene."""
    return [Episode.from_json(one) for one in report["episodes"][resolve(policy).label]]
