"""`selfgrasp collect`: let a policy try, and keep every attempt; goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from selfgrasp.runs.command import at_least
from selfgrasp.workcell.cells import CellConfig

if TYPE_CHECKING:
    from selfgrasp.core import Session
    from selfgrasp.runs.play import PlayedScene, SceneTask


_IDLE = 100
"""Scenes in a row without an attempt, after which there is no hope."""


@dataclass(frozen=True)
class Args:
    """Let a policy try, and keep every attempt.

    The same seed gives the same data with any number of workers. Run the same command again to go
    on, or with more --attempts to add to it.

    Attributes:
        out: folder of the dataset; made if it is not there.
        attempts: how many the dataset shall hold of this collection.
        policy: random, random_servo, heuristic, oracle, a method's name, or a run folder; +VARIANT
            after it, as RUN+explore, is one of its variants.
        objects: train, validation, test; categories, categories-validation, categories-test (things
            of 16 categories), assorted (categories, and others); or a folder of meshes,
            FOLDER#train and FOLDER#test being two thirds and one third of them.
        cell: tabletop (a hand over a table, camera above) or kuka_bin (an arm before a bin, camera
            over its shoulder).
        workers: processes; one a core is best.
        seed: of scenes and choices.
        angles_per_point: try this many angles at each point, the scene put back in between
            (simulation only).
        attempts_per_scene: how many tries on one drop of objects.
        round: number of the round of collection and training.
        after: put_back: what was lifted falls into the workspace again; set_aside: it leaves the
            scene, so that the hard things are tried most.
        options: of the cell.
    """

    out: Path
    attempts: int = 2000
    policy: str = "random"
    objects: str = "train"
    cell: str = "tabletop"
    workers: int = 2
    seed: int = 0
    angles_per_point: int = 1
    attempts_per_scene: int = 20
    round: int = 0
    after: Literal["put_back", "set_aside"] = "put_back"
    options: CellConfig = field(default_factory=CellConfig)


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


def run(args: Args) -> int:
    """Collect, and say how it went."""
    done = collect(args)
    if not done.new:
        print(
            f"{args.out}: {done.attempts} attempts are there already; --attempts is how many "
            "there shall be"
        )
        return 0
    share = done.grasped / done.new
    print(
        f"{args.out}: {done.attempts} attempts, {done.new} new, {share:.1%} of them held "
        f"something, {done.new / max(done.wall_seconds, 1e-9):.1f} attempts/s"
    )
    total = done.worker_seconds.get("total", 0.0)
    if total:
        parts = ", ".join(
            f"{name} {value / total:.0%}"
            for name, value in done.worker_seconds.items()
            if name != "total"
        )
        print(f"workers' time: {parts}; {total / max(1, done.new) * 1e3:.1f} ms an attempt")
    return 0


def collect(args: Args, *, alone: bool = False) -> Collected:
    """Play scenes in order until the dataset holds what was asked for.

    Args:
        args: see there.
        alone: whether the dataset must hold nothing but this collection.

    Raises:
        InputError: a wrong argument, a dataset of another cell or schema, or of another collection
            beside or instead of this one where it must be `alone`, a second collector at work, or a
            full disk.
    """
    import time

    from selfgrasp.codec import session_key
    from selfgrasp.core import InputError
    from selfgrasp.dataset import DatasetWriter
    from selfgrasp.runs.play import play_scene
    from selfgrasp.runs.pool import WorkerConfig, play_all
    from selfgrasp.runs.progress import Progress

    # Whatever is wrong is said before there is a dataset of it.
    _check(args)
    session = make_session(args)
    key = session_key(session)
    if alone:
        _require_alone(args.out, session)
    with DatasetWriter.create_or_open(args.out, session) as writer:
        mine = [i for i in writer.ids if i.startswith(f"{key}-")]
        grasped = idle = 0
        start = time.perf_counter()
        seconds: dict[str, float] = {}
        count = first = len(mine)
        tasks = _tasks(args, key, from_scene=max((int(i.split("-")[1]) for i in mine), default=0))
        config = WorkerConfig(args.cell, args.options, args.objects, args.policy)
        with Progress("collect", args.attempts, unit="attempts", done=count) as progress:
            if count < args.attempts:
                for played in play_all(play_scene, tasks, config, workers=args.workers):
                    idle = 0 if played.attempts else idle + 1
                    if idle == _IDLE:
                        raise InputError(
                            given=f"{args.policy}, which found nothing to try in {_IDLE} "
                            "scenes in a row",
                            wanted="objects or a policy that it suits",
                        )
                    new = [a for a in played.attempts if a.id not in writer][
                        : args.attempts - count
                    ]
                    writer.append(new)
                    _keep_states(args.out, played)
                    count += len(new)
                    grasped += sum(a.plain["outcome"]["grasped"] for a in new)
                    for name, value in played.seconds.items():
                        seconds[name] = seconds.get(name, 0.0) + value
                    progress.update(count, f"{grasped / max(1, count - first):.0%} held")
                    if count >= args.attempts:
                        break
    return Collected(count, count - first, grasped, time.perf_counter() - start, seconds)


def _require_alone(folder: Path, session: Session) -> None:
    from selfgrasp.codec import session_to_plain
    from selfgrasp.core import InputError
    from selfgrasp.dataset.meta import META_FILE, read_meta

    wanted = session_to_plain(session)
    for other in read_meta(folder).sessions.values() if (folder / META_FILE).exists() else ():
        kept = session_to_plain(other)
        differs = [name for name in wanted if kept[name] != wanted[name]]
        if differs:
            raise InputError(
                given=", ".join(f"{name} = {wanted[name]}" for name in differs),
                wanted=f"a folder for this collection alone; delete {folder} or choose another",
                exists=", ".join(f"{name} = {kept[name]}" for name in differs),
            )


def make_session(args: Args) -> Session:
    """What all attempts of this collection share; its key is part of their ids, so that a resumed
    collection finds its own."""
    from importlib.metadata import version

    import selfgrasp
    from selfgrasp.core import Session
    from selfgrasp.runs.policies import identity_of
    from selfgrasp.runs.pool import objects_named
    from selfgrasp.workcell.cells import cell_spec
    from selfgrasp.workcell.sim.objects.catalogue import SET_NAMES, catalogue_hash

    objects = objects_named(args.objects)
    kind = args.objects if args.objects in SET_NAMES else "folder"
    return Session(
        spec=cell_spec(args.cell, args.options),
        versions={
            "selfgrasp": selfgrasp.__version__,
            **{name: version(name) for name in ("mujoco", "numpy")},
        },
        policy=identity_of(args.policy),
        objects=f"{kind}:{catalogue_hash(objects)[:12]}",
        seed=args.seed,
        options={
            "angles_per_point": args.angles_per_point,
            "attempts_per_scene": args.attempts_per_scene,
            "round": args.round,
            "after": args.after,
            "cell": args.options.to_json(),
        },
    )


def _tasks(args: Args, key: str, from_scene: int) -> Iterator[SceneTask]:
    from itertools import count

    from selfgrasp.protocols.play import AfterLift
    from selfgrasp.runs.play import SceneTask

    for scene in count(from_scene):
        yield SceneTask(
            key,
            args.seed,
            scene,
            args.attempts_per_scene,
            args.angles_per_point,
            args.round,
            AfterLift(args.after),
        )


def _keep_states(out: Path, played: PlayedScene) -> None:
    import numpy as np

    for attempt, state in played.unstable.items():
        folder = out / "unstable"
        folder.mkdir(exist_ok=True)
        np.save(folder / f"{attempt}.npy", state)


def _check(args: Args) -> None:
    from selfgrasp.runs.policies import require_policy

    require_policy(args.policy)
    at_least(args, attempts=1, workers=1, angles_per_point=1, attempts_per_scene=1)
