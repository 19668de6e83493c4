"""Candidates from shapes alone: objects as they lie under cameras, grasps from above, and their
analytic labels (Mahler et al. 2017, section IV-A; heaps: Mahler and Goldberg 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Candidates
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import looking_at, pose, rotation_about_z
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.lying import Lying, surface_of
from selfgrasp.objects.part import Part
from selfgrasp.objects.quality.grasps import (
    BELOW_CONTACT,
    Grasps,
    SamplerConfig,
    sample_grasps,
    widest_free,
)
from selfgrasp.objects.quality.labels import label_grasps
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.surface import sample_surface

FACTS = ("moved", "others")
"""Stored beside the labels. moved: 1 for a grasp that was shifted after it was drawn. others: how
many other objects lie there."""
_AROUND_POINTS = 3_000
"""Of what is there and not grasped."""
_NEAR = 0.08
"""m from an object within which others can be in the hand's way."""
_FEW = 8
"""Free grasps that a heap is taken to have at least, see `SceneRecipe.blocked`."""


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
class Moves:
    """How some grasps are shifted after they were drawn, since a planner asks about such, too.

    Attributes:
        share: of the grasps that are.
        beside: m, standard deviation in x and y.
        raised: m, from and to.
        turned: rad, standard deviation of the yaw.
    """

    share: float = 0.2
    beside: float = 0.012
    raised: tuple[float, float] = (-0.015, 0.025)
    turned: float = 0.4


@dataclass(frozen=True)
class SceneRecipe:
    """How candidates are made.

    Attributes:
        grasps: of each object that is drawn.
        pictures: of each object, from cameras of their own; all show the same grasps.
        crowd_pictures: likewise, where other objects lie there.
        blocked: in a heap, of grasps that are not free so many are kept for each free one, as if
            at least 8 were free.
        sampler: of grasps.
        moves: of grasps.
        unknown: of robust quality.
        camera: where pictures are taken from.
    """

    grasps: int = 50
    pictures: int = 5
    crowd_pictures: int = 2
    blocked: float = 0.5
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    moves: Moves = field(default_factory=Moves)
    unknown: Uncertainty = field(default_factory=Uncertainty)
    camera: CameraRange = field(default_factory=CameraRange)


def make_scene(
    lying: Sequence[Lying],
    gripper: GripperSpec,
    rng: np.random.Generator,
    recipe: SceneRecipe | None = None,
    around: Sequence[Part] = (),
) -> Candidates:
    """Grasps of every object, each in pictures of that object, in the frame of the table; none
    where nothing can be grasped.

    Args:
        lying: the objects of one scene.
        gripper: the hand.
        rng: everything is drawn from it.
        recipe: how many of what.
        around: what else is there and is not grasped (walls), in the frame of the table.
    """
    recipe = recipe or SceneRecipe()
    bodies = [surface_of(one, rng) for one in lying]
    fixed = sample_surface(around, _AROUND_POINTS, rng).points if around else np.empty((0, 3))
    placed = [(part, one.table_from_object) for one in lying for part in one.item.parts]
    placed += [(part, np.eye(4)) for part in around]
    scenes = []
    for index, one in enumerate(lying):
        others = np.concatenate([fixed, *bodies[:index], *bodies[index + 1 :]])
        grasps, labels = labelled(one, bodies[index], others, gripper, rng, recipe)
        labels["others"] = np.full(len(grasps), len(lying) - 1.0)
        crowd = len(lying) > 1
        pictures = recipe.crowd_pictures if crowd else recipe.pictures
        middle = one.table_from_object[:3, 3]
        cameras = [
            camera_at(middle, recipe.camera, rng) for _ in range(pictures if len(grasps) else 0)
        ]
        side = recipe.camera.picture_px
        depth = [depth_picture(placed, at, inside, (side, side)) for at, inside in cameras]
        scenes.append(_candidates(one.item.name, grasps, labels, cameras, depth, side))
    return joined(scenes)


def joined(scenes: Sequence[Candidates]) -> Candidates:
    """The candidates of several scenes, in that order; of at least one."""
    starts = np.cumsum([0, *(len(one.depth) for one in scenes)])
    return Candidates(
        depth=np.concatenate([one.depth for one in scenes]),
        intrinsics=np.concatenate([one.intrinsics for one in scenes]),
        world_from_camera=np.concatenate([one.world_from_camera for one in scenes]),
        objects=tuple(name for one in scenes for name in one.objects),
        view=np.concatenate([one.view + at for one, at in zip(scenes, starts, strict=False)]),
        world_from_tool=np.concatenate([one.world_from_tool for one in scenes]),
        width=np.concatenate([one.width for one in scenes]),
        labels={
            name: np.concatenate([one.labels[name] for one in scenes]) for name in scenes[0].labels
        },
    )


