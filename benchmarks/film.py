"""The film at the top of the README: the shipped weights clear a table, and what they chose is
drawn before the hand comes.

    python -m benchmarks.film [FILE] [--scene SEED]

The same seed, renderer and versions give the same film.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Grasp
from selfgrasp.core.pose import apply
from selfgrasp.objects.named import objects_named
from selfgrasp.rollout.policies import load_policy
from selfgrasp.viz.animate import animation
from selfgrasp.viz.draw import Canvas
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Stop, Task, play
from selfgrasp.workcell.sim.film import Spectator, over_the_table
from selfgrasp.workcell.sim.recording import Recording

OUT, SCENE = Path("docs/pictures/clearing.webp"), 3_000_002
POLICY, COUNT, MOST = "supersizing", 10, 16
SPEED, PER_SECOND = 1.5, 16
"""Times faster than the simulated robot, and frames a second."""
SHOWN, FADED, END = 10, 4, 24
"""Frames for which a chosen grasp is seen before the hand comes, of these the ones in which it
appears, and frames after the last attempt."""
CHOSEN = (64, 220, 150)

Frame = NDArray[np.uint8]


def main(out: Path, scene: int) -> None:
    """Play, record, draw, write."""
    made = tabletop(objects_named("mixed"), TabletopConfig(count=COUNT))
    with made.cell as cell:
        recording = Recording(made)
        cell.watchers = (recording,)
        episode = play(
            cell,
            load_policy(POLICY, made),
            Task(scene),
            ids=Ids("film", scene, 0),
            stop=Stop(most=MOST),
        )
        recording.stop()
        print(
            f"{len(episode.attempts)} attempts, {episode.true} lifted, cleared: {episode.cleared}"
        )
        frames = list(film(made, recording))
    animation(frames, out, milliseconds=round(1000 / PER_SECOND), quality=78, method=6)
    print(f"{out}: {len(frames)} frames, {out.stat().st_size / 1e6:.2f} MB")


def film(cell: SimCell, recording: Recording) -> Iterator[Frame]:
    """The recording's frames, without those in which nothing is seen to happen."""
    spectator = Spectator(cell.world, recording, over_the_table())
    step = SPEED / PER_SECOND
    ends = [*(decision.time for decision in recording.decisions[1:]), recording.moments[-1].time]
    for decision, end in zip(recording.decisions, ends, strict=True):
        grasp = decision.plan.action
        lifted = sum(held for time, held in recording.outcomes if time <= decision.time)
        still = spectator.picture(decision.time)
        assert isinstance(grasp, Grasp)
        for index in range(SHOWN):
            share = min(1.0, (index + 1) / FADED)
            yield counted(marked(spectator, still, grasp, share), lifted)
        share, before = 1.0, spectator.joints(decision.time)[0]
        for time in np.arange(decision.time + step, end, step):
            joints = spectator.joints(float(time))[0]
            changed, before = np.abs(joints - before).max() > 1e-4, joints
            if not (changed and in_sight(spectator, float(time))):
                continue
            if np.linalg.norm(spectator.hand(float(time)) - grasp.world_from_tool[:3, 3]) < 0.13:
                share = max(0.0, share - 0.25)
            lifted = sum(held for at, held in recording.outcomes if at <= time)
            yield counted(marked(spectator, spectator.picture(float(time)), grasp, share), lifted)
    lifted = sum(held for _, held in recording.outcomes)
    last = counted(spectator.picture(recording.moments[-1].time), lifted)
    yield from [last] * END
    spectator.close()


def in_sight(spectator: Spectator, time: float) -> bool:
    """Whether any of the hand is in the picture."""
    camera_from_world = np.linalg.inv(spectator.world_from_camera)
    x, y, z = apply(camera_from_world, spectator.hand(time))
    focal, width, height = (
        spectator.intrinsics[0, 0],
        2 * spectator.intrinsics[0, 2],
        2 * spectator.intrinsics[1, 2],
    )
    return bool(-80 < focal * x / z + width / 2 < width + 80 and focal * y / z + height / 2 > -10)


def marked(spectator: Spectator, picture: Frame, grasp: Grasp, share: float) -> Frame:
    """The picture with the grasp's two fingers and its approach drawn, `share` 0..1 opaque."""
    if share <= 0:
        return picture
    canvas = Canvas(spectator.view(picture), scale=1)
    half, length, above = grasp.width / 2, 0.045, 0.085
    tool_points = [
        np.array([[-half, 0, 0], [-half, 0, -length], [half, 0, -length], [half, 0, 0]]),
        np.array([[0, 0, -length], [0, 0, -above]]),
    ]
    for points in tool_points:
        canvas.line(apply(grasp.world_from_tool, points), CHOSEN, width=4.6)
    return np.asarray(cv2.addWeighted(canvas.picture, share, picture, 1 - share, 0), np.uint8)


def counted(picture: Frame, lifted: int) -> Frame:
    """The picture with a dot for each object below, full once it is lifted."""
    result = picture.copy()
    height, width = result.shape[:2]
    for index in range(COUNT):
        at = (round(width / 2 + (index - (COUNT - 1) / 2) * 18) * 16, (height - 18) * 16)
        full = index < lifted
        cv2.circle(result, at, 5 * 16, CHOSEN if full else (196, 190, 180), -1, cv2.LINE_AA, 4)
    return result


if __name__ == "__main__":
    arguments = sys.argv[1:]
    wanted = int(arguments[arguments.index("--scene") + 1]) if "--scene" in arguments else SCENE
    files = [a for a in arguments if a.endswith(".webp")]
    main(Path(files[0]) if files else OUT, wanted)
