"""Draws planned grasps and pushes on the picture they were planned for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.files import write_whole
from selfgrasp.core import Action, Grasp, GripperSpec, InputError, Push, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.vision.project import project_world

_BEST = (255, 225, 0)
_OTHERS = (90, 200, 255)
_OUTLINE = (20, 20, 20)
_SMALLEST_SIDE = 640
_AXES = ((235, 60, 50), (60, 200, 70), (70, 110, 255))
"""Colours of x, y and z."""
_AXIS = 0.05
_LINE_PX = 18


@dataclass(frozen=True)
class Frames:
    """What a picture says of its frames.

    Attributes:
        origin: (3,) m, where the world's axes are drawn.
        words: lines beneath the picture.
    """

    origin: FloatArray
    words: tuple[str, ...]


def overlay(
    view: View, actions: Sequence[Action], gripper: GripperSpec, frames: Frames | None = None
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the picture, enlarged if it is small, with a rectangle a grasp, fingers as
    thick sides, and an arrow a push; best first and highlighted. With `frames` the world's axes are
    drawn, and words stand beneath."""
    factor = max(1, -(-_SMALLEST_SIDE // max(view.size)))
    canvas = np.asarray(
        cv2.resize(view.color, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC),
        dtype=np.uint8,
    )
    if frames is not None:
        _draw_axes(canvas, view, frames.origin, factor)
    shown = [action for action in actions if isinstance(action, Grasp | Push)]
    line = max(1, round(max(canvas.shape) / 640))
    for rank, action in reversed([*enumerate(shown)]):
        drawn = _corners(action, gripper) if isinstance(action, Grasp) else _way(action)
        # cv2 counts from pixel centres, selfgrasp from the corner.
        pixels = project_world(drawn, view) * factor - 0.5
        if not np.isfinite(pixels).all():
            continue
        draw = _draw_rectangle if isinstance(action, Grasp) else _draw_arrow
        color = _BEST if rank == 0 else _OTHERS
        draw(canvas, pixels, color, line + (rank == 0), label=str(rank + 1))
    return canvas if frames is None else _captioned(canvas, frames.words)


def _draw_axes(canvas: NDArray[np.uint8], view: View, origin: FloatArray, factor: int) -> None:
    ends = origin + np.vstack([np.zeros(3), _AXIS * np.eye(3)])
    pixels = project_world(ends, view) * factor - 0.5
    if not np.isfinite(pixels).all() or np.abs(pixels).max() > 1e5:
        return
    start, *tips = (tuple(int(value) for value in np.rint(pixel)) for pixel in pixels)
    for tip, color, name in zip(tips, _AXES, "xyz", strict=True):
        cv2.arrowedLine(canvas, start, tip, _OUTLINE, 4, cv2.LINE_AA, tipLength=0.2)
        cv2.arrowedLine(canvas, start, tip, color, 2, cv2.LINE_AA, tipLength=0.2)
        _write(canvas, name, (tip[0] + 3, tip[1] + 3), color, size=0.45)


def _captioned(canvas: NDArray[np.uint8], words: Sequence[str]) -> NDArray[np.uint8]:
    """The picture with lines of words beneath, broken where they would not fit."""
    size = 0.42
    widest = canvas.shape[1] - 12
    lines: list[str] = []
    for sentence in words:
        line = ""
        for word in sentence.split():
            longer = f"{line} {word}".strip()
            (width, _), _ = cv2.getTextSize(longer, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
            if width > widest and line:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    strip = np.full((_LINE_PX * len(lines) + 8, canvas.shape[1], 3), 255, np.uint8)
    for i, line in enumerate(lines):
        cv2.putText(
            strip,
            line,
            (6, _LINE_PX * (i + 1)),
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            _OUTLINE,
            1,
            cv2.LINE_AA,
        )
    return np.vstack([canvas, strip])


def _write(
    canvas: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    color: tuple[int, int, int],
    *,
    size: float,
) -> None:
    for text_color, thick in ((_OUTLINE, 3), (color, 1)):
        cv2.putText(
            canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, text_color, thick, cv2.LINE_AA
        )


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a PNG.

    Raises:
        InputError: a name without a picture's ending.
        OSError: a place that cannot be written.
    """
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise InputError(given=f"picture {path}", wanted="a name that ends in .png, .jpg or .webp")
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_whole(path, encoded.tobytes())


def _corners(grasp: Grasp, gripper: GripperSpec) -> NDArray[np.float64]:
    """(4, 3) m, world: the rectangle between the fingers' inner faces, at the fingertips'
    height."""
    x, y = grasp.width / 2, gripper.finger_breadth / 2
    return apply(
        grasp.world_from_tool, np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0.0]])
    )


def _way(push: Push) -> NDArray[np.float64]:
    """(2, 3) m, world: where a push begins and ends."""
    return np.stack([push.start, push.end])


def _draw_rectangle(
    canvas: NDArray[np.uint8],
    corners: NDArray[np.float64],
    color: tuple[int, int, int],
    line: int,
    *,
    label: str,
) -> None:
    shift = 4
    p = [tuple(int(value) for value in np.rint(corner * 2**shift)) for corner in corners]
    for edge_color, extra in ((_OUTLINE, 2), (color, 0)):
        for a, b, thick in ((0, 1, 0), (2, 3, 0), (1, 2, 2), (3, 0, 2)):
            cv2.line(canvas, p[a], p[b], edge_color, line + thick + extra, cv2.LINE_AA, shift)
    at = np.rint(corners[1] + (4, -2)).astype(int)
    _write(canvas, label, (int(at[0]), int(at[1])), color, size=0.4 + 0.1 * line)


def _draw_arrow(
    canvas: NDArray[np.uint8],
    ends: NDArray[np.float64],
    color: tuple[int, int, int],
    line: int,
    *,
    label: str,
) -> None:
    shift = 4
    start, end = ((int(x), int(y)) for x, y in np.rint(ends * 2**shift))
    for arrow_color, extra in ((_OUTLINE, 2), (color, 0)):
        cv2.arrowedLine(
            canvas, start, end, arrow_color, line + 1 + extra, cv2.LINE_AA, shift, tipLength=0.2
        )
    at = np.rint(ends[0] + (4, -2)).astype(int)
    _write(canvas, label, (int(at[0]), int(at[1])), color, size=0.4 + 0.1 * line)
