"""Candidates from shapes alone: an object in a stable pose under a camera, grasps from above, and
their analytic labels (Mahler et al. 2017, section IV-A)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core import Candidates
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, looking_at, pose, top_down
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.grasps import Grasps, SamplerConfig, collision_free, sample_grasps
from selfgrasp.objects.quality.robust import Robustness, Uncertainty, robustness
from selfgrasp.objects.stable import StablePose

LABELS = ("epsilon", "closure", "free", "resist")
"""epsilon: robust epsilon quality, 0 for a grasp that collides on its way down: what Dex-Net 2.0
thresholds at 0.002. closure: the probability of force closure. free: whether the open hand comes
down without a collision. resist: closure and free x the friction of both fingers over the force
that a shake at 25 m/s^2 takes, with the lever of the center of mass."""
_SURFACE_POINTS = 4_000
_SHAKE = 25.0
_LEVER = 0.010
"""m from the axis to the center of mass at which a shake takes sqrt(2) of the force."""


@dataclass(frozen=True)
class CameraRange:
    """Where cameras are, and what they see.

    Attributes:
        distance: m from the object, from and to.
        tilt: rad from the vertical, at most.
        roll: rad about the optical axis, at most.
        offset: m that the optical axis passes beside the object at most, in x and y.
        picture_px: side of the square pictures.
        view: m of the table that a picture covers at its middle, when it looks straight down.
    """

    distance: tuple[float, float] = (0.60, 0.85)
    tilt: float = 0.35
    roll: float = 0.05
    offset: float = 0.03
    picture_px: int = 96
    view: float = 0.28


@dataclass(frozen=True)
class SceneRecipe:
    """How candidates are made.

    Attributes:
        grasps: of each pose that is drawn.
        pictures: of each pose, from cameras of their own; all show the same grasps.
        sampler: of grasps.
        unknown: of robust quality.
        camera: where pictures are taken from.
    """

    grasps: int = 50
    pictures: int = 5
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    unknown: Uncertainty = field(default_factory=Uncertainty)
    camera: CameraRange = field(default_factory=CameraRange)


def make_scene(
    item: ObjectModel,
    lies: StablePose,
    gripper: GripperSpec,
    rng: np.random.Generator,
    recipe: SceneRecipe | None = None,
) -> Candidates:
    """All grasps of one pose in all its pictures, in the frame of the table; none where nothing can
    be grasped. A grasp at the picture's border is left out of it."""
    recipe = recipe or SceneRecipe()
    turn = _about_z(rng.uniform(-np.pi, np.pi))
    table_from_object = turn @ lies.table_from_object
    grasps = sample_grasps(item, table_from_object, recipe.grasps, gripper, rng, recipe.sampler)
    labels = label_grasps(item, table_from_object, grasps, gripper, rng, recipe.unknown)
    tools = np.array(
        [
            top_down((*center[:2], tip), yaw)
            for center, tip, yaw in zip(grasps.centers, grasps.tips, grasps.yaws, strict=True)
        ]
    ).reshape(-1, 4, 4)
    views = recipe.pictures if len(grasps) else 0
    cameras = [_camera(lies.height, recipe.camera, rng) for _ in range(views)]
    side = recipe.camera.picture_px
    pictures = [
        depth_picture(item.parts, table_from_object, camera, intrinsics, (side, side))
        for camera, intrinsics in cameras
    ]
    return Candidates(
        depth=np.array(pictures, dtype=np.float32).reshape(-1, side, side),
        intrinsics=np.array([k for _, k in cameras]).reshape(-1, 3, 3),
        world_from_camera=np.array([camera for camera, _ in cameras]).reshape(-1, 4, 4),
        objects=(item.name,) * views,
        view=np.repeat(np.arange(views, dtype=np.int64), len(grasps)),
        world_from_tool=np.tile(tools, (views, 1, 1)),
        width=np.tile(grasps.openings, views),
        labels={name: np.tile(values, views).astype(np.float32) for name, values in labels.items()},
    )


def label_grasps(
    item: ObjectModel,
    table_from_object: FloatArray,
    grasps: Grasps,
    gripper: GripperSpec,
    rng: np.random.Generator,
    unknown: Uncertainty | None = None,
) -> dict[str, FloatArray]:
    """Name to (N,) of `LABELS`."""
    unknown = unknown or Uncertainty()
    points = apply(table_from_object, item.surface_points(_SURFACE_POINTS, rng))
    free = collision_free(points, grasps, gripper).astype(np.float64)
    centers, axes = grasps.in_object(table_from_object)
    robust = robustness(item.parts, centers, axes, grasps.openings, rng, unknown)
    return {
        "epsilon": robust.epsilon * free,
        "closure": robust.closure,
        "free": free,
        "resist": _resist(item, centers, axes, robust, gripper, unknown) * free,
    }


def _resist(
    item: ObjectModel,
    centers: FloatArray,
    axes: FloatArray,
    robust: Robustness,
    gripper: GripperSpec,
    unknown: Uncertainty,
) -> FloatArray:
    lever = np.linalg.norm(np.cross(axes, centers), axis=1)
    wanted = item.mass * _SHAKE * np.sqrt(1.0 + (lever / _LEVER) ** 2)
    force = 2.0 * unknown.friction * gripper.max_force
    resist: FloatArray = robust.closure * force / wanted
    return resist


def _camera(
    height: float, camera: CameraRange, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """table_from_camera (4, 4), which looks at the object or beside it, and intrinsics (3, 3)."""
    distance = rng.uniform(*camera.distance)
    tilt, azimuth = rng.uniform(0.0, camera.tilt), rng.uniform(-np.pi, np.pi)
    target = np.array([*rng.uniform(-camera.offset, camera.offset, 2), height])
    away = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    placed = looking_at(target + distance * away, target) @ _about_z(
        rng.uniform(-np.pi, np.pi) + rng.uniform(-camera.roll, camera.roll)
    )
    side = camera.picture_px
    focal = side * 0.7 / camera.view
    return placed, np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1.0]])


def _about_z(angle: float) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    return pose(rotation=np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]))
