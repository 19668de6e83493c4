"""Heightmaps of the demo as pictures: what the networks see, and what they make of it."""

from __future__ import annotations

import cv2
import numpy as np

from selfgrasp.core import Action, Grasp, Heat, Push, View
from selfgrasp.core.pose import apply, looking_at
from selfgrasp.vision import Heightmap
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.heat import CHOSEN_COLOR, Span, heat_overlay
from selfgrasp.viz.picture import Picture

SCALE = 4
"""Pixels of a picture for a cell of the map."""
DIRECTIONS = 12
"""Bars or arrows on a map of values, at most."""
_FAR = 9.9
"""m above the map, from where a camera is as good as orthographic: what is 5 cm high moves by 0.5 %
of its distance from the middle."""
_SUN = np.array([-0.5, 0.6])
_NOISE = 0.008
"""m of height that are smoothed before slopes are shown."""
_SHADE = 0.9
"""By which share a slope of 45 degrees towards the sun is brighter."""


def view_of_map(top: Heightmap) -> View:
    """The map as a view from far above, x to the right and y up."""
    rows, columns = top.height.shape
    x, y, _ = apply(top.world_from_map, np.array([columns, rows, 0.0]) * top.pixel / 2)
    focal = _FAR / top.pixel
    intrinsics = np.array([[focal, 0.0, columns / 2], [0.0, focal, rows / 2], [0.0, 0.0, 1.0]])
    above = looking_at((x, y, _FAR), (x, y, 0.0), up=(0.0, 1.0, 0.0))
    depth = (_FAR - top.height[::-1]).astype(np.float32)
    return View(np.ascontiguousarray(top.color[::-1]), depth, intrinsics, above)


def map_picture(top: Heightmap, chosen: Action | None, *, breadth: float) -> Picture:
    """Colors and slopes of the map, with the action that was done."""
    canvas = Canvas(view_of_map(top), scale=SCALE, picture=_shaded(top))
    match chosen:
        case Grasp():
            canvas.grasp(chosen, CHOSEN_COLOR, breadth=breadth)
        case Push():
            canvas.push(chosen, CHOSEN_COLOR)
    return canvas.picture


def value_picture(
    top: Heightmap,
    heat: Heat,
    chosen: Grasp | Push | None,
    *,
    surface: float,
    span: Span,
    breadth: float,
) -> Picture:
    """The best value at every place of the map, its direction at the best places, and the action
    that was done, where it is one of these."""
    view = view_of_map(top)
    gray = cv2.cvtColor(_shaded(top), cv2.COLOR_RGB2GRAY)
    plain = View(np.dstack([gray] * 3), view.depth, view.intrinsics, view.world_from_camera)
    return heat_overlay(
        plain,
        heat,
        surface=surface,
        chosen=chosen,
        span=span,
        scale=SCALE,
        bars=DIRECTIONS,
        breadth=breadth,
    )


def _shaded(top: Heightmap) -> Picture:
    """The map's colors, y up, slopes towards the sun brighter and those away from it darker."""
    smooth = cv2.bilateralFilter(top.height[::-1].copy(), 5, _NOISE, 2.0)
    down, right = np.gradient(smooth / top.pixel)
    toward = np.tanh(_SUN[0] * right + _SUN[1] * down)
    shaded = np.clip(top.color[::-1] * (1.0 + _SHADE * toward[..., None]), 0, 255)
    return np.asarray(shaded, np.uint8)
