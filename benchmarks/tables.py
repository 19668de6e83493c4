"""What datasets cost beside their attempts: labels of one name, vectors, candidates, appending."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from selfgrasp.codec import EncodedAttempt, encode_attempt, picture_key, session_key
from selfgrasp.core import (
    Attempt,
    CameraSpec,
    Candidates,
    CellSpec,
    Goal,
    Grasp,
    GripperSpec,
    Hand,
    Observation,
    Outcome,
    Session,
    Step,
    View,
    Workspace,
)
from selfgrasp.core.pose import looking_at, top_down
from selfgrasp.dataset import Dataset, DatasetWriter, Metric, Vectors
from selfgrasp.dataset.candidate_rows import append_candidates
from selfgrasp.dataset.candidates import open_candidates
from selfgrasp.dataset.schema import SCHEMAS
from selfgrasp.dataset.tables import Tables
from selfgrasp.dataset.vector_rows import append_vectors, index_vectors
from selfgrasp.dataset.vectors import open_vectors

EXISTING = 40_000
"""Attempts that are there when others are appended."""
LABELS = 200_000
VECTORS, DIMENSION = 200_000, 256
PICTURES, EACH = 2_000, 100
"""Pictures of candidates, and candidates in each."""
BATCH = 128


def tables() -> dict[str, float]:
    """Everything below, on generated data in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        return (
            appending(path / "few", 0)
            | appending(path / "many", EXISTING)
            | labels(path / "many")
            | vectors(path / "many")
            | candidates(path / "candidates", PICTURES)
        )


def appending(path: Path, existing: int) -> dict[str, float]:
    """Opening a writer on `existing` attempts and appending 1,000, fifty at a time."""
    for start in range(0, existing, 2000):
        _write(path, start, 2000)
    new = bench_attempts(existing, 1000)
    start = time.perf_counter()
    with DatasetWriter.create_or_open(path, bench_session()) as writer:
        opened = time.perf_counter()
        for i in range(0, 1000, 50):
            writer.append(new[i : i + 50])
        appended = time.perf_counter()
    closed = time.perf_counter()
    to = f"to {existing:,}"
    return {
        f"append, s to open a writer ({to})": opened - start,
        f"append, s a 1,000 attempts ({to})": appended - opened,
        f"append, s to close ({to})": closed - appended,
    }


def labels(path: Path) -> dict[str, float]:
    """One of four names, beside one whose values are lists of 64 numbers."""
    rng = np.random.default_rng(0)
    with Dataset.open(path) as dataset:
        ids = dataset.ids().tolist()
    count = LABELS // 4
    for name in ("a", "b", "c", "embedding"):
        lists = name == "embedding"
        flat = pa.array(rng.normal(size=count * 64))
        columns = {
            "attempt": [ids[i % len(ids)] for i in range(count)],
            "name": [name] * count,
            "value": [None if lists else "true"] * count,
            "numbers": pa.FixedSizeListArray.from_arrays(flat, 64) if lists else [None] * count,
            "by": ["me"] * count,
            "step": [None] * count,
            "view": [None] * count,
        }
        Tables(path).append({"labels": pa.table(columns).cast(SCHEMAS["labels"])})

    def read(name: str) -> None:
        with Dataset.open(path) as dataset:
            dataset.label(name)

    return {
        "labels, s to read one name of 4 (50,000 of 200,000)": _seconds(lambda: read("b")),
        "labels, s to read 50,000 lists of 64": _seconds(lambda: read("embedding")),
    }


def vectors(path: Path) -> dict[str, float]:
    """Writing 200,000 vectors of 256, and their ten nearest neighbours."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((VECTORS, DIMENSION), dtype=np.float32)
    # Neighbours exist only where vectors lie in clusters.
    values += 2 * values[rng.integers(0, 500, VECTORS)]
    ids = [f"a{i}" for i in range(VECTORS)]
    parts = [slice(i, i + 20_000) for i in range(0, VECTORS, 20_000)]
    took = []
    for part in parts:
        start = time.perf_counter()
        append_vectors(path, "v", Vectors(ids[part], values[part], "me"))
        took.append(time.perf_counter() - start)
    queries = values[:100] + 0.1
    table = open_vectors(path, "v")
    start = time.perf_counter()
    exact = table.nearest(queries, 10)
    many = time.perf_counter() - start
    found = {
        "vectors, s to append the first 20,000 x 256": took[0],
        "vectors, s to append the last 20,000 of 200,000": took[-1],
        "vectors, s a query, exact": _seconds(lambda: table.nearest(queries[0], 10), 2),
        "vectors, s for 100 queries, exact": many,
    }
    start = time.perf_counter()
    index_vectors(path, "v", Metric.COSINE)
    built = time.perf_counter() - start
    table = open_vectors(path, "v")
    near = table.nearest(queries, 10)
    shared = [len({*a} & {*b}) / 10 for a, b in zip(exact.attempts, near.attempts, strict=True)]
    return found | {
        "vectors, s to build the index": built,
        "vectors, ms a query, index": 1e3 * _seconds(lambda: table.nearest(queries[0], 10)),
        "vectors, share of the ten nearest that the index finds": float(np.mean(shared)),
    }


def candidates(path: Path, pictures: int) -> dict[str, float]:
    """Random batches of candidates in pictures of 128 px, and what a process that reads them
    holds in memory."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for first in range(0, pictures, 500):
        append_candidates(path, "bench", {first: _candidates(rng, 500)})
    written = time.perf_counter() - start
    here = [sys.executable, "-m", "benchmarks.tables", str(path)]
    done = subprocess.run(here, capture_output=True, text=True, check=True)
    count = f"{pictures * EACH:,}"
    return {
        f"candidates, written/s ({count})": pictures * EACH / written,
        **{f"candidates, {k} ({count})": v for k, v in json.loads(done.stdout).items()},
    }


