"""What grasps with analytic labels cost (`selfgrasp candidates`), and plans by the network that
learns from them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np

from benchmarks.servo import median_seconds
from selfgrasp.codec import session_key
from selfgrasp.common.imap import imap_ordered
from selfgrasp.common.processes import processes
from selfgrasp.core import Candidates
from selfgrasp.dataset import DatasetWriter
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.quality.grasps import sample_grasps
from selfgrasp.objects.quality.robust import Uncertainty, robustness
from selfgrasp.objects.stable import stable_poses
from selfgrasp.rollout.candidate_objects import choose_objects
from selfgrasp.rollout.candidates import _scene, make_session
from selfgrasp.rollout.jobs import CandidatesJob
from selfgrasp.workcell.cells.config import GRIPPER

WORKERS = 2
SECONDS = 5.0
"""For which scenes of each kind are made."""
SAMPLES, SHAPES, EACH = 100, 40, 25
"""Of a robust quality; objects, and grasps of each, whose quality is timed."""
PLANS = 5
HEAP, ALONE = 25, 1
"""Objects that lie there when grasps are planned."""


def making() -> dict[str, float]:
    """Grasps a second with two workers, of objects that lie alone and of heaps, and bytes a grasp
    on the disk."""
    found = {}
    for name, heaps in (("alone", 0.0), ("heaps", 1.0)):
        rate, made = _rate(CandidatesJob(Path(), heaps=heaps))
        found[f"candidates {name}, grasps/s ({WORKERS} workers)"] = rate
        found[f"candidates {name}, grasps a scene"] = sum(map(len, made)) / len(made)
        found[f"candidates {name}, bytes a grasp"] = _bytes(made) / sum(map(len, made))
    return found


def _rate(job: CandidatesJob) -> tuple[float, list[Candidates]]:
    """Grasps a second once the workers are at it, and what was made."""
    with closing(_scenes(job)) as scenes:
        # The first scene of each worker pays for its objects and its world.
        made = list(islice(scenes, WORKERS))
        start, before = time.perf_counter(), len(made)
        while time.perf_counter() - start < SECONDS:
            made.append(next(scenes))
        grasps = sum(map(len, made[before:]))
        return grasps / (time.perf_counter() - start), made


def _scenes(job: CandidatesJob) -> Generator[Candidates, None, None]:
    """Scenes without end, as workers make them; close it, and what they are at is thrown away."""
    with processes(WORKERS) as pool:
        work = partial(_scene, job, choose_objects(job))
        for _, made in imap_ordered(pool, work, count(), most=3 * WORKERS):
            yield made


def _bytes(scenes: list[Candidates]) -> int:
    """What a dataset of these scenes takes on the disk."""
    job = CandidatesJob(Path())
    session = make_session(job, choose_objects(job))
    with tempfile.TemporaryDirectory() as folder:
        with DatasetWriter.create_or_open(folder, session) as writer:
            writer.append_candidates(session_key(session), dict(enumerate(scenes)))
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def judging() -> dict[str, float]:
    """Robust qualities a second of processor time, of grasps of the training objects."""
    rng, unknown = np.random.default_rng(0), Uncertainty(samples=SAMPLES)
    seconds, judged = 0.0, 0
    for item in train_objects(SHAPES):
        lies = stable_poses(item)[0].table_from_object
        grasps = sample_grasps(item, lies, EACH, GRIPPER, rng)
        centers, axes = grasps.in_object(lies)
        start = time.process_time()
        robustness(item.parts, centers, axes, grasps.openings, rng, unknown)
        seconds += time.process_time() - start
        judged += len(grasps)
    return {f"robust qualities/s a core ({SAMPLES} samples)": judged / seconds}


def network_plans() -> dict[str, float]:
    """Milliseconds a plan of `dexnet` on two threads, by each of its planners, of a heap and of one
    object; a network with random weights takes as long as any."""
    import torch

    from selfgrasp.core import Context
    from selfgrasp.methods.registry import build
    from selfgrasp.objects.named import objects_named
    from selfgrasp.workcell.cells.simulated import tabletop
    from selfgrasp.workcell.cells.tabletop import TabletopConfig

    torch.set_num_threads(2)
    planners = build("dexnet").variants()
    found = {}
    for objects in (HEAP, ALONE):
        simulated = tabletop(objects_named("train"), TabletopConfig(count=objects))
        with simulated.cell as cell:
            seen = cell.reset(0)
            assert seen is not None
            context = Context(seen, cell.spec)
            for name in ("rank", "cem", "dense"):
                plan = partial(planners[name].plan, context)
                key = f"plan, ms (dexnet+{name}, {objects} lying there)"
                found[key] = 1e3 * median_seconds(plan, PLANS)
    return found
