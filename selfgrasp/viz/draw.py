"""Drawing actions over what a camera saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfgrasp.core import Grasp, Push, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse
from selfgrasp.vision.project import project_world
from selfgrasp.viz.kinds import HELD, color_of
from selfgrasp.viz.picture import Color, Picture, upscale

FINGER_BREADTH = 0.02
"""Metres. Drawn where a picture's maker does not know the gripper."""

_SUBPIXEL_BITS = 4
_HALO: Color = (16, 18, 22)
_NEAREST_DEPTH = 0.01


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture, in camera pixels."""

    left: int
    top: int
    width: int
    height: int

    @staticmethod
    def whole(view: View) -> Window:
        """All of the view."""
        return Window(0, 0, view.size[1], view.size[0])

    @staticmethod
    def around(view: View, world_point: FloatArray, side: float) -> Window:
        """The square of about `side` m around `world_point` (3,) m, moved so that it lies inside
        the picture."""
        center = project_world(world_point, view)
        distance = float(apply(inverse(view.world_from_camera), world_point)[2])
        height, width = view.size
        if not np.isfinite(center).all():
            center = np.array([width / 2, height / 2])
        pixels = round(side * float(view.intrinsics[0, 0]) / max(distance, _NEAREST_DEPTH))
        pixels = int(np.clip(pixels, 16, min(height, width)))
        left = int(np.clip(round(center[0] - pixels / 2), 0, width - pixels))
        top = int(np.clip(round(center[1] - pixels / 2), 0, height - pixels))
        return Window(left, top, pixels, pixels)


class Canvas:
    """An enlarged copy of a view's picture that is drawn on with world coordinates. The view itself
    never changes."""

    def __init__(
        self,
        view: View,
        *,
        scale: int = 3,
        window: Window | None = None,
        picture: Picture | None = None,
    ) -> None:
        """Starts from the view's colours.

        Args:
            view: what was seen.
            scale: how many canvas pixels a camera pixel becomes.
            window: the part to show; all of it by default.
            picture: other colours of the view's size to start from (an after picture, a depth
                picture at scale 1).
        """
        self._view, self._scale = view, scale
        self._window = window or Window.whole(view)
        w = self._window
        source = view.color if picture is None else picture
        self.picture: Picture = upscale(
            np.ascontiguousarray(source[w.top : w.top + w.height, w.left : w.left + w.width]), scale
        )

    @property
    def unit(self) -> float:
        """Canvas pixels that look like one: line widths are given in it, so that drawings keep
        their weight at any size."""
        return max(float(self.picture.shape[0]) / 420.0, 0.5)

    def pixels(self, world_points: ArrayLike) -> FloatArray:
        """(N, 2) canvas coordinates of (N, 3) m points, NaN behind the camera."""
        points = np.asarray(world_points, dtype=np.float64).reshape(-1, 3)
        return (
            project_world(points, self._view) - (self._window.left, self._window.top)
        ) * self._scale

    def line(self, world_points: ArrayLike, color: Color, *, width: float = 2.0) -> None:
        """A line through (N, 3) m points, `width` units thick, with a dark edge that keeps it
        legible on any ground."""
        corners = self.pixels(world_points)
        if len(corners) < 2 or not np.isfinite(corners).all() or np.abs(corners).max() > 1e5:
            return
        fixed = [_fixed(corners)]
        thickness = max(1, round(width * self.unit))
        cv2.polylines(
            self.picture,
            fixed,
            False,
            _HALO,
            thickness + max(1, round(0.7 * self.unit + 0.35 * thickness)),
            cv2.LINE_AA,
            _SUBPIXEL_BITS,
        )
        cv2.polylines(self.picture, fixed, False, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)

    def dot(
        self, world_point: ArrayLike, color: Color, *, radius: float = 3.0, filled: bool = True
    ) -> None:
        """A dot of `radius` units at a (3,) m point."""
        center = self.pixels(world_point)
        if not np.isfinite(center).all() or np.abs(center).max() > 1e5:
            return
        (x, y) = (int(v) for v in _fixed(center)[0])
        r = round(radius * self.unit * 2**_SUBPIXEL_BITS)
        edge = max(1, round(self.unit))
        cv2.circle(
            self.picture,
            (x, y),
            r + round(1.2 * self.unit * 2**_SUBPIXEL_BITS),
            _HALO,
            -1 if filled else edge + 2,
            cv2.LINE_AA,
            _SUBPIXEL_BITS,
        )
        cv2.circle(
            self.picture, (x, y), r, color, -1 if filled else edge, cv2.LINE_AA, _SUBPIXEL_BITS
        )

    def arrow(
        self, start: FloatArray, end: FloatArray, color: Color, *, width: float = 2.5
    ) -> None:
        """A flat arrow from `start` to `end`, (3,) m each, its head as long as a quarter of it."""
        along = end - start
        across = np.cross(along, (0.0, 0.0, 1.0))
        for side in (-0.15, 0.15):
            self.line([end, end - 0.25 * along + side * across], color, width=width)
        self.line([start, end], color, width=width)

    def grasp(
        self,
        grasp: Grasp,
        color: Color,
        *,
        width: float | None = None,
        breadth: float = FINGER_BREADTH,
        weight: float = 1.0,
        solid: bool = True,
    ) -> None:
        """A grasp: two finger bars, the closing axis between them, and the point between the
        fingertips.

        Args:
            grasp: its tool pose.
            color: of all lines.
            width: m between the bars; the grasp's own by default.
            breadth: m of a finger across the closing direction.
            weight: of the lines, 1 = normal.
            solid: whether the point in the middle is filled, which tells a held from a missed grasp
                without colour.
        """
        fingers = finger_bars(grasp, width=width, breadth=breadth)
        middle = fingers.mean(axis=1)
        self.line(middle, color, width=max(1.9 * weight, 2 / self.unit))
        for bar in fingers:
            self.line(bar, color, width=4.0 * weight)
        self.dot(grasp.world_from_tool[:3, 3], color, radius=3.2 * weight, filled=solid)

    def push(self, push: Push, color: Color) -> None:
        """A push: its start and an arrow along its way."""
        self.arrow(push.start, push.end, color)
        self.dot(push.start, color)


def finger_bars(
    grasp: Grasp, *, width: float | None = None, breadth: float = FINGER_BREADTH
) -> FloatArray:
    """(2, 2, 3) m: the two fingers, each from end to end along tool y, at plus and minus half the
    width along tool x."""
    half = (grasp.width if width is None else width) / 2
    tool_points = np.array(
        [[[side * half, end * breadth / 2, 0.0] for end in (-1, 1)] for side in (-1, 1)]
    )
    return apply(grasp.world_from_tool, tool_points)


def scene_overlay(
    view: View,
    grasps: Sequence[Grasp],
    kinds: Sequence[str],
    *,
    scale: int = 3,
    breadth: float = FINGER_BREADTH,
) -> Picture:
    """The view with every tried grasp, in the colours of what became of it; held ones lie on top.

    Args:
        view: the scene as it was first seen.
        grasps: (N,) the tries.
        kinds: (N,) "held", "missed" or a fault's name.
        scale: canvas pixels a camera pixel.
        breadth: m of a finger across the closing direction.
    """
    canvas = Canvas(view, scale=scale)
    weight = float(np.clip(6.0 / max(len(grasps), 1) ** 0.5, 0.4, 0.8))
    for grasp, kind in sorted(zip(grasps, kinds, strict=True), key=lambda pair: pair[1] == HELD):
        canvas.grasp(grasp, color_of(kind), breadth=breadth, weight=weight, solid=kind == HELD)
    return canvas.picture


def _fixed(corners: FloatArray) -> NDArray[np.int32]:
    """OpenCV counts from pixel centres and takes fixed-point coordinates."""
    fixed: NDArray[np.int32] = np.round((corners - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
    return fixed
