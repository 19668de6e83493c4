"""The demo's film: what the networks chose is drawn before the hand comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import cv2
import numpy as np

from selfgrasp.common.progress import Progress
from selfgrasp.core import Action, Grasp, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse, looking_at
from selfgrasp.papers.vpg.demo_steps import Run, why
from selfgrasp.viz.animate import Frame
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.heat import CHOSEN_COLOR
from selfgrasp.viz.kinds import color_of, kind_of
from selfgrasp.viz.picture import Color, Picture, write_text
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.sim.film import Spectator
from selfgrasp.workcell.sim.recording import Recording

WIDTH, HEIGHT = 640, 480
SPEED, PER_SECOND = 1.5, 12
"""Times faster than the simulated robot, at least, and frames a second."""
MOST_FRAMES = 420
"""Of what moves; a run that would have more is shown faster."""
_SAMPLES = 4
"""Pictures that each frame is the mean of."""
_CHOSEN_MS, _DONE_MS, _END_MS = 1500, 700, 2500
_NEAR = 0.13
"""m from what was chosen, from where on the hand is there and it is no longer drawn."""
_STRIP = 40
_STRIP_COLOR: Color = (22, 24, 29)
_TEXT_COLOR: Color = (232, 230, 224)


def film(cell: SimCell, recording: Recording, run: Run, stop: threading.Event) -> list[Frame]:
    """The run's frames; none where nothing was recorded or `stop` is set on the way."""
    if not recording.decisions or not run.played:
        return []
    spectator = Spectator(
        cell.world,
        recording,
        beside_the_table(arm=cell.world.kinematics is not None),
        width=WIDTH,
        height=HEIGHT,
        samples=_SAMPLES,
        wanted=str(cell.cell.spec.options.get("renderer", "auto")),
    )
    frames: list[Frame] = []
    try:
        with Progress("film", len(run.played), unit="actions") as progress:
            for number in range(1, len(run.played) + 1):
                for frame in _of_action(spectator, recording, run, number):
                    if stop.is_set():
                        return []
                    frames.append(frame)
                progress.update(number)
    finally:
        spectator.close()
    return [*frames[:-1], Frame(frames[-1].picture, _END_MS)]


def beside_the_table(*, arm: bool) -> FloatArray:
    """(4, 4) world_from_camera of a spectator who sees the whole table, x to the right; from
    further away where an arm stands beside it."""
    away = 1.3 if arm else 1.0
    return looking_at((0.04, -0.68 * away, 0.63 * away), (0.05 * (away - 1.0), -0.01, 0.01))


def _of_action(
    spectator: Spectator, recording: Recording, run: Run, number: int
) -> Iterator[Frame]:
    """The frames of one action, from 1: what was chosen, what moves, what came."""
    decision, played = recording.decisions[number - 1], run.played[number - 1]
    later = [one.time for one in recording.decisions[number:]]
    end = later[0] if later else recording.moments[-1].time
    action, words = decision.plan.action, f"{number}   {why(decision.plan)}"
    still = spectator.picture(decision.time)
    chosen = marked(spectator, still, action)
    yield Frame(_framed(chosen, words, run, number - 1), _CHOSEN_MS)
    there = False
    for time in _moving(spectator, decision.time, end, _step(recording)):
        shown = spectator.picture(time)
        there |= bool(np.linalg.norm(spectator.hand(time) - _place(action)) < _NEAR)
        picture = shown if there else marked(spectator, shown, action)
        yield Frame(_framed(picture, words, run, number - 1), round(1000 / PER_SECOND))
    kind = kind_of(played.attempt)
    yield Frame(_framed(spectator.picture(end), f"{number}   {kind}", run, number), _DONE_MS)


def _step(recording: Recording) -> float:
    """s of the recording between two frames."""
    length = recording.moments[-1].time
    return max(SPEED / PER_SECOND, length / MOST_FRAMES)


def _moving(spectator: Spectator, start: float, end: float, step: float) -> Iterator[float]:
    """Times at which something in the picture has moved since the one before."""
    before = spectator.joints(start)[0]
    for time in np.arange(start + step, end, step).tolist():
        joints = spectator.joints(time)[0]
        if np.abs(joints - before).max() > 1e-4 and _in_sight(spectator, time):
            before = joints
            yield time


def _in_sight(spectator: Spectator, time: float) -> bool:
    """Whether any of the hand is in the picture, about."""
    x, y, z = apply(inverse(spectator.world_from_camera), spectator.hand(time))
    focal = spectator.intrinsics[0, 0]
    across, down = focal * x / z + WIDTH / 2, focal * y / z + HEIGHT / 2
    return bool(-80 < across < WIDTH + 80 and down > -10)


def marked(spectator: Spectator, picture: Picture, action: Action | None) -> Picture:
    """The picture with a push's way, or with a grasp's two fingers and its approach."""
    canvas = Canvas(spectator.view(picture), scale=1)
    match action:
        case Push():
            canvas.push(action, CHOSEN_COLOR)
        case Grasp(tool, width):
            half, length, above = width / 2, 0.045, 0.085
            ends = [[-half, 0, 0], [-half, 0, -length], [half, 0, -length], [half, 0, 0]]
            for points in (ends, [[0, 0, -length], [0, 0, -above]]):
                canvas.line(apply(tool, np.array(points)), CHOSEN_COLOR, width=4.0)
    return canvas.picture


def _place(action: Action | None) -> FloatArray:
    match action:
        case Push():
            return action.start
        case Grasp(tool):
            return tool[:3, 3]
    return np.zeros(3)


def _framed(picture: Picture, words: str, run: Run, done: int) -> Picture:
    """The picture over a strip: the action's number and reason, a mark for each action so far, and
    how many objects were lifted."""
    strip = np.full((_STRIP, picture.shape[1], 3), _STRIP_COLOR, np.uint8)
    lifted = sum(len(one.lifted or ()) for one in run.played[:done])
    middle = _STRIP // 2 + 3
    write_text(strip, words, at=(10, middle), size=15, color=_TEXT_COLOR, anchor="lm")
    write_text(
        strip,
        f"{lifted} of {run.blocks} lifted",
        at=(picture.shape[1] - 10, middle),
        size=15,
        color=_TEXT_COLOR,
        anchor="rm",
    )
    pitch = picture.shape[1] / max(1, len(run.played))
    for index, one in enumerate(run.played):
        color = color_of(kind_of(one.attempt)) if index < done else (58, 62, 72)
        left, right = round(index * pitch) + 1, round((index + 1) * pitch) - 2
        cv2.rectangle(strip, (left, 0), (right, 4), color, -1)
    return np.vstack([picture, strip])
