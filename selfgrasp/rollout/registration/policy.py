"""The policy of registration."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Context, Grasp, GripperSpec, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.rollout.registration.kept import known_poses
from selfgrasp.rollout.registration.known import KnownConfig, KnownPoses
from selfgrasp.rollout.registration.registered import RegisterConfig, Registered, register
from selfgrasp.vision import MINIMUM_HEIGHT, Heightmap, regions, world_points
from selfgrasp.vision.grasp_pose import turned
from selfgrasp.vision.scene_map import SceneMap, scene_map

NO_GRASP = "no grasp of the known objects that it looks like lies inside the workspace"
_COLLIDES = 1.0
"""By which a grasp's score falls whose fingers would come down on what is seen."""
_OVER = 0.003
"""m that what is seen under a finger may be above its tip: as much as noise and edges are off."""


@dataclass(frozen=True)
class RegistrationConfig:
    """What is known, and how it is found.

    Attributes:
        view: name of the view; None takes the first with depth.
        pixel: m, side of a heightmap cell.
        objects: sets or folders of the known objects.
        shapes: known objects of each, from its beginning; None for all.
        known: how much is known of each.
        register: how one is found.
    """

    view: str | None = None
    pixel: float = 0.0025
    objects: tuple[str, ...] = ("train",)
    shapes: int | None = None
    known: KnownConfig = field(default_factory=KnownConfig)
    register: RegisterConfig = field(default_factory=RegisterConfig)


@dataclass(frozen=True, eq=False)
class Found:
    """The object that is looked at, alone.

    Attributes:
        above_table: heights of it, in m above the table; 0 elsewhere.
        middle: (2,) m of it.
        cloud: (N, 3) m, its points, with the table at z = 0.
    """

    above_table: Heightmap
    middle: FloatArray
    cloud: FloatArray


@dataclass(frozen=True)
class RegistrationPolicy:
    """The best grasp that is known of the known object that fits what is seen.

    Made for one object on a table; of several regions it takes the largest. A known grasp whose
    fingers would come down on what is seen comes last.
    """

    config: RegistrationConfig = field(default_factory=RegistrationConfig)
    name: str = "registration"
    privileged: tuple[str, ...] = ()

    def prepare(self, gripper: GripperSpec) -> KnownPoses:
        """What is known, for this gripper; made where it is not in the user's cache.

        Raises:
            InputError: see `known_poses`.
        """
        config = self.config
        return known_poses(config.objects, config.shapes, gripper, config.known)

    def plan(self, context: Context) -> Plan:
        """Grasps of the known object that fits best and has one that is free; a score is robust
        epsilon quality, less 1 for a grasp that collides."""
        config, spec = self.config, context.spec
        seen = scene_map(context, view=config.view, pixel=config.pixel)
        if seen.reason:
            return Plan.nothing(seen.reason)
        known = self.prepare(spec.gripper)
        found = largest(seen, spec.workspace.surface)
        fits = register(known, found.above_table, found.middle, found.cloud, config.register)
        plans = [plan for fit in fits if (plan := _plan(known, fit, seen.map, context))]
        if not plans:
            return Plan.nothing(NO_GRASP)
        return next((plan for plan in plans if plan.score > 0), plans[0])


def largest(seen: SceneMap, surface: float) -> Found:
    """The largest region of a scene."""
    whole = regions(seen.mask, minimum_px=1)
    label = int(whole.area_px.argmax()) + 1
    own: NDArray[np.bool_] = whole.labels == label
    above = np.where(own, np.maximum(seen.map.height - surface, 0.0), 0.0).astype(np.float32)
    points = world_points(seen.view).reshape(-1, 3)
    points = points[points[:, 2] > surface + MINIMUM_HEIGHT] - (0.0, 0.0, surface)
    cells = np.floor(seen.map.cells(points[:, :2])).astype(np.int64)
    rows, columns = own.shape
    inside: NDArray[np.bool_] = np.all((cells >= 0) & (cells < (columns, rows)), axis=1)
    inside[inside] = own[cells[inside, 1], cells[inside, 0]]
    middle = seen.map.world_xy(whole.centroid[label - 1])
    return Found(replace(seen.map, height=above), middle, points[inside])


def _plan(known: KnownPoses, fit: Registered, seen: Heightmap, context: Context) -> Plan | None:
    """The known grasps where the object was found, those inside the workspace; None without one."""
    spec = context.spec
    count = int(np.isfinite(known.quality[fit.index]).sum())
    x, y, tips, yaws, openings = known.grasps[fit.index, :count].T
    turn, shift = fit.table_from_known[:2, :2], fit.table_from_known[:2, 3]
    xy = np.stack([x, y], axis=-1) @ turn.T + shift
    z = np.clip(tips + spec.workspace.surface, spec.workspace.low[2], spec.workspace.high[2])
    yaws = yaws + yaw_of(fit.table_from_known)
    openings = np.minimum(openings, spec.gripper.opening)
    low, high = spec.workspace.low[:2], spec.workspace.high[:2]
    inside: NDArray[np.bool_] = np.all((xy >= low) & (xy <= high), axis=1)
    if not inside.any():
        return None
    free = fingers_free(seen, xy, yaws, z, openings, spec.gripper)
    scores = known.quality[fit.index, :count] - _COLLIDES * ~free
    order = np.argsort(-scores, kind="stable")
    actions = tuple(
        Grasp(top_down((*xy[i], z[i]), float(yaws[i])), float(openings[i]))
        for i in order
        if inside[i]
    )
    return Plan(actions, scores[order][inside[order]])


def fingers_free(
    seen: Heightmap,
    xy: FloatArray,
    yaw: FloatArray,
    z: FloatArray,
    opening: FloatArray,
    gripper: GripperSpec,
) -> NDArray[np.bool_]:
    """(N,) whether nothing that is seen rises above the fingertips where they come down.

    Args:
        seen: the map.
        xy: (N, 2) m, between the fingertips.
        yaw: (N,) rad, closing directions.
        z: (N,) m, of the fingertips.
        opening: (N,) m between the fingers.
        gripper: whose fingers come down.
    """
    along, across = np.meshgrid(
        np.linspace(0.0, gripper.finger_thickness, 5),
        np.linspace(-0.5, 0.5, 5) * gripper.finger_breadth,
    )
    finger = np.stack([along.ravel(), across.ravel()], axis=-1)
    free: NDArray[np.bool_] = np.ones(len(xy), np.bool_)
    for side in (-1.0, 1.0):
        inner = side * opening[:, None] / 2 * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
        places = (xy + inner)[:, None] + turned(finger * (side, 1.0), yaw)
        free &= seen.height_at(places).max(axis=1) <= z + _OVER
    return free
