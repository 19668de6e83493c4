"""An object of the demo: how it lies, its antipodal grasps with their analytic labels, and pictures
of it from all around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfgrasp.core import GripperSpec, InputError, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, looking_at
from selfgrasp.methods.dexnet.config import ROBUST
from selfgrasp.objects.lying import Lying, turned
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.quality.fingers import close_fingers
from selfgrasp.objects.quality.grasps import Grasps, sample_grasps, widest_free
from selfgrasp.objects.quality.labels import label_grasps
from selfgrasp.objects.quality.robust import Uncertainty
from selfgrasp.objects.stable import stable_poses
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.render import FILM, make_renderer
from selfgrasp.workcell.sim.world import World

_GRASPS, _POINTS = 24, 3_000
_LOOKED_AT = 24
"""Objects among which one is chosen."""
_SIDE, _FRAMES = 480, 40
_ABOVE, _HALF_VIEW, _ROOM = 0.6, 0.24, 0.012
"""rad above the table from which a picture is taken, rad of half a picture, and m of room around
the object."""


@dataclass(frozen=True, eq=False)
class GraspedObject:
    """An object and N grasps of it.

    Attributes:
        lying: the object.
        grasps: in the frame of the table.
        contacts: (N, 2, 3) m in the frame of the table, where the fingers meet the object.
        labels: name to (N,), see `objects.quality.labels.LABELS`.
    """

    lying: Lying
    grasps: Grasps
    contacts: FloatArray
    labels: Mapping[str, FloatArray]

    @property
    def quality(self) -> FloatArray:
        """(N,) robust epsilon quality, 0 where the open hand would collide."""
        return self.labels[ROBUST.label]

    @property
    def shares(self) -> FloatArray:
        """(N,) the quality as 0 to 1: twice the threshold of a robust grasp, or more, is 1."""
        shares: FloatArray = np.clip(self.quality / (2.0 * ROBUST.above), 0.0, 1.0)
        return shares


def choose_object(
    objects: Sequence[ObjectModel], gripper: GripperSpec, rng: np.random.Generator, *, name: str
) -> GraspedObject:
    """Of up to 24 objects that can be grasped, in random order, the one whose grasps differ most in
    quality; `name` says in messages whose objects they are.

    Raises:
        InputError: none can be grasped.
    """
    found: list[GraspedObject] = []
    for index in rng.permutation(len(objects)):
        one = _grasped(objects[index], gripper, rng)
        if one is not None:
            found.append(one)
        if len(found) == _LOOKED_AT:
            break
    if not found:
        raise InputError(
            given=f"{len(objects)} objects of {name}, none of which can be grasped from above",
            wanted=f"objects narrower than {gripper.opening * 1e3:.0f} mm somewhere",
        )
    return max(found, key=lambda one: float(one.shares.std()))


def _grasped(
    item: ObjectModel, gripper: GripperSpec, rng: np.random.Generator
) -> GraspedObject | None:
    """The object in the likeliest of its poses that offer a grasp; None where none does."""
    for lies in stable_poses(item):
        lying = turned(Lying(item, lies.table_from_object), rng)
        grasps = sample_grasps(item, lying.table_from_object, _GRASPS, gripper, rng)
        if len(grasps):
            return _labelled(lying, grasps, gripper, rng)
    return None


def _labelled(
    lying: Lying, grasps: Grasps, gripper: GripperSpec, rng: np.random.Generator
) -> GraspedObject:
    item, table_from_object = lying.item, lying.table_from_object
    surface = apply(table_from_object, item.surface_points(_POINTS, rng))
    widest = widest_free(surface, grasps, gripper)
    free = widest > 0.0
    grasps = replace(grasps, openings=np.where(free, widest, grasps.openings))
    labels = label_grasps(lying, grasps, free, gripper, rng, Uncertainty())
    centers, axes = grasps.in_object(table_from_object)
    closed = close_fingers(item.parts, centers, axes, grasps.openings)
    return GraspedObject(lying, grasps, apply(table_from_object, closed.contacts.points), labels)


def around(lying: Lying, gripper: GripperSpec) -> Iterator[View]:
    """Pictures with depth from all around the object, as it turns about once."""
    item = lying.item
    world = World([item], slots=1, gripper=gripper, table=TableConfig(wall_height=0.0))
    world.put([item])
    world.hand_away()
    world.place(0, np.zeros(3))
    world.carry(0, lying.table_from_object @ item.object_from_principal)
    world.forward()
    renderer = make_renderer(world.model, _SIDE, _SIDE, "auto", FILM)
    focal, middle = _SIDE / 2 / np.tan(_HALF_VIEW), lying.table_from_object[:3, 3]
    intrinsics = np.array([[focal, 0, _SIDE / 2], [0, focal, _SIDE / 2], [0, 0, 1.0]])
    distance = (item.bounding_radius + _ROOM) / np.sin(_HALF_VIEW)
    try:
        for turn in 2 * np.pi * np.arange(_FRAMES) / _FRAMES:
            level = np.cos(_ABOVE) * np.array([np.cos(turn), np.sin(turn), 0.0])
            eye = middle + distance * (level + np.array([0.0, 0.0, np.sin(_ABOVE)]))
            camera = looking_at(eye, middle, up=(0.0, 0.0, 1.0))
            seen = renderer.render(world.data, camera, intrinsics)
            yield View(seen.color, seen.depth, intrinsics, camera)
    finally:
        renderer.close()
