"""The world of a picture: given by the camera's pose, or found on the table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec.camera_files import read_pose
from selfgrasp.core import InputError, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.rollout.picture_files import PictureFiles, Pictures3D
from selfgrasp.vision.project import deproject
from selfgrasp.vision.table import fit_table, surface_height

_AXES = (
    "world_from_camera with the world's z up and the camera's axes x right, y down, z forward "
    "(OpenCV's, not OpenGL's)"
)
_NEAR_SURFACE = 0.012
_LEANS_DEGREES = (3.0, 8.0)
"""From the first on the table's lean in the given world is said, from the second on it is a wrong
pose, if hardly anything is level."""
_LEVEL_SHARE = 0.15
_WALL_DEGREES, _LEVEL_SHARE_BESIDE_WALL = 80.0, 0.06
"""A plane that leans more may be a wall in a right pose's world."""


@dataclass(frozen=True, eq=False)
class PictureWorld:
    """The world.

    Attributes:
        world_from_camera: (4, 4).
        surface: m, the table's height.
        words: how it was found.
        notes: what to beware of, in words.
    """

    world_from_camera: FloatArray
    surface: float
    words: str
    notes: tuple[str, ...] = ()


def find_world(files: PictureFiles, shown: Pictures3D, seed: int) -> PictureWorld:
    """The world of a picture.

    Raises:
        InputError: a pose that is malformed or that the picture contradicts, or no table.
    """
    if files.pose is not None:
        return _given(files.pose, files.table, shown, seed)
    # A picture whose intrinsics are wrong has to fail on those and not on the table that they
    # bend.
    View(shown.color, shown.depth, shown.intrinsics, np.eye(4))
    table = fit_table(_fitted_on(files, shown), shown.intrinsics, np.random.default_rng(seed))
    shown_by = "polygon" if files.polygon and files.mask is None else "picture"
    plane = f"a plane {table.rise:.2f} m above the largest" if table.rise else "the largest plane"
    words = (
        f"fitted: {plane}, {table.share:.0%} of the {shown_by}, is z = 0; "
        "x along the picture's right; origin where the optical axis meets it"
    )
    notes = (
        f"a surface {table.rise:.2f} m above the largest was taken for the table, since things "
        "stand on it or it is in the picture's middle; for another say --polygon"
    )
    return PictureWorld(table.world_from_camera, 0.0, words, (notes,) if table.rise else ())


def _fitted_on(files: PictureFiles, shown: Pictures3D) -> NDArray[np.float32]:
    """(H, W) m, the depth that a table is looked for in: a polygon's, where one is given. A mask
    may show things alone."""
    if not files.polygon or shown.wanted is None or files.mask is not None:
        return shown.depth
    return np.where(shown.wanted, shown.depth, np.float32(np.nan))


def _given(path: Path, table: float | None, shown: Pictures3D, seed: int) -> PictureWorld:
    """The world of a pose."""
    world_from_camera = read_pose(path)
    if world_from_camera[2, 2] >= 0:
        tilt = math.degrees(math.acos(-world_from_camera[2, 2]))
        raise InputError(
            given=f"pose {path} of a camera that looks upwards, {tilt:.0f} degrees off straight "
            "down",
            wanted=_AXES,
        )
    surface = (
        surface_height(shown.depth, shown.intrinsics, world_from_camera) if table is None else table
    )
    words = f"given by {path.name}; table at z = {surface:.4f} m"
    notes = _lean_notes(path, world_from_camera, surface, shown, seed)
    return PictureWorld(world_from_camera, surface, words, notes)


def _lean_notes(
    path: Path, world_from_camera: FloatArray, surface: float, shown: Pictures3D, seed: int
) -> tuple[str, ...]:
    """What there is to say of a table that is not level in the given world.

    Raises:
        InputError: a table that leans far, where the world's level surface is hardly in sight.
    """
    try:
        fitted = fit_table(shown.depth, shown.intrinsics, np.random.default_rng(seed))
    except InputError:
        return ()
    up = world_from_camera[:3, :3] @ fitted.world_from_camera[2, :3]
    lean = math.degrees(math.acos(min(1.0, abs(float(up[2])))))
    heights = apply(world_from_camera, deproject(shown.depth, shown.intrinsics))[..., 2]
    heights = heights[np.isfinite(heights)]
    level = float((np.abs(heights - surface) < _NEAR_SURFACE).mean())
    said, wrong = _LEANS_DEGREES
    given = (
        f"pose {path} in whose world the largest plane of the picture leans by {lean:.0f} degrees"
    )
    enough = _LEVEL_SHARE if lean < _WALL_DEGREES else _LEVEL_SHARE_BESIDE_WALL
    if lean > wrong and level < min(enough, fitted.share / 2):
        raise InputError(given=given, wanted=f"{_AXES}; camera_from_world is its inverse")
    return (f"{given}: is it exact?",) if said < lean <= wrong else ()
