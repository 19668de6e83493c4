"""Where in a picture grasps are wanted: a mask, a box in the world, or the table's own patch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import (
    Action,
    Context,
    Grasp,
    InputError,
    Observation,
    Plan,
    Push,
    View,
    Workspace,
)
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.vision.project import deproject
from selfgrasp.vision.region import Region, around_points, table_patch
from selfgrasp.vision.table import visible_workspace

_TABLE_BAND = 0.012
"""m above and below the table within which a point is the table's."""
_LARGEST = 1.0
_ON_THE_WAY = 21
"""Places along a push."""
_EDGE = 0.01
"""m that a thing at the table's edge may lean over it."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where grasps may be: a box for the policy, and cells inside it."""

    workspace: Workspace
    region: Region


def place_of(
    view: View, wanted: NDArray[np.bool_] | None, corners: tuple[float, ...], surface: float
) -> Place:
    """The place for grasps.

    Args:
        view: the picture.
        wanted: (H, W) bool, pixels on which grasps are wanted, or None.
        corners: m, x y x y or x y z x y z of two opposite corners in the world, or empty.
        surface: m, the table's height in the world.

    Raises:
        InputError: corners that make no box, or a place that the picture does not show.
    """
    assert view.depth is not None
    points = apply(view.world_from_camera, deproject(view.depth, view.intrinsics))
    if wanted is None and not corners:
        return _table(view, points, surface)
    whole = visible_workspace(view.depth, view.intrinsics, view.world_from_camera, surface)
    seen = points[..., :2][np.isfinite(points[..., 2])]
    box = _box(corners, whole, seen) if corners else None
    if wanted is None:
        assert box is not None
        return Place(box, _rectangle(box))
    return _marked(points[wanted][:, :2], whole, box)


def _marked(xy: FloatArray, whole: Workspace, box: Workspace | None) -> Place:
    """Around points (N, 2) m, inside of the box where there is one; at most 1 m a side, since a
    mask that spills over an edge reaches as far as the room does."""
    region = around_points(xy)
    if region is None:
        raise InputError(
            given="a mask or a polygon on pixels without a return",
            wanted="one on things that the depth picture shows",
        )
    middle = np.nanmedian(xy, axis=0)
    low, high = region.bounds()
    low, high = np.maximum(low, middle - _LARGEST / 2), np.minimum(high, middle + _LARGEST / 2)
    heights = box or whole
    if box is not None:
        low, high = np.maximum(low, box.low[:2]), np.minimum(high, box.high[:2])
    if not (low < high).all():
        raise InputError(
            given="a mask or a polygon outside of --workspace", wanted="places that overlap"
        )
    workspace = Workspace(
        np.append(low, heights.low[2]), np.append(high, heights.high[2]), whole.surface
    )
    return Place(workspace, region)


def _table(view: View, points: FloatArray, surface: float) -> Place:
    """The table's largest patch, and what stands on it."""
    assert view.depth is not None
    with np.errstate(invalid="ignore"):
        on_table = points[np.abs(points[..., 2] - surface) < _TABLE_BAND]
    region = table_patch(on_table[:, :2])
    if region is None:
        raise InputError(
            given=f"a table at {surface:.3f} m", wanted="a height that the picture shows"
        )
    region = region.grown(_EDGE)
    depth = _only_near(view, region).depth
    assert depth is not None
    return Place(visible_workspace(depth, view.intrinsics, view.world_from_camera, surface), region)


def _box(corners: tuple[float, ...], whole: Workspace, seen: FloatArray) -> Workspace:
    """The box between two corners, as far as points `seen` (N, 2) m reach; the table's heights
    where they have none. What is longer than 1 m is cut to the table's visible middle."""
    if len(corners) not in (4, 6) or not np.isfinite(corners).all():
        raise InputError(
            given=f"--workspace of {len(corners)} numbers",
            wanted="x y x y or x y z x y z of two opposite corners in the world, m",
        )
    ends: FloatArray = np.array(corners).reshape(2, -1)
    low, high = ends.min(axis=0), ends.max(axis=0)
    if len(low) == 2:
        low, high = np.append(low, whole.low[2]), np.append(high, whole.high[2])
    if not (low < high).all():
        raise InputError(given=f"--workspace from {low} to {high}", wanted="two corners of a box")
    said = f"--workspace from x {low[0]:g}, y {low[1]:g} to x {high[0]:g}, y {high[1]:g} m"
    lowest, highest = seen.min(axis=0), seen.max(axis=0)
    low[:2], high[:2] = np.maximum(low[:2], lowest), np.minimum(high[:2], highest)
    long = high[:2] - low[:2] > _LARGEST
    low[:2] = np.where(long, np.maximum(low[:2], whole.low[:2]), low[:2])
    high[:2] = np.where(long, np.minimum(high[:2], whole.high[:2]), high[:2])
    inside = ((seen >= low[:2]) & (seen <= high[:2])).all(axis=-1)
    if not (low < high).all() or not inside.any():
        raise InputError(
            given=said,
            wanted="a place that the picture shows",
            exists=f"x from {lowest[0]:.3f} to {highest[0]:.3f} and y from {lowest[1]:.3f} to "
            f"{highest[1]:.3f} m",
        )
    return Workspace(low, high, whole.surface)


def _rectangle(box: Workspace) -> Region:
    cell = max(0.004, float((box.high - box.low)[:2].max()) / 2500)
    columns, rows = np.maximum(np.ceil((box.high - box.low)[:2] / cell - 1e-9).astype(int), 1)
    return Region(box.low[:2], cell, np.ones((rows, columns), np.bool_))


def only_near(context: Context, region: Region) -> Context:
    """The context with no return outside of a region."""
    views = {name: _only_near(view, region) for name, view in context.observation.views.items()}
    seen = context.observation
    return replace(context, observation=Observation(seen.time, views, seen.hand))


def _only_near(view: View, region: Region) -> View:
    assert view.depth is not None
    points = apply(view.world_from_camera, deproject(view.depth, view.intrinsics))
    depth = np.where(region.contains(points[..., :2]), view.depth, np.float32(np.nan))
    return View(view.color, depth, view.intrinsics, view.world_from_camera)


def kept_inside(plan: Plan, region: Region) -> Plan:
    """The plan without what lies outside of a region; the best of the rest is chosen where the
    chosen one is outside."""
    kept = [i for i, action in enumerate(plan.actions) if _is_inside(action, region)]
    if not kept:
        return Plan.nothing("all that the policy proposes lies outside of the place given")
    return Plan(
        tuple(plan.actions[i] for i in kept),
        plan.scores[kept],
        calibrated=plan.calibrated,
        chosen=kept.index(plan.chosen) if plan.chosen in kept else None,
        probability=plan.probability if plan.chosen in kept else 1.0,
        maps=plan.maps,
    )


def _is_inside(action: Action, region: Region) -> bool:
    """Whether a grasp lies in a region, or a push goes through it: it begins beside what it
    moves."""
    match action:
        case Grasp():
            return bool(region.contains(action.world_from_tool[:2, 3]))
        case Push():
            way = np.linspace(action.start[:2], action.end[:2], _ON_THE_WAY)
            return bool(region.contains(way).any())
        case _:
            return False
