"""Small real files of every kind that a verb reads, to be mutated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.fuzz.shapes import write_arms, write_meshes

_COLLECT = "--cell tabletop --options.picture-px 64 --options.count 4 --workers 1"
_CANDIDATES = "--grasps 40 --per-pose 6 --pictures 1 --samples 2 --most 3 --heaps 0 --workers 1"
_SCENE = "--attempts-per-scene 3"


class _Serial(Executor):
    """Runs what it is given at once, in this process."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def _serial(count: int, **_: Any) -> Iterator[Executor]:
    yield _Serial()


@contextmanager
def one_process() -> Iterator[None]:
    """Inside, verbs start no workers."""
    with (
        patch("selfgrasp.rollout.workers.processes", _serial),
        patch("selfgrasp.rollout.candidates.processes", _serial),
        patch("selfgrasp.learn.gathered.processes", _serial),
        patch("selfgrasp.papers.steps.processes", _serial),
    ):
        yield


def make_templates(folder: Path) -> None:
    """Datasets, runs, a benchmark, pictures, meshes, labels."""
    from selfgrasp.cli import main
    from selfgrasp.data import SAMPLE
    from selfgrasp.dataset import Dataset

    def run(line: str) -> None:
        if main(line.format(d=folder).split()) != 0:
            raise RuntimeError(f"no template: selfgrasp {line}")

    with one_process():
        run(f"collect --out {{d}}/data --attempts 6 {_SCENE} {_COLLECT}")
        run(f"collect --out {{d}}/more --attempts 2 --seed 5 {_SCENE} {_COLLECT}")
        run("train supersizing --data {d}/data {d}/more --out {d}/run --steps 2 --threads 1")
        shutil.rmtree(folder / "data" / "examples")
        run(f"candidates --out {{d}}/candidates {_CANDIDATES}")
        run("train dexnet --data {d}/candidates --out {d}/dexnet --steps 2 --threads 1")
        shutil.rmtree(folder / "candidates" / "examples", ignore_errors=True)
        run(
            "bench isolated --policy random --trials 1 --out {d}/bench --workers 1 "
            "--options.picture-px 64"
        )
    with Dataset.open(folder / "data") as data:
        ids = data.ids().tolist()
    rows = "".join(f"{name},category,spoon\n" for name in ids)
    (folder / "labels.csv").write_text(f"attempt,name,value\n{rows}")
    (folder / "ids.json").write_text(json.dumps(ids))
    for kind, path in {"color": SAMPLE.color, "depth": SAMPLE.depth}.items():
        shutil.copy(path, folder / f"{kind}{path.suffix}")
    shutil.copy(SAMPLE.intrinsics, folder / "camera.json")
    camera = json.loads(SAMPLE.intrinsics.read_text())
    (folder / "camera.yaml").write_text(
        "\n".join(f"{k}: {json.dumps(v)}" for k, v in camera.items())
    )
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 0.7
    (folder / "pose.json").write_text(json.dumps(pose.tolist()))
    np.save(folder / "pose.npy", pose)
    write_meshes(folder / "meshes")
    write_arms(folder)
    spoon = folder / "shown" / "spoon"
    spoon.mkdir(parents=True)
    shutil.copy(SAMPLE.color, spoon / f"a{SAMPLE.color.suffix}")
