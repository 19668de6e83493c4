"""`selfgrasp replay`: play one attempt again, from its scene and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

if TYPE_CHECKING:
    from selfgrasp.codec import EncodedAttempt
    from selfgrasp.core import Attempt, Policy, Session
    from selfgrasp.dataset import Dataset
    from selfgrasp.rollout.scene import SceneTask
    from selfgrasp.rollout.workers import WorkerConfig
    from selfgrasp.viz.picture import Picture
    from selfgrasp.workcell.cells.simulated import SimCell


_FRAME_SECONDS, _SAMPLES = 0.08, 2
"""s between two frames of the film, and pictures that each is the mean of."""


@dataclass(frozen=True)
class Args:
    """Play one attempt of a simulated cell again: its scene from the start up to it, with the same
    policy and seed.

    On the same machine and with the same versions it ends the same, bit for bit. Writes before.png,
    after.png and attempt.webp, a film of it. Exit code 1 if it ended otherwise.

    Attributes:
        dataset: the dataset's folder.
        attempt: id of the attempt, as `selfgrasp view` shows it.
        out: folder of the pictures; by default replays/ID in the dataset's.
        policy: where the policy's weights are now, if they have moved.
        objects: folder of the meshes, if the attempt was on objects of your own.
    """

    dataset: Positional[Path]
    attempt: Positional[str]
    out: Path | None = None
    policy: str | None = None
    objects: str | None = None


@dataclass(frozen=True, eq=False)
class Replayed:
    """What came of it.

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
    frames: tuple[Picture, ...]


def run(args: Args) -> int:
    """Play, compare, write the pictures; 1 if the attempt ended otherwise."""
    done = replay(args)
    folder = args.out or args.dataset / "replays" / args.attempt
    files = write_pictures(done, folder)
    held = (
        f"{1000 * done.again.outcome.width:.0f} mm held"
        if done.again.outcome.grasped
        else f"nothing held ({done.again.outcome.fault or 'missed'})"
    )
    print(
        f"{args.attempt}: {done.again.policy} in scene {done.again.scene}, attempt "
        f"{done.again.index}: {held}"
    )
    for line in done.versions:
        print(f"other version: {line}")
    if not done.differences:
        print("the same as stored, bit for bit: actions and outcome")
    for line in done.differences:
        print(f"not the same: {line}")
    print(f"{folder}: {', '.join(path.name for path in files)}")
    return int(bool(done.differences))


def replay(args: Args) -> Replayed:
    """Play the attempt's scene again up to it.

    Raises:
        InputError: no such attempt, a cell that is not simulated, or objects or weights that are
            not those of the collection.
    """
    from selfgrasp.codec import decode_attempt, encode_attempt
    from selfgrasp.core import SelfgraspError
    from selfgrasp.dataset import Dataset
    from selfgrasp.rollout.workers import play_all

    with Dataset.open(args.dataset) as data:
        stored = _find(data, args.attempt)
        session = data.sessions[stored.session]
    config = _worker(args, session)
    # A worker process as in a collection: the same number of threads, and so the same sums.
    ((attempts, frames),) = play_all(_play_filmed, [_task(stored, session)], config, workers=1)
    if len(attempts) <= stored.index:
        raise SelfgraspError(
            f"the scene ended after {len(attempts)} attempts, before attempt {stored.index}; "
            f"{'; '.join(_other_versions(session))}"
        )
    again: EncodedAttempt = attempts[stored.index]
    differences = _differences(encode_attempt(stored).plain, again.plain)
    return Replayed(
        stored,
        decode_attempt(again.plain, again.pictures),
        differences,
        _other_versions(session),
        frames,
    )


def write_pictures(done: Replayed, folder: Path) -> tuple[Path, ...]:
    """Before with the action drawn, after, and the film; what does not exist is left out."""
    from selfgrasp.viz.animate import animation
    from selfgrasp.viz.draw import Canvas
    from selfgrasp.viz.kinds import color_of, grasp_of, kind_of, push_of
    from selfgrasp.viz.overlay import write_picture

    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    attempt = done.again
    if attempt.before is not None:
        canvas = Canvas(attempt.before.view(), scale=4)
        grasp, push, color = grasp_of(attempt), push_of(attempt), color_of(kind_of(attempt))
        if grasp is not None:
            canvas.grasp(grasp, color, solid=attempt.outcome.grasped)
        if push is not None:
            canvas.push(push, color)
        files.append(folder / "before.png")
        write_picture(files[-1], canvas.picture)
    if attempt.after is not None:
        files.append(folder / "after.png")
        write_picture(files[-1], Canvas(attempt.after.view(), scale=4).picture)
    if done.frames:
        moment = round(1000 * _FRAME_SECONDS)
        files.append(
            animation(
                done.frames,
                folder / "attempt.webp",
                milliseconds=[*[moment] * (len(done.frames) - 1), 1200],
            )
        )
    return tuple(files)


def _play_filmed(
    cell: SimCell, policy: Policy, task: SceneTask
) -> tuple[tuple[EncodedAttempt, ...], tuple[Picture, ...]]:
    from selfgrasp.rollout.scene import play_scene
    from selfgrasp.workcell.sim.film import Recording, Spectator, beside

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
        return attempts, tuple(spectator.pictures(_FRAME_SECONDS))
    finally:
        spectator.close()


def _find(data: Dataset, attempt: str) -> Attempt:
    from selfgrasp.core import InputError

    ids = data.ids()
    if attempt not in ids:
        raise InputError(
            given=f"attempt {attempt!r}",
            wanted=f"the id of one of the attempts in {data.path}",
            exists=f"{len(ids)} attempts, such as {ids[0]}",
        )
    (found,) = data.attempts([attempt], threads=1)
    return found


def _worker(args: Args, session: Session) -> WorkerConfig:
    from selfgrasp.core import InputError
    from selfgrasp.objects.named import objects_of
    from selfgrasp.rollout.policies import resolve
    from selfgrasp.rollout.workers import WorkerConfig
    from selfgrasp.workcell.cells.registry import CELLS, stored_options

    if session.spec.name not in CELLS:
        raise InputError(
            given=f"an attempt in the cell {session.spec.name!r}",
            wanted="one in a simulated cell",
            exists=", ".join(sorted(CELLS)),
        )
    objects, _ = objects_of(session, args.objects)
    text = args.policy or session.policy.partition("@")[0]
    policy = resolve(text)
    if policy.identity != session.policy:
        raise InputError(
            given=f"policy {text!r}, now {policy.identity}",
            wanted=f"the one of the collection, {session.policy}; see --policy",
        )
    return WorkerConfig(
        session.spec.name,
        stored_options(session.spec.name, session.spec.options),
        objects,
        policy,
    )


def _task(attempt: Attempt, session: Session) -> SceneTask:
    from selfgrasp.rollout.scene import SceneTask
    from selfgrasp.workcell.play import AfterLift

    angles = int(session.options.get("angles_per_point", 1))
    after = AfterLift(session.options.get("after", AfterLift.PUT_BACK))
    return SceneTask(
        attempt.session,
        session.seed,
        attempt.scene,
        attempt.index + 1,
        angles,
        attempt.round,
        after,
    )


def _other_versions(session: Session) -> tuple[str, ...]:
    from selfgrasp.common.record import versions

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
