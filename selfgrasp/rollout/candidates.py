"""Makes candidates (grasps that nobody executes) with workers, and keeps them; the core of
`selfgrasp candidates`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cache, lru_cache, partial
from importlib.metadata import version
from itertools import count

import numpy as np

import selfgrasp
from selfgrasp.codec import session_key
from selfgrasp.common.imap import imap_ordered
from selfgrasp.common.processes import processes
from selfgrasp.common.progress import Progress
from selfgrasp.core import Candidates, InputError, Session
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.dataset.candidates import has_candidates
from selfgrasp.objects.catalogue import SET_NAMES, catalogue_hash, objects_by_name
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.quality.scenes import Lying, SceneRecipe, make_scene, turned
from selfgrasp.objects.stable import StablePose, stable_poses
from selfgrasp.rollout.heaps import Heaps
from selfgrasp.rollout.jobs import CandidatesJob
from selfgrasp.workcell.cells.config import GRIPPER
from selfgrasp.workcell.cells.registry import cell_spec, checked_options

THRESHOLD = 0.002
"""Of robust epsilon, above which Dex-Net 2.0 calls a grasp a success."""
_SAVE_SECONDS = 5.0
_IDLE = 1_000
"""Scenes in a row without a single grasp, after which nothing is expected any more."""


@dataclass(frozen=True)
class Made:
    """What a run did.

    Attributes:
        candidates: of this collection in the dataset, those of earlier runs included.
        new: of this run.
        positive: share of the new ones with epsilon above 0.002.
        seconds: of the clock.
    """

    candidates: int
    new: int
    positive: float
    seconds: float


def make_candidates(job: CandidatesJob) -> Made:
    """Make scenes until the dataset holds `job.grasps` candidates; scene i is the same whoever
    makes it, and scenes are stored in order.

    Raises:
        InputError: a wrong argument, objects of which none can be grasped, a dataset of another
            cell, or a writer at work.
    """
    objects = _objects(job.objects, job.shapes)
    session = make_session(job)
    key = session_key(session)
    began = saved = time.monotonic()
    with DatasetWriter.create_or_open(job.out, session) as writer:
        there = writer.candidate_shards(key)
        held = _stored(job, there)
        new = positive = idle = 0
        scenes = (i for i in count() if i not in there)
        with (
            processes(job.workers) as pool,
            Progress("candidates", job.grasps, unit="grasps", done=held) as progress,
        ):
            made = imap_ordered(pool, partial(_scene, job), scenes, most=3 * job.workers)
            waiting: dict[int, Candidates] = {}
            while held + new < job.grasps:
                shard, candidates = next(made)
                waiting[shard] = candidates
                new += len(candidates)
                positive += int((candidates.labels["epsilon"] > THRESHOLD).sum())
                idle = 0 if len(candidates) else idle + 1
                if idle == _IDLE:
                    raise InputError(
                        given=f"{len(objects)} objects of {job.objects}, in none of whose poses a "
                        f"grasp was found {_IDLE} times in a row",
                        wanted=f"objects narrower than {GRIPPER.opening * 1e3:.0f} mm somewhere",
                    )
                progress.update(min(held + new, job.grasps))
                if time.monotonic() - saved > _SAVE_SECONDS:
                    writer.append_candidates(key, waiting)
                    waiting, saved = {}, time.monotonic()
            writer.append_candidates(key, waiting)
    return Made(held + new, new, positive / max(1, new), time.monotonic() - began)


def make_session(job: CandidatesJob) -> Session:
    """What all candidates of this collection share; its key finds them again."""
    objects = _objects(job.objects, job.shapes)
    kind = job.objects if job.objects in SET_NAMES else "folder"
    return Session(
        spec=cell_spec("tabletop", checked_options("tabletop", None)),
        versions={
            "selfgrasp": selfgrasp.__version__,
            **{name: version(name) for name in ("mujoco", "numpy", "trimesh")},
        },
        policy="candidates",
        objects=f"{kind}:{catalogue_hash(objects)[:12]}",
        seed=job.seed,
        options={
            "recipe": asdict(_recipe(job)),
            "shapes": len(objects),
            "heaps": job.heaps,
            "most": job.most,
        },
    )


def _recipe(job: CandidatesJob) -> SceneRecipe:
    return SceneRecipe(
        grasps=job.per_pose,
        pictures=job.pictures,
        unknown=Uncertainty(friction=job.friction, samples=job.samples),
    )


def _stored(job: CandidatesJob, shards: frozenset[int]) -> int:
    """How many candidates the dataset holds.

    Raises:
        InputError: a dataset of other candidates: one collection, one folder.
    """
    if not has_candidates(job.out):
        return 0
    with Dataset.open(job.out) as data:
        table = data.candidates()
        if not shards and len(table):
            raise InputError(
                given=f"{job.out} with {len(table)} candidates that were made otherwise",
                wanted="another --out, or the options and objects of those",
            )
        return len(table)


@cache
def _objects(name: str, shapes: int | None) -> tuple[ObjectModel, ...]:
    return objects_named(name) if shapes is None else objects_by_name(name, shapes)


@lru_cache(maxsize=4096)
def _poses(name: str, shapes: int | None, index: int) -> tuple[StablePose, ...]:
    return stable_poses(_objects(name, shapes)[index])


@lru_cache(maxsize=1)
def _heaps(name: str, shapes: int | None, most: int) -> Heaps:
    return Heaps(_objects(name, shapes), most)


def _scene(job: CandidatesJob, shard: int) -> tuple[int, Candidates]:
    """Scene `shard`: the objects in turn, each alone in one of its poses or in a heap."""
    objects = _objects(job.objects, job.shapes)
    rng = np.random.default_rng([job.seed, shard])
    index = shard % len(objects)
    if rng.random() < job.heaps and len(objects) > 1:
        heaps = _heaps(job.objects, job.shapes, job.most)
        if lying := heaps.drop(index, rng):
            return shard, make_scene(lying, GRIPPER, rng, _recipe(job), heaps.walls)
    poses = _poses(job.objects, job.shapes, index)
    lies = poses[rng.choice(len(poses), p=[one.probability for one in poses])]
    alone = turned(Lying(objects[index], lies.table_from_object), rng)
    return shard, make_scene([alone], GRIPPER, rng, _recipe(job))
