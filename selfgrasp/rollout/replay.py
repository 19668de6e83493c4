"""Play one attempt again, from its scene and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec import EncodedAttempt, decode_attempt, encode_attempt
from selfgrasp.common.record import versions
from selfgrasp.core import Attempt, InputError, Policy, SelfgraspError, Session
from selfgrasp.dataset import Dataset
from selfgrasp.objects.named import objects_named, objects_of
from selfgrasp.rollout.goals import ANY, GOAL_SET, GRASPED, categories_of, stored_pictures
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.scene import SceneTask, play_scene, scene_seed
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.registry import CELLS, stored_options
from selfgrasp.workcell.cells.simulated import SimCell, cell_files
from selfgrasp.workcell.play import AfterLift
from selfgrasp.workcell.sim.film import Spectator, beside
from selfgrasp.workcell.sim.recording import Recording

FRAME_SECONDS = 0.08
"""s between two frames of the film."""
_SAMPLES = 2
"""Pictures that each frame is the mean of."""


@dataclass(frozen=True, eq=False)
class Replayed:
    """What came of playing an attempt again.

    Attributes:
        stored: the attempt as the dataset has it.
        again: as it was played now.
        differences: what is not the same, in words.
        versions: what has another version than when the attempt was made, in words.
        frames: of the film, (H, W, 3) each.
    """

    stored: Attempt
    again: Attempt
    differences: tuple[str, ...]
    versions: tuple[str, ...]
    frames: tuple[NDArray[np.uint8], ...]


def replay(
    dataset: Path,
    attempt: str,
    *,
    policy: str | None = None,
    objects: str | None = None,
    goals: str | None = None,
) -> Replayed:
    """Play the attempt's scene again up to it.

    Args:
        dataset: its folder.
        attempt: id.
        policy: where the policy's weights are now, if they have moved.
        objects: folder of the meshes, if the attempt was on objects of one.
        goals: where the dataset is now whose pictures attempts were asked for, if it has moved.

    Raises:
        InputError: no such attempt, a cell that is not simulated, or objects, weights or goals
            that are not those of the collection.
    """
    with Dataset.open(dataset) as data:
        stored = _find(data, attempt)
        session = data.sessions[stored.session]
    config = _worker(session, policy, objects)
    # A worker process as in a collection: the same number of threads, and so the same sums.
    task = _task(stored, session, config.objects, goals)
    ((attempts, frames),) = play_all(_play_filmed, [task], config, workers=1)
    found = [one for one in attempts if one.plain["index"] == stored.index]
    if not found:
        raise SelfgraspError(
            f"the scene had {len(attempts)} attempts, and none of index {stored.index}; "
            f"{'; '.join(_other_versions(session))}"
        )
    again: EncodedAttempt = found[0]
    differences = _differences(encode_attempt(stored).plain, again.plain)
    return Replayed(
        stored,
        decode_attempt(again.plain, again.pictures),
        differences,
        _other_versions(session),
        frames,
    )


def _play_filmed(
    cell: SimCell, policy: Policy, task: SceneTask
) -> tuple[tuple[EncodedAttempt, ...], tuple[NDArray[np.uint8], ...]]:
    recording = Recording(cell, first=task.attempts - 1, attempts=1)
    cell.cell.watchers = (recording,)
    attempts = play_scene(cell, policy, task).attempts
    if not recording.decisions:
        return attempts, ()
    spectator = Spectator(
        cell.world,
        recording,
        beside(recording.decisions[0].plan),
        samples=_SAMPLES,
        wanted=str(cell.cell.spec.options.get("renderer", "auto")),
    )
    try:
        return attempts, tuple(spectator.pictures(FRAME_SECONDS))
    finally:
        spectator.close()


def _find(data: Dataset, attempt: str) -> Attempt:
    ids = data.ids()
    if attempt not in ids:
        raise InputError(
            given=f"attempt {attempt!r}",
            wanted=f"the id of one of the attempts in {data.path}",
            exists=f"{len(ids)} attempts, such as {ids[0]}",
        )
    (found,) = data.attempts([attempt], threads=1)
    return found


def _worker(session: Session, given: str | None, folder: str | None) -> WorkerConfig:
    if session.spec.name not in CELLS:
        raise InputError(
            given=f"an attempt in the cell {session.spec.name!r}",
            wanted="one in a simulated cell",
            exists=", ".join(sorted(CELLS)),
        )
    objects, _ = objects_of(session, folder)
    text = given or session.policy.partition("@")[0]
    policy = resolve(text)
    if policy.identity != session.policy:
        raise InputError(
            given=f"policy {text!r}, now {policy.identity}",
            wanted=f"the one of the collection, {session.policy}; see --policy",
        )
    options = stored_options(session.spec.name, session.spec.options)
    files = cell_files(session.spec.name, options)
    if (then := session.options.get("arm")) is not None and files.get("arm") != then:
        raise InputError(
            given=f"an attempt with the arm {then} of {session.spec.options.get('arm')}",
            wanted="that file as it was",
            exists=f"there is the arm {files.get('arm')} now",
        )
    return WorkerConfig(session.spec.name, options, objects, policy)


def _task(attempt: Attempt, session: Session, objects: str, folder: str | None) -> SceneTask:
    angles = int(session.options.get("angles_per_point", 1))
    after = AfterLift(session.options.get("after", AfterLift.PUT_BACK))
    goals = session.options.get("goals", ANY)
    pictures = stored_pictures(goals, folder)
    return SceneTask(
        attempt.session,
        session.seed,
        attempt.scene,
        attempt.index + 1,
        angles,
        attempt.round,
        after,
        categories_of(goals, objects_named(objects)),
        bool(session.options.get("measure_pushes", False)),
        bool(session.options.get("note_places", False)),
        pictures and pictures.drawn(scene_seed(session.seed, attempt.scene), attempt.index + 1),
        GOAL_SET if goals == GRASPED else 0,
    )


def _other_versions(session: Session) -> tuple[str, ...]:
    now = versions()
    return tuple(
        f"{name} {now.get(name, 'missing')}, the attempt was made with {then}"
        for name, then in session.versions.items()
        if now.get(name) != then
    )


def _differences(stored: Mapping[str, Any], again: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    if len(stored["steps"]) != len(again["steps"]):
        found.append(f"{len(again['steps'])} steps, stored are {len(stored['steps'])}")
    for index, (then, now) in enumerate(zip(stored["steps"], again["steps"], strict=False)):
        found += [
            f"{name} of step {index}: {now[name]}, stored is {then[name]}"
            for name in ("action", "executed")
            if now[name] != then[name]
        ]
    found += [
        f"{name}: {value}, stored is {stored['outcome'][name]}"
        for name, value in again["outcome"].items()
        if value != stored["outcome"][name]
    ]
    return tuple(found)
