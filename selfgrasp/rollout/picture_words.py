"""What a picture of planned grasps and pushes says of its frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from selfgrasp.core import View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.rollout.picture import PicturePlan
from selfgrasp.vision.project import project_world


def axes_origin(found: PicturePlan, view: View) -> FloatArray:
    """(3,) m of the world, where its axes are drawn: its origin where the picture shows that, or
    else the middle of the workspace's surface."""
    height, width = view.size
    u, v = project_world(np.zeros(3), view)
    if 0 <= u <= width and 0 <= v <= height:
        return np.zeros(3)
    middle = (np.array(found.workspace.low) + np.array(found.workspace.high)) / 2
    return np.array([*middle[:2], found.workspace.surface])


def frame_words(found: PicturePlan, origin: FloatArray) -> tuple[str, ...]:
    """Lines that say what the frames are, and the best grasp in both."""
    at = "at its origin" if not origin.any() else f"at {_numbers(origin)} m of it"
    lines = [
        f"world: {found.world}; its axes x red, y green, z blue, 50 mm, drawn {at}",
        "camera: x right, y down, z forward. tool: z approach (down), x closing direction, origin "
        "between the fingertips",
    ]
    if found.grasps:
        best = found.grasps[0]
        lines += [
            f"grasp {best.rank} " + _pose("world_from_tool", best.world_from_tool),
            f"grasp {best.rank} " + _pose("camera_from_tool", best.camera_from_tool),
        ]
    if found.pushes:
        push = found.pushes[0]
        lines.append(
            f"push {push.rank} from {_numbers(push.start)} m of the world, "
            f"{math.degrees(push.yaw):.0f} degrees from x to y, {push.length:.3f} m far"
        )
    return (*lines, *(f"note: {note}" for note in found.notes))


def _pose(name: str, matrix: Sequence[Sequence[float]]) -> str:
    """Where a frame's origin lies, and where its x and z point, in one line."""
    x, _, z, origin = (tuple(row[i] for row in matrix[:3]) for i in range(4))
    return f"{name}: at {_numbers(origin)} m, x along {_numbers(x)}, z along {_numbers(z)}"


def _numbers(values: Sequence[float] | FloatArray) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in values) + ")"
