"""`make bench`: collection and its physics share, loading, training, planning, pictures,
grasps with analytic labels, and what datasets hold beside attempts. Prints a table and writes
benchmarks.json."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.candidates import judging, making, network_plans
from benchmarks.servo import deciding, median_seconds, servoing
from benchmarks.tables import tables

ATTEMPTS = 600
PLANS = 20


def main() -> None:
    """Measure everything once and say it."""
    # As in the workers: numerical libraries that start a thread a core fight with the processes
    # that are being measured.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    results: dict[str, Any] = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
    }
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        results |= collection(data)
        results |= loading(data)
        results |= training(data)
    results |= servoing() | deciding()
    results |= planning() | network_plans()
    results |= judging() | making()
    results |= pictures()
    results |= tables()
    for name, value in results.items():
        if isinstance(value, dict):
            print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            print(f"{name:<48} {value:10.3f}")
    Path("benchmarks.json").write_text(json.dumps(results, indent=2) + "\n")


def collection(out: Path) -> dict[str, float]:
    """Attempts a second with two workers, and where the workers' time goes: ten objects, 160 px
    RGB-D before and after, everything stored."""
    from selfgrasp.rollout.collect import collect
    from selfgrasp.rollout.jobs import CollectJob

    start = time.process_time()
    done = collect(CollectJob(out=out, attempts=ATTEMPTS, workers=2))
    total = done.worker_seconds["total"]
    return {
        "collect, attempts/s (2 workers)": done.new / done.wall_seconds,
        "collect, physics share of workers' time": done.worker_seconds["physics"] / total,
        "collect, planning share": done.worker_seconds["plan"] / total,
        "collect, encoding share": done.worker_seconds["encode"] / total,
        "collect, cores busy": (total + time.process_time() - start) / done.wall_seconds,
    }


def loading(data: Path) -> dict[str, float]:
    """Attempts and pictures a second read back, decoded and shuffled."""
    import numpy as np

    from selfgrasp.dataset import Dataset

    rates = {}
    with Dataset.open(data) as dataset:
        for threads in (1, 2):
            start = time.perf_counter()
            count = sum(
                1 for _ in dataset.attempts(order=np.random.default_rng(0), threads=threads)
            )
            rates[f"load, attempts/s ({threads} threads)"] = count / (time.perf_counter() - start)
    rates["load, images/s (2 threads)"] = 4 * rates["load, attempts/s (2 threads)"]
    return rates


def training(data: Path) -> dict[str, float]:
    """Examples made from attempts, and patches a second that `supersizing:small` is trained on,
    with and without waiting for batches."""
    import numpy as np
    import torch

    from selfgrasp.dataset import Dataset
    from selfgrasp.learn.source import DatasetSource
    from selfgrasp.methods.registry import build

    torch.set_num_threads(1)
    method = build("supersizing:small")
    with Dataset.open(data) as dataset:
        start = time.perf_counter()
        examples = method.examples(DatasetSource(dataset), "train", np.random.default_rng(0))
        making = len(examples) / (time.perf_counter() - start)
    rng = np.random.default_rng(0)
    indices = np.arange(128) % len(examples)
    batch = method.batch(examples, indices, rng, augment=True)
    optimizer = torch.optim.AdamW(method.parameters())

    def step() -> None:
        optimizer.zero_grad()
        method.loss(batch).value.backward()
        optimizer.step()

    return {
        "examples made, attempts/s": making,
        "batches made, patches/s (1 thread)": 128
        / median_seconds(lambda: method.batch(examples, indices, rng, augment=True), 20),
        "train, patches/s (1 thread)": 128 / median_seconds(step, 20),
    }


def planning() -> dict[str, float]:
    """Milliseconds a plan, on a scene of ten objects."""
    import torch

    from selfgrasp.core import Context
    from selfgrasp.objects.named import objects_named
    from selfgrasp.rollout.policies import load_policy
    from selfgrasp.workcell.cells.simulated import tabletop

    torch.set_num_threads(2)
    found = {}
    simulated = tabletop(objects_named("train"))
    with simulated.cell as cell:
        seen = cell.reset(0)
        assert seen is not None
        context = Context(seen, cell.spec)
        for name in ("random", "heuristic", "supersizing"):
            policy = load_policy(name)
            found[f"plan, ms ({name})"] = 1e3 * median_seconds(
                lambda policy=policy: policy.plan(context), PLANS
            )  # type: ignore[misc]
    return found


def pictures() -> dict[str, float]:
    """Milliseconds a 160 px RGB-D picture by each renderer that works here, noise included."""
    from selfgrasp.objects.named import objects_named
    from selfgrasp.workcell.cells.simulated import tabletop
    from selfgrasp.workcell.cells.tabletop import TabletopConfig
    from selfgrasp.workcell.sim.gl import choose_renderer

    kinds = {"rays", str(choose_renderer().kind)}
    found = {}
    for kind in sorted(kinds):
        with tabletop(objects_named("train"), TabletopConfig(renderer=kind)).cell as cell:
            cell.reset(0)
            camera = cell.drivers.cameras["overhead"]
            found[f"picture, ms ({kind})"] = 1e3 * median_seconds(camera.capture, PLANS)
    return found


if __name__ == "__main__":
    main()
