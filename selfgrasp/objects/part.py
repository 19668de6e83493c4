"""A convex part of an object, in MuJoCo's conventions for shapes and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import checked_pose
from selfgrasp.objects.hulls import MAX_VERTICES, Hull, is_convex, polyhedron_mass


class Shape(StrEnum):
    """A convex shape; long axes lie along z, sizes are half-sizes."""

    BOX = "box"
    SPHERE = "sphere"
    ELLIPSOID = "ellipsoid"
    CYLINDER = "cylinder"
    CAPSULE = "capsule"
    MESH = "mesh"


SIZE_NUMBERS = {
    Shape.BOX: 3,
    Shape.SPHERE: 1,
    Shape.ELLIPSOID: 3,
    Shape.CYLINDER: 2,
    Shape.CAPSULE: 2,
    Shape.MESH: 0,
}
"""How many of the three numbers of `Part.size` a shape uses; the rest are zero."""


@dataclass(frozen=True, eq=False)
class Part:
    """One convex part of an object.

    Attributes:
        shape: what the size means.
        size: (3,) float64 m. Box: half extents; sphere: radius; ellipsoid: semi-axes; cylinder,
            capsule: radius and half height (of a capsule's straight piece) along z; mesh: zeros.
        object_from_part: (4, 4) float64 rigid transform.
        color: (3,) float64 sRGB in 0..1; the object's pattern multiplies it.
        vertices: (V, 3) float64 m in the part's frame, V <= 64, corners of a convex hull; a mesh's
            alone.
        faces: (F, 3) int64, counter-clockwise seen from outside; a mesh's alone.
        density: relative to the object's other parts (a steel head on a wooden handle).

    Raises:
        InputError: not finite, not rigid, without volume, not convex, or a size that the shape does
            not have.
    """

    shape: Shape
    size: FloatArray
    object_from_part: FloatArray
    color: FloatArray
    vertices: FloatArray | None = None
    faces: NDArray[np.int64] | None = None
    density: float = 1.0

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "shape", Shape(self.shape))
        set_field(self, "size", checked(self.size, (3,), np.float64, "size"))
        set_field(self, "object_from_part", checked_pose(self.object_from_part, "object_from_part"))
        set_field(self, "color", checked(self.color, (3,), np.float64, "color"))
        set_field(self, "density", checked_number(self.density, 1e-3, 1e3, "density"))
        if self.color.min() < 0.0 or self.color.max() > 1.0:
            raise InputError(given=f"color {self.color}", wanted="three numbers from 0 to 1")
        used = SIZE_NUMBERS[self.shape]
        if (self.size[:used] <= 0.0).any() or (self.size[used:] != 0.0).any():
            raise InputError(
                given=f"size {self.size} of a {self.shape}",
                wanted=f"{used} positive numbers and then zeros",
            )
        if (self.shape is Shape.MESH) != (self.vertices is not None) or (self.vertices is None) != (
            self.faces is None
        ):
            raise InputError(
                given=f"a {self.shape} {'without' if self.vertices is None else 'with'} vertices",
                wanted="vertices and faces of a mesh alone",
            )
        if self.vertices is not None and self.faces is not None:
            self._check_mesh()

    @property
    def hull(self) -> Hull:
        """A mesh's vertices and faces."""
        assert self.vertices is not None
        assert self.faces is not None
        return Hull(self.vertices, self.faces)

    def _check_mesh(self) -> None:
        vertices = checked(self.hull.vertices, (None, 3), np.float64, "vertices")
        faces = checked(np.asarray(self.hull.faces, dtype=np.int64), (None, 3), np.int64, "faces")
        if not 4 <= len(vertices) <= MAX_VERTICES:
            raise InputError(
                given=f"a mesh of {len(vertices)} vertices", wanted=f"4 to {MAX_VERTICES}"
            )
        if len(faces) < 4 or faces.min() < 0 or faces.max() >= len(vertices):
            raise InputError(
                given=f"{len(faces)} faces over vertices "
                f"{faces.min(initial=0)}..{faces.max(initial=0)}",
                wanted=f"indices below {len(vertices)}",
            )
        if polyhedron_mass(vertices, faces).volume <= 0.0 or not is_convex(vertices, faces):
            raise InputError(
                given="a mesh that is inside out, flat or not convex",
                wanted="a convex hull with outward faces",
            )
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces)
