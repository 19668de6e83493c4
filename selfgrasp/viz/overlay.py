"""Draws planned grasps on the picture they were planned for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.files import write_whole
from selfgrasp.core import Action, Grasp, GripperSpec, InputError, View
from selfgrasp.core.pose import apply
from selfgrasp.vision.project import project_world

_BEST = (255, 225, 0)
_OTHERS = (90, 200, 255)
_OUTLINE = (20, 20, 20)
_SMALLEST_SIDE = 640


def overlay(view: View, actions: Sequence[Action], gripper: GripperSpec) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the picture, enlarged if it is small, with a rectangle a grasp: fingers as
    thick sides, best first and highlighted."""
    factor = max(1, -(-_SMALLEST_SIDE // max(view.size)))
    canvas = np.asarray(
        cv2.resize(view.color, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC),
        dtype=np.uint8,
    )
    grasps = [action for action in actions if isinstance(action, Grasp)]
    line = max(1, round(max(canvas.shape) / 640))
    for rank in reversed(range(len(grasps))):
        # cv2 counts from pixel centres, selfgrasp from the corner.
        corners = project_world(_corners(grasps[rank], gripper), view) * factor - 0.5
        if np.isfinite(corners).all():
            _draw(
                canvas,
                corners,
                _BEST if rank == 0 else _OTHERS,
                line + (rank == 0),
                label=str(rank + 1),
            )
    return canvas


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


def _draw(
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
    for text_color, thick in ((_OUTLINE, 3), (color, 1)):
        cv2.putText(
            canvas,
            label,
            (int(at[0]), int(at[1])),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.4 + 0.1 * line,
            text_color,
            thick,
            cv2.LINE_AA,
        )
