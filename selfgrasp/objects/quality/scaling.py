"""Objects as large as a gripper can hold: by how much a mesh of any size is scaled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.meshes import mesh_mass
from selfgrasp.objects.model import ObjectModel, scaled_parts
from selfgrasp.objects.quality.grasps import sample_grasps
from selfgrasp.objects.solids import reach
from selfgrasp.objects.stable import stable_poses

SHARE = 0.8
"""Of the opening, which a scaled object's narrowest side is: 4 cm of 5 cm, as published."""
LARGEST = 0.5
"""m, the longest side up to which objects grow; larger meshes are refused, too."""
_GRASPS = 50
_YAWS = np.pi * np.arange(60) / 60


def holdable(item: ObjectModel, gripper: GripperSpec) -> bool:
    """Whether an antipodal grasp is found in one of the object's stable poses."""
    rng = np.random.default_rng(0)
    return any(
        len(sample_grasps(item, lies.table_from_object, _GRASPS, gripper, rng))
        for lies in stable_poses(item)
    )


def narrowest_lying(item: ObjectModel) -> float:
    """m, the least horizontal width of the object in any of its stable poses."""
    level = np.column_stack([np.cos(_YAWS), np.sin(_YAWS), np.zeros(len(_YAWS))])
    return min(
        _width(item, direction)
        for lies in stable_poses(item)
        for direction in level @ lies.table_from_object[:3, :3]
    )


def fit_factor(item: ObjectModel, gripper: GripperSpec) -> float:
    """By how much an object that offers no grasp is scaled so that it fits: its narrowest width as
    it lies becomes 0.8 of the opening. 1 where it is narrower than the opening already: then width
    is not what is in the way (a cone has no antipodal contacts)."""
    narrowest = narrowest_lying(item)
    return SHARE * gripper.opening / narrowest if narrowest > gripper.opening else 1.0


def published_factor(item: ObjectModel, gripper: GripperSpec) -> float:
    """By how much Dex-Net 2.0 scales every object, small ones too: its least extent along the
    principal axes becomes 0.8 of the opening, and its longest at most 0.5 m."""
    extents = [_width(item, axis) for axis in item.object_from_principal[:3, :3].T]
    return min(SHARE * gripper.opening / min(extents), LARGEST / max(extents))


def scaled(item: ObjectModel, factor: float) -> ObjectModel:
    """The object `factor` times as large, of the same material. A mesh weighs what a file of that
    size would."""
    if factor == 1.0:
        return item
    parts = scaled_parts(item.parts, factor)
    mass = mesh_mass(parts) if item.seed is None else item.mass * factor**3
    return replace(item, parts=parts, mass=mass)


def _width(item: ObjectModel, direction: FloatArray) -> float:
    """m that the object extends along a unit direction (3,) of its frame."""
    return max(reach(part, direction) for part in item.parts) + max(
        reach(part, -direction) for part in item.parts
    )
