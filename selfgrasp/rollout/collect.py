"""Let a policy try, and keep every attempt; resumes where it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path

import numpy as np

import selfgrasp
from selfgrasp.codec import session_key
from selfgrasp.common.files import atomic_write
from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError, Session
from selfgrasp.core.bounds import check_bounds
from selfgrasp.dataset import DatasetWriter
from selfgrasp.dataset.meta import require_only_session
from selfgrasp.objects.catalogue import SET_NAMES, catalogue_hash
from selfgrasp.objects.named import objects_named
from selfgrasp.rollout.goals import ANY, GOAL_SET, GRASPED, categories_of, pictures_of
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.scene import PlayedScene, SceneTask, play_scene, scene_seed
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.config import to_json
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.cells.registry import cell_spec, checked_options
from selfgrasp.workcell.cells.simulated import cell_files
from selfgrasp.workcell.play import AfterLift

_IDLE = 100
"""Scenes in a row without an attempt, after which there is no hope."""


@dataclass(frozen=True)
class Collected:
    """What a collection did.

    Attributes:
        attempts: in the dataset, of this collection.
        new: attempts that were added.
        grasped: successes among the new ones.
        wall_seconds: from the first scene asked for to the last one stored.
        worker_seconds: summed over workers, by what it went into: total, physics, plan, encode.
    """

    attempts: int
    new: int
    grasped: int
    wall_seconds: float
    worker_seconds: dict[str, float]


def collect(args: CollectJob, *, alone: bool = False) -> Collected:
    """Play scenes in order until the dataset holds what was asked for.

    CollectJob:
        args: see there.
        alone: whether the dataset must hold nothing but this collection.

    Raises:
        InputError: a wrong argument, a dataset of another cell or schema, or of another collection
            beside or instead of this one where it must be `alone`, a second collector at work, or a
            full disk.
    """

    # Whatever is wrong is said before there is a dataset of it.
    _check(args)
    session = make_session(args)
    key = session_key(session)
    if alone:
        require_only_session(args.out, session)
    with DatasetWriter.create_or_open(args.out, session) as writer:
        mine = [i for i in writer.ids if i.startswith(f"{key}-")]
        grasped = idle = 0
        start = time.perf_counter()
        seconds: dict[str, float] = {}
        count = first = len(mine)
        tasks = _tasks(args, key, from_scene=max((_scene_of(i) for i in mine), default=0))
        config = WorkerConfig(
            args.cell, checked_options(args.cell, args.options), args.objects, resolve(args.policy)
        )
        # Closed here: a Ctrl-C that comes while it ends would be lost in its finalizer. No worker
        # begins before the first scene is asked for.
        with (
            Progress("collect", args.attempts, unit="attempts", done=count) as progress,
            closing(play_all(play_scene, tasks, config, workers=args.workers)) as scenes,
        ):
            while count < args.attempts and (played := next(scenes, None)) is not None:
                idle = 0 if played.attempts else idle + 1
                if idle == _IDLE:
                    raise InputError(
                        given=f"{args.policy}, which found nothing to try in {_IDLE} "
                        "scenes in a row",
                        wanted="objects or a policy that it suits",
                    )
                new = [a for a in played.attempts if a.id not in writer][: args.attempts - count]
                writer.append(new)
                _keep_states(args.out, played)
                count += len(new)
                grasped += sum(a.plain["outcome"]["grasped"] for a in new)
                for name, value in played.seconds.items():
                    seconds[name] = seconds.get(name, 0.0) + value
                progress.update(count, f"{grasped / max(1, count - first):.0%} held")
    return Collected(count, count - first, grasped, time.perf_counter() - start, seconds)


def _scene_of(attempt: str) -> int:
    """The scene in an attempt's id.

    Raises:
        InputError: an id that no collection made.
    """
    number = attempt.split("-")[1]
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise InputError(
            given=f"attempt {attempt!r:.80} of this collection",
            wanted="ids as `selfgrasp collect` makes them, with the number of the scene",
        )
    return int(number)


def make_session(args: CollectJob) -> Session:
    """What all attempts of this collection share; its key is part of their ids, so that a resumed
    collection finds its own."""

    objects = objects_named(args.objects)
    options = checked_options(args.cell, args.options)
    kind = args.objects if args.objects in SET_NAMES else "folder"
    return Session(
        spec=cell_spec(args.cell, options),
        versions={
            "selfgrasp": selfgrasp.__version__,
            **{name: version(name) for name in ("mujoco", "numpy")},
        },
        policy=resolve(args.policy).identity,
        objects=f"{kind}:{catalogue_hash(objects)[:12]}",
        seed=args.seed,
        options={
            "angles_per_point": args.angles_per_point,
            "attempts_per_scene": args.attempts_per_scene,
            "round": args.round,
            "after": args.after,
            "cell": to_json(options),
            # Left out where there are none, so that keys of sessions last.
            **_goals(args.goals),
            **({"measure_pushes": True} if args.measure_pushes else {}),
            **({"note_places": True} if args.note_places else {}),
            **cell_files(args.cell, options),
        },
    )


def _goals(goals: str) -> dict[str, str]:
    """What a session keeps of them."""
    if goals == ANY:
        return {}
    pictures = pictures_of(goals)
    return {"goals": goals if pictures is None else pictures.identity}


def _tasks(args: CollectJob, key: str, from_scene: int) -> Iterator[SceneTask]:

    categories = categories_of(args.goals, objects_named(args.objects))
    pictures = pictures_of(args.goals)
    for scene in count(from_scene):
        yield SceneTask(
            key,
            args.seed,
            scene,
            args.attempts_per_scene,
            args.angles_per_point,
            args.round,
            AfterLift(args.after),
            categories,
            args.measure_pushes,
            args.note_places,
            pictures and pictures.drawn(scene_seed(args.seed, scene), args.attempts_per_scene),
            GOAL_SET if args.goals == GRASPED else 0,
        )


def _keep_states(out: Path, played: PlayedScene) -> None:

    for attempt, state in played.unstable.items():
        with (
            atomic_write(out / "unstable" / f"{attempt}.npy") as partial,
            partial.open("wb") as file,
        ):
            np.save(file, state)


def _check(args: CollectJob) -> None:

    resolve(args.policy)
    check_bounds(args)
    pictures = pictures_of(args.goals)
    if pictures is not None and pictures.dataset.resolve() == args.out.resolve():
        raise InputError(
            given=f"goals from {args.out}, which is added to",
            wanted="another dataset, so that the same seed gives the same goals",
        )
    if pictures is not None and args.seed in pictures.seeds:
        raise InputError(
            given=f"--seed {args.seed} and goals from {args.goals}, collected with that seed",
            wanted="another --seed: goals are pictures of things from another drop",
        )
    if args.goals == GRASPED:
        _check_grasped(args)
    options = args.options
    if isinstance(options, FlatTableConfig) and options.layout == "cases" and not options.cases:
        raise InputError(
            given="a collection from the arrangements of the benchmark",
            wanted="the layout packed, whose arrangements are drawn anew; nothing may learn from "
            "those",
        )


def _check_grasped(args: CollectJob) -> None:
    """Raises InputError where nothing that was grasped earlier can be asked for."""
    if AfterLift(args.after) is not AfterLift.PUT_BACK:
        raise InputError(
            given=f"goals {GRASPED} and --after {args.after}",
            wanted=f"--after {AfterLift.PUT_BACK}, so that what is asked for lies there again",
        )
    if args.attempts_per_scene <= GOAL_SET:
        raise InputError(
            given=f"goals {GRASPED} and {args.attempts_per_scene} attempts per scene",
            wanted=f"more than {GOAL_SET}: goals are pictures of the first {GOAL_SET} objects that "
            "are grasped in a scene",
        )
    if cell_spec(args.cell, checked_options(args.cell, args.options)).presented is None:
        raise InputError(
            given=f"goals {GRASPED} in the cell {args.cell}",
            wanted="a cell that shows a camera what it holds: kuka_bin",
        )
