"""`selfgrasp replay`: play one attempt again, from its scene and its seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


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
        goals: where the dataset is now whose pictures attempts were asked for, if it has moved.
    """

    dataset: Positional[Path]
    attempt: Positional[str]
    out: Path | None = None
    policy: str | None = None
    objects: str | None = None
    goals: str | None = None


def run(args: Args) -> int:
    """Play, compare, write the pictures; 1 if the attempt ended otherwise."""
    from selfgrasp.common.files import file_name
    from selfgrasp.report.replay_pictures import write_pictures
    from selfgrasp.rollout.replay import replay

    out = args.out or args.dataset / "replays" / file_name(args.attempt, "attempt")
    done = replay(
        args.dataset,
        args.attempt,
        policy=args.policy,
        objects=args.objects,
        goals=args.goals,
    )
    files = write_pictures(done, out)
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
    print(f"{out}: {', '.join(path.name for path in files)}")
    return int(bool(done.differences))
