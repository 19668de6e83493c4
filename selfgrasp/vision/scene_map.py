"""The heightmap of a scene, and the cells in reach that are not table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Context, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.vision.foreground import foreground, regions
from selfgrasp.vision.heightmap import Heightmap, heightmap

NO_DEPTH = "the view has no depth"
NO_RETURN = "the camera measured no depth anywhere in the workspace"
EMPTY = "nothing rises above the table in the workspace"


@dataclass(frozen=True, eq=False)
class SceneMap:
    """What policies plan on that look from above.

    Attributes:
        view: the view that it is made of.
        map: the heightmap; flat for a monocular view.
        mask: (H, W) bool, cells of objects inside the workspace.
        reason: why there are none; empty when there are.
    """

    view: View
    map: Heightmap
    mask: NDArray[np.bool_]
    reason: str = ""


def scene_map(context: Context, *, view: str | None, pixel: float) -> SceneMap:
    """Map the view called `view` (or the first with depth, or the first) and find what rises above
    the table."""
    seen = view_with_depth(context.observation, view)
    workspace = context.spec.workspace
    top = heightmap(seen, workspace, pixel=pixel, colored=False)
    inside = in_reach(top, context)
    if seen.depth is not None:
        mask: NDArray[np.bool_] = foreground(top, surface=workspace.surface) & inside
        reason = EMPTY if top.valid[inside].any() else NO_RETURN
    else:
        mask, reason = np.zeros_like(inside), NO_DEPTH
    mask = regions(mask).labels > 0
    return SceneMap(seen, top, mask, "" if mask.any() else reason)


def in_reach(top: Heightmap, context: Context) -> NDArray[np.bool_]:
    """(H, W) bool: cells whose centre lies inside the workspace. A map's axes are the world's, so
    columns and rows are judged apart."""
    low, high = context.spec.workspace.low[:2], context.spec.workspace.high[:2]
    rows, cols = top.height.shape
    x = top.world_xy(np.stack([np.arange(cols) + 0.5, np.full(cols, 0.5)], axis=-1))[:, 0]
    y = top.world_xy(np.stack([np.full(rows, 0.5), np.arange(rows) + 0.5], axis=-1))[:, 1]
    inside: NDArray[np.bool_] = ((y >= low[1]) & (y <= high[1]))[:, None] & (
        (x >= low[0]) & (x <= high[0])
    )[None]
    return inside


def cell_centres(top: Heightmap) -> FloatArray:
    """(H, W, 2) m, world xy of the cells' centres."""
    rows, cols = top.height.shape
    return top.world_xy(
        np.stack(np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5), axis=-1)
    )


def evenly_over_objects(
    seen: SceneMap, *, points: int = 40, angles: int = 8
) -> tuple[FloatArray, FloatArray]:
    """(N, 2) m and (N,) rad: candidates evenly over the object cells, for objects without clean
    edges."""
    centres = cell_centres(seen.map)[seen.mask]
    chosen = centres[np.linspace(0, len(centres) - 1, min(points, len(centres))).astype(np.int64)]
    yaw = np.arange(angles) * math.pi / angles
    return np.repeat(chosen, angles, axis=0), np.tile(yaw, len(chosen))


def view_with_depth(observation: Observation, name: str | None) -> View:
    """The view called `name`; without a name the first with depth, or the first.

    Raises:
        InputError: no such view.
    """
    if name is not None:
        return observation.view(name)
    with_depth = [n for n, v in observation.views.items() if v.depth is not None]
    return observation.view(with_depth[0] if with_depth else None)
