"""Grasps on an object: a line from finger to finger for each, in the colour of its score."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse
from selfgrasp.vision.project import project_world
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.patches import score_color
from selfgrasp.viz.picture import Picture

_OUTSIDE = 0.008
"""m that a line goes on beyond each contact, to where the finger is."""
_BEHIND = 0.002
"""m by which a point may lie behind what the view sees there, and still is seen."""
_PALE = 0.9
"""How much of its colour the object loses."""
_INSIDE = 0.5
"""Opacity of a line inside of the object or behind it."""


def contact_lines(view: View, contacts: FloatArray, scores: FloatArray) -> Picture:
    """The view, paler, with a line through both contacts of each grasp: bright where it comes out
    of the object, and pale where it is inside or behind. The best lie on top.

    Args:
        view: of the object, with depth.
        contacts: (N, 2, 3) m in the world.
        scores: (N,) 0..1.
    """
    assert view.depth is not None
    gray = cv2.cvtColor(view.color, cv2.COLOR_RGB2GRAY)[..., None]
    pale = (1 - _PALE) * view.color + _PALE * (0.7 * gray + 0.3 * 255)
    canvas = Canvas(view, scale=1, picture=pale.astype(np.uint8))
    clear = canvas.picture.copy()
    between = contacts[:, 1] - contacts[:, 0]
    along = between / np.linalg.norm(between, axis=1, keepdims=True)
    ends = contacts + _OUTSIDE * np.stack([-along, along], axis=1)
    order = np.argsort(scores, kind="stable")
    for index in order:
        canvas.line(ends[index], score_color(scores[index]), width=1.6)
    canvas.picture[:] = cv2.addWeighted(canvas.picture, _INSIDE, clear, 1 - _INSIDE, 0.0)
    shown = is_seen(view, 0.5 * (contacts + ends))
    for index in order:
        for side in np.flatnonzero(shown[index]):
            stub = [contacts[index, side], ends[index, side]]
            canvas.line(stub, score_color(scores[index]), width=2.2)
            canvas.dot(contacts[index, side], score_color(scores[index]), radius=2.6)
    return canvas.picture


def is_seen(view: View, points: FloatArray) -> NDArray[np.bool_]:
    """(...) whether nothing hides each of (..., 3) m points in a view with depth; false outside of
    the picture."""
    assert view.depth is not None
    flat = points.reshape(-1, 3)
    pixels = np.floor(np.nan_to_num(project_world(flat, view), nan=-1.0)).astype(np.int64)
    height, width = view.size
    inside = np.asarray(((pixels >= 0) & (pixels < (width, height))).all(axis=1))
    column, row = np.where(inside[:, None], pixels, 0).T
    depth = apply(inverse(view.world_from_camera), flat)[:, 2]
    seen = np.nan_to_num(view.depth[row, column], nan=np.inf)
    shown: NDArray[np.bool_] = (inside & (depth < seen + _BEHIND)).reshape(points.shape[:-1])
    return shown
