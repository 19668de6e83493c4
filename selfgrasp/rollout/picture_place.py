"""Where in a picture grasps are wanted: a mask, a box in the world, or the table's own patch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Context, Grasp, InputError, Observation, Plan, View, Workspace
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.vision.project import deproject
from selfgrasp.vision.region import Region, around_points, table_patch
from selfgrasp.vision.table import visible_workspace

_TABLE_BAND = 0.012
"""m above and below the table within which a point is the table's."""
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
    whole = visible_workspace(view.depth, view.intrinsics, view.world_from_camera, surface)
    box = _box(corners, whole) if corners else None
    if wanted is not None:
        region = around_points(points[wanted][:, :2])
    elif box is not None:
        region = _rectangle(box)
    else:
        return _table(view, points, surface)
    if region is None:
        raise InputError(
            given="a mask or a polygon on pixels without a return",
            wanted="one on things that the depth picture shows",
        )
    low, high = region.bounds()
    limits = box or Workspace(np.append(low, whole.low[2]), np.append(high, whole.high[2]), surface)
    inner_low, inner_high = np.maximum(low, limits.low[:2]), np.minimum(high, limits.high[:2])
    seen = points[..., :2][np.isfinite(points[..., 2])]
    inside = ((seen >= inner_low) & (seen <= inner_high)).all(axis=-1)
    if not (inner_low < inner_high).all() or not inside.any():
        lowest, highest = seen.min(axis=0), seen.max(axis=0)
        raise InputError(
            given=f"a place for grasps from x {inner_low[0]:.3f} to {inner_high[0]:.3f} and from y "
            f"{inner_low[1]:.3f} to {inner_high[1]:.3f} m of the world",
            wanted="one that the picture shows",
            exists=f"x from {lowest[0]:.3f} to {highest[0]:.3f} and y from {lowest[1]:.3f} to "
            f"{highest[1]:.3f} m",
        )
    workspace = Workspace(
        np.append(inner_low, limits.low[2]), np.append(inner_high, limits.high[2]), surface
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


def _box(corners: tuple[float, ...], whole: Workspace) -> Workspace:
    """The box between two corners; the table's heights where they have none."""
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
    """The plan without grasps outside of a region; the best of the rest is chosen where the chosen
    one is outside."""
    kept = [
        i
        for i, action in enumerate(plan.actions)
        if isinstance(action, Grasp) and region.contains(action.world_from_tool[:2, 3])
    ]
    if not kept:
        return Plan.nothing("every grasp that the policy proposes lies outside of the place given")
    return Plan(
        tuple(plan.actions[i] for i in kept),
        plan.scores[kept],
        calibrated=plan.calibrated,
        chosen=kept.index(plan.chosen) if plan.chosen in kept else None,
        probability=plan.probability if plan.chosen in kept else 1.0,
        maps=plan.maps,
    )