def camera_at(
    target: FloatArray, camera: CameraRange, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """table_from_camera (4, 4), which looks at a point (3,) m or beside it, and intrinsics
    (3, 3)."""
    distance = rng.uniform(*camera.distance)
    tilt, azimuth = rng.uniform(0.0, camera.tilt), rng.uniform(-np.pi, np.pi)
    target = target + np.array([*rng.uniform(-camera.offset, camera.offset, 2), 0.0])
    away = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    turn = rng.uniform(-np.pi, np.pi) + rng.uniform(-camera.roll, camera.roll)
    placed = looking_at(target + distance * away, target) @ pose(rotation=rotation_about_z(turn))
    side = camera.picture_px
    focal = side * 0.7 / camera.view
    return placed, np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1.0]])


def _moved(
    grasps: Grasps, moved: NDArray[np.bool_], recipe: SceneRecipe, rng: np.random.Generator
) -> Grasps:
    moves, count = recipe.moves, len(grasps)
    shift = np.column_stack(
        [rng.normal(0.0, moves.beside, (count, 2)), rng.uniform(*moves.raised, count)]
    )
    yaws = grasps.yaws + np.where(moved, rng.normal(0.0, moves.turned, count), 0.0)
    centers = grasps.centers + np.where(moved[:, None], shift, 0.0)
    tips = np.maximum(centers[:, 2] - BELOW_CONTACT, recipe.sampler.lowest)
    axes = np.column_stack([np.cos(yaws), np.sin(yaws), np.zeros(count)])
    return Grasps(centers, axes, grasps.openings, np.where(moved, tips, grasps.tips))


def labelled(
    one: Lying,
    points: FloatArray,
    others: FloatArray,
    gripper: GripperSpec,
    rng: np.random.Generator,
    recipe: SceneRecipe,
) -> tuple[Grasps, dict[str, FloatArray]]:
    """Grasps of one object, some of them moved, with `labels.LABELS` and whether each was moved. In
    a crowd all that are free, and some of those that are not, see `SceneRecipe.blocked`.

    Args:
        one: the object.
        points: (P, 3) m of its surface, in the frame of the table.
        others: (Q, 3) m, points of what else lies there; none for an object alone.
        gripper: the hand.
        rng: everything is drawn from it.
        recipe: how many of what.
    """
    near = np.linalg.norm(others[:, :2] - one.table_from_object[:2, 3], axis=1)
    others = others[near < one.item.bounding_radius + _NEAR]
    grasps = sample_grasps(
        one.item, one.table_from_object, recipe.grasps, gripper, rng, recipe.sampler
    )
    moved = rng.random(len(grasps)) < recipe.moves.share
    grasps = _moved(grasps, moved, recipe, rng)
    widest = widest_free(points, grasps, gripper, others=others)
    free = widest > 0.0
    if len(others):
        blocked = np.cumsum(~free)
        kept = free | (blocked <= recipe.blocked * max(free.sum(), _FEW))
        grasps, moved, widest, free = grasps[kept], moved[kept], widest[kept], free[kept]
    grasps = replace(grasps, openings=np.where(free, widest, grasps.openings))
    labels = label_grasps(one, grasps, free, gripper, rng, recipe.unknown)
    return grasps, {**labels, "moved": moved.astype(np.float64)}


def _candidates(
    name: str,
    grasps: Grasps,
    labels: Mapping[str, FloatArray],
    cameras: Sequence[tuple[FloatArray, FloatArray]],
    depth: Sequence[NDArray[np.float32]],
    side: int,
) -> Candidates:
    """All grasps in all pictures."""
    views = len(cameras)
    return Candidates(
        depth=np.array(depth, dtype=np.float32).reshape(-1, side, side),
        intrinsics=np.array([inside for _, inside in cameras]).reshape(-1, 3, 3),
        world_from_camera=np.array([at for at, _ in cameras]).reshape(-1, 4, 4),
        objects=(name,) * views,
        view=np.repeat(np.arange(views, dtype=np.int64), len(grasps)),
        world_from_tool=np.tile(grasps.table_from_tool, (views, 1, 1)),
        width=np.tile(grasps.openings, views),
        labels={key: np.tile(values, views).astype(np.float32) for key, values in labels.items()},
    )
