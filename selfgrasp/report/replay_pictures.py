"""Pictures of an attempt that was played again."""

from __future__ import annotations

from pathlib import Path

from selfgrasp.rollout.replay import FRAME_SECONDS, Replayed
from selfgrasp.viz.animate import animation
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.kinds import color_of, grasp_of, kind_of, push_of
from selfgrasp.viz.overlay import write_picture


def write_pictures(done: Replayed, folder: Path) -> tuple[Path, ...]:
    """Before with the action drawn, after, and the film; what does not exist is left out."""

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
        moment = round(1000 * FRAME_SECONDS)
        files.append(
            animation(
                done.frames,
                folder / "attempt.webp",
                milliseconds=[*[moment] * (len(done.frames) - 1), 1200],
            )
        )
    return tuple(files)