def reading(path: Path) -> dict[str, float]:
    """What `candidates` asks a process of its own."""
    from selfgrasp.vision.grasp_crops import grasp_crops

    start = time.perf_counter()
    table = open_candidates(path)
    known = {"robust": table.label("robust")}
    rng = np.random.default_rng(0)
    table.read(rng.integers(0, len(table), BATCH), known)
    opened, before = time.perf_counter() - start, resident_mb()
    cutting, start = 0.0, time.perf_counter()
    for _ in range(100):
        batch = table.read(rng.integers(0, len(table), BATCH), known)
        begin = time.perf_counter()
        grasp_crops(batch, size=0.128, pixels=32)
        cutting += time.perf_counter() - begin
    total = time.perf_counter() - start
    return {
        "s to open": opened,
        f"ms to read a batch of {BATCH}": 10 * (total - cutting),
        "ms to cut its crops of 32 px": 10 * cutting,
        "MB of memory, all in": resident_mb(),
        "MB more after 100 batches": resident_mb() - before,
    }


def _candidates(rng: np.random.Generator, pictures: int) -> Candidates:
    side = 128
    k = np.array([[2.0 * side, 0, side / 2], [0, 2.0 * side, side / 2], [0, 0, 1]])
    depth = rng.uniform(0.5, 0.7, (pictures, side, side)).astype(np.float32)
    n = pictures * EACH
    yaw, at = rng.uniform(-3, 3, n), rng.uniform(-0.1, 0.1, (n, 3))
    poses = np.zeros((n, 4, 4))
    poses[:, 0, 0], poses[:, 0, 1] = np.cos(yaw), np.sin(yaw)
    poses[:, 1, 0], poses[:, 1, 1] = np.sin(yaw), -np.cos(yaw)
    poses[:, 2, 2], poses[:, 3, 3], poses[:, :3, 3] = -1, 1, at
    return Candidates(
        depth=depth,
        intrinsics=np.repeat(k[None], pictures, axis=0),
        world_from_camera=np.repeat(looking_at((0, 0, 0.7), (0, 0, 0))[None], pictures, axis=0),
        objects=("object",) * pictures,
        view=np.repeat(np.arange(pictures), EACH),
        world_from_tool=poses,
        width=np.full(n, 0.05),
        labels={"robust": rng.random(n).astype(np.float32)},
    )


def bench_session() -> Session:
    """Of attempts that are made for a benchmark."""
    k = np.array([[20.0, 0, 8], [0, 20.0, 8], [0, 0, 1]])
    camera = CameraSpec(16, 16, k, looking_at((0, 0, 0.6), (0, 0, 0)))
    gripper = GripperSpec(0.085, 0.01, 0.02, 0.05, 40.0)
    workspace = Workspace(np.array([-0.2, -0.2, 0.0]), np.array([0.2, 0.2, 0.3]))
    spec = CellSpec("bench", gripper, workspace, {"overhead": camera}, {})
    return Session(spec, {}, "random", "train", 0)


def bench_attempts(first: int, count: int) -> list[EncodedAttempt]:
    """Attempts that differ in their ids and in the keys of their pictures alone."""
    session = bench_session()
    camera = session.spec.cameras["overhead"]
    view = View(
        np.zeros((16, 16, 3), np.uint8),
        np.full((16, 16), 0.6, np.float32),
        camera.intrinsics,
        camera.world_from_camera,
    )
    hand = Hand(top_down((0, 0, 0.3), 0), 0.08, 0.0)
    look = Observation(0.0, {"overhead": view}, hand)
    grasp = Grasp(top_down((0, 0, 0.05), 0), 0.08)
    steps = (Step(None, grasp, grasp, hand, 0.5),)
    outcome = Outcome(True, 0.03, 10.0, 0.1)
    attempt = Attempt(
        "x", session_key(session), 0, 0, 0, "x", "random", Goal(), look, steps, outcome, look
    )
    template = encode_attempt(attempt)
    data = list(template.pictures.values())
    made = []
    for i in range(first, first + count):
        looks, pictures = {}, {}
        for name in ("before", "after"):
            keys = [picture_key(f"{i}{name}{kind}".encode()) for kind in ("color", "depth")]
            plain = template.plain[name]
            seen = {**plain["views"][0], "color": keys[0], "depth": keys[1]}
            looks[name] = {**plain, "views": [seen]}
            pictures |= dict(zip(keys, data, strict=True))
        own = {"id": f"a{i}", "scene": i, "state_group": f"a{i}"}
        made.append(replace(template, plain={**template.plain, **own, **looks}, pictures=pictures))
    return made


def _write(path: Path, first: int, count: int) -> None:
    with DatasetWriter.create_or_open(path, bench_session()) as writer:
        writer.append(bench_attempts(first, count))


def _seconds(run: Callable[[], Any], times: int = 5) -> float:
    """The median of several runs."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return float(np.median(took))


def resident_mb() -> float:
    """MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    print(json.dumps(reading(Path(sys.argv[1]))))
