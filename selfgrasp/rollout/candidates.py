"""Makes candidates (grasps that nobody executes) with workers, and keeps them; the core of
`selfgrasp candidates`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import count

import numpy as np

import selfgrasp
from selfgrasp.codec import session_key
from selfgrasp.common.imap import imap_ordered
from selfgrasp.common.processes import processes
from selfgrasp.common.progress import Progress
from selfgrasp.core import Candidates, InputError, Session
from selfgrasp.core.bounds import check_bounds
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.dataset.candidate_rows import stored_shards
from selfgrasp.dataset.candidates import has_candidates
from selfgrasp.objects.catalogue import SET_NAMES, catalogue_hash
from selfgrasp.objects.lying import Lying, turned
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.quality.scenes import SceneRecipe, make_scene
from selfgrasp.objects.stable import StablePose, stable_poses
from selfgrasp.rollout.candidate_objects import (
    ChosenObjects,
    choose_objects,
    models_of,
    scale_of,
)
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
    check_bounds(job)
    chosen = choose_objects(job)
    session = make_session(job, chosen)
    key = session_key(session)
    began = saved = time.monotonic()
    # Before a writer notes down a session that nothing comes of.
    held = _stored(job, session)
    with DatasetWriter.create_or_open(job.out, session) as writer:
        there = writer.candidate_shards(key)
        new = positive = idle = 0
        scenes = (i for i in count() if i not in there)
        with (
            processes(job.workers) as pool,
            Progress("candidates", job.grasps, unit="grasps", done=held) as progress,
        ):
            made = imap_ordered(pool, partial(_scene, job, chosen), scenes, most=3 * job.workers)
            waiting: dict[int, Candidates] = {}
            while held + new < job.grasps:
                shard, candidates = next(made)
                waiting[shard] = candidates
                new += len(candidates)
                positive += int((candidates.labels["epsilon"] > THRESHOLD).sum())
                idle = 0 if len(candidates) else idle + 1
                if idle == _IDLE:
                    raise InputError(
                        given=f"{job.objects}, in none of whose poses a grasp was found {_IDLE} "
                        "times in a row",
                        wanted=f"objects narrower than {GRIPPER.opening * 1e3:.0f} mm somewhere",
                    )
                progress.update(min(held + new, job.grasps))
                if time.monotonic() - saved > _SAVE_SECONDS:
                    writer.append_candidates(key, waiting)
                    waiting, saved = {}, time.monotonic()
            writer.append_candidates(key, waiting)
    return Made(held + new, new, positive / max(1, new), time.monotonic() - began)


def make_session(job: CandidatesJob, chosen: ChosenObjects) -> Session:
    """What all candidates of this collection share; its key finds them again."""
    objects, scale = models_of(chosen), scale_of(job)
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
            **({} if scale == "none" else {"scale": scale}),
        },
    )


def _recipe(job: CandidatesJob) -> SceneRecipe:
    return SceneRecipe(
        grasps=job.per_pose,
        pictures=job.pictures,
        unknown=Uncertainty(friction=job.friction, samples=job.samples),
    )


def _stored(job: CandidatesJob, session: Session) -> int:
    """How many candidates the dataset holds.

    Raises:
        InputError: a dataset of other candidates: one collection, one folder.
    """
    if not has_candidates(job.out):
        return 0
    with Dataset.open(job.out) as data:
        count = len(data.candidates())
        others = [one for key, one in data.sessions.items() if stored_shards(job.out, key)]
    if count and not stored_shards(job.out, session_key(session)):
        raise InputError(
            given=f"{job.out} with {count} candidates that were made otherwise",
            wanted="another --out, or the options and objects of those",
            exists="; ".join(_differences(session, one) for one in others),
        )
    return count


def _differences(session: Session, other: Session) -> str:
    """What is different in another session, in words."""
    here, there = _facts(session), _facts(other)
    return ", ".join(
        f"{name} {there.get(name)} instead of {here.get(name)}"
        for name in dict.fromkeys((*here, *there))
        if here.get(name) != there.get(name)
    )


def _facts(session: Session) -> dict[str, object]:
    """Everything that candidates depend on, by name."""
    facts: dict[str, object] = {"objects": session.objects, "seed": session.seed}
    nested: list[tuple[str, Mapping[str, object]]] = [("", session.options), ("", session.versions)]
    while nested:
        prefix, values = nested.pop(0)
        for name, value in values.items():
            if isinstance(value, Mapping):
                nested.append((f"{prefix}{name}.", value))
            else:
                facts[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return facts


@lru_cache(maxsize=4096)
def _poses(chosen: ChosenObjects, index: int) -> tuple[StablePose, ...]:
    return stable_poses(models_of(chosen)[index])


@lru_cache(maxsize=1)
def _heaps(chosen: ChosenObjects, most: int) -> Heaps:
    return Heaps(models_of(chosen), most)


def _scene(job: CandidatesJob, chosen: ChosenObjects, shard: int) -> tuple[int, Candidates]:
    """Scene `shard`: the objects in turn, each alone in one of its poses or in a heap."""
    objects = models_of(chosen)
    rng = np.random.default_rng([job.seed, shard])
    index = shard % len(objects)
    if rng.random() < job.heaps and len(objects) > 1:
        heaps = _heaps(chosen, job.most)
        if lying := heaps.drop(index, rng):
            return shard, make_scene(lying, GRIPPER, rng, _recipe(job), heaps.walls)
    poses = _poses(chosen, index)
    lies = poses[rng.choice(len(poses), p=[one.probability for one in poses])]
    alone = turned(Lying(objects[index], lies.table_from_object), rng)
    return shard, make_scene([alone], GRIPPER, rng, _recipe(job))
