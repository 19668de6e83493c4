"""Moving pictures: frames to animated WebP, and an attempt to frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from selfgrasp.common.files import atomic_write
from selfgrasp.core import Attempt, Grasp, InputError, Push, View
from selfgrasp.viz.draw import FINGER_BREADTH, Canvas
from selfgrasp.viz.kinds import HELD, color_of, grasp_of, kind_of, push_of
from selfgrasp.viz.picture import Color, Picture, upscale, write_text

_BAR_HEIGHT = 34
_BAR_COLOR: Color = (22, 24, 29)
_TEXT_COLOR: Color = (232, 230, 224)
_LOOK_MS, _STEP_MS, _SHOW_MS, _REST_MS, _END_MS = 420, 55, 260, 460, 1800


@dataclass(frozen=True, eq=False)
class Take:
    """What the film needs of one attempt.

    Attributes:
        before: what was seen with the arm away.
        after: the picture afterwards, (H, W, 3), or None.
        action: the grasp or push; None where nothing was done.
        kind: what became of it.
        width: m between the fingers after the lift.
    """

    before: View
    after: Picture | None
    action: Grasp | Push | None
    kind: str
    width: float

    @staticmethod
    def of(attempt: Attempt, view: str | None = None) -> Take | None:
        """Of an attempt, by the camera `view` or the first one; None where there was no look
        before."""
        if attempt.before is None:
            return None
        return Take(
            attempt.before.view(view),
            None if attempt.after is None else attempt.after.view(view).color,
            grasp_of(attempt) or push_of(attempt),
            kind_of(attempt),
            attempt.outcome.width,
        )


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and how long it stays, in milliseconds."""

    picture: Picture
    milliseconds: int


def animation(
    frames: Sequence[Picture],
    path: Path,
    *,
    milliseconds: int | Sequence[int] = 80,
    quality: int = 72,
    method: int = 0,
) -> Path:
    """Writes frames (H, W, 3) uint8, all of one size, as an endless animated WebP.

    Args:
        frames: at least one.
        path: where to.
        milliseconds: how long a frame stays, for all or for each.
        quality: 0..100.
        method: 0..6, from quick to small.

    Raises:
        InputError: no frames.
    """
    if not frames:
        raise InputError(given="an animation without frames", wanted="at least one")
    first, *rest = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    duration = milliseconds if isinstance(milliseconds, int) else list(milliseconds)
    with atomic_write(path) as partial:
        first.save(
            partial,
            format="WEBP",
            save_all=True,
            append_images=rest,
            duration=duration,
            loop=0,
            quality=quality,
            method=method,
        )
    return path


def clearing_film(
    takes: Sequence[Take], *, title: str, scale: int = 2, breadth: float = FINGER_BREADTH
) -> list[Frame]:
    """A scene from its first look to its last: each grasp opens, closes, and the scene changes; a
    strip below keeps count."""
    frames: list[Frame] = []
    kinds: list[str] = []
    total = len(takes)
    for take in takes:
        before = upscale(take.before.color, scale)
        frames.append(_framed(before, title, kinds, total, _LOOK_MS))
        frames += [
            _framed(p, title, kinds, total, _STEP_MS) for p in _closing(take, scale, breadth)
        ]
        kinds.append(take.kind)
        judged = _drawn(
            take, scale, breadth, take.width if take.kind == HELD else 0.0, color_of(take.kind)
        )
        frames.append(_framed(judged, title, kinds, total, _SHOW_MS))
        if take.after is None:
            continue
        after = upscale(take.after, scale)
        frames += [
            _framed(_mixed(judged, after, share), title, kinds, total, _STEP_MS)
            for share in (0.35, 0.7)
        ]
        frames.append(_framed(after, title, kinds, total, _REST_MS))
    if frames:
        frames[-1] = Frame(frames[-1].picture, _END_MS)
    return frames


def _closing(take: Take, scale: int, breadth: float) -> list[Picture]:
    """The fingers on their way from open to closed, or the push appearing."""
    if not isinstance(take.action, Grasp):
        return [_drawn(take, scale, breadth, 0.0, _TEXT_COLOR)]
    end = take.width if take.kind == HELD else 0.0
    return [
        _drawn(
            take, scale, breadth, take.action.width + (end - take.action.width) * share, _TEXT_COLOR
        )
        for share in (0.0, 0.0, 0.0, 0.35, 0.7)
    ]


def _drawn(take: Take, scale: int, breadth: float, width: float, color: Color) -> Picture:
    canvas = Canvas(take.before, scale=scale)
    match take.action:
        case Grasp():
            canvas.grasp(take.action, color, width=width, breadth=breadth)
        case Push():
            canvas.push(take.action, color)
    return canvas.picture


def _mixed(a: Picture, b: Picture, share: float) -> Picture:
    return np.asarray(cv2.addWeighted(a, 1 - share, b, share, 0.0), dtype=np.uint8)


def _framed(
    picture: Picture, title: str, kinds: Sequence[str], total: int, milliseconds: int
) -> Frame:
    """The picture over a strip with one dot an attempt and the count of held things."""
    width = picture.shape[1]
    strip = np.full((_BAR_HEIGHT, width, 3), _BAR_COLOR, np.uint8)
    middle = _BAR_HEIGHT // 2
    text = f"{sum(kind == HELD for kind in kinds)} held in {len(kinds)}"
    write_text(strip, title, at=(10, middle), size=14, color=_TEXT_COLOR, anchor="lm")
    write_text(strip, text, at=(width - 10, middle), size=14, color=_TEXT_COLOR, anchor="rm")
    dots = np.full((8, width, 3), _BAR_COLOR, np.uint8)
    pitch = width / max(total, 1)
    for index in range(total):
        color = color_of(kinds[index]) if index < len(kinds) else (58, 62, 72)
        cv2.rectangle(
            dots, (round(index * pitch) + 1, 0), (round((index + 1) * pitch) - 2, 4), color, -1
        )
    return Frame(np.vstack([picture, dots, strip]), milliseconds)
