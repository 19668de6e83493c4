"""Kinds of geoms as plain integers: NumPy compares an array with MuJoCo's own enumeration one
Python object at a time, 100 times slower."""

from __future__ import annotations

from enum import IntEnum

import mujoco


class GeomKind(IntEnum):
    """Values of `mujoco.mjtGeom`."""

    PLANE = int(mujoco.mjtGeom.mjGEOM_PLANE)
    SPHERE = int(mujoco.mjtGeom.mjGEOM_SPHERE)
    CAPSULE = int(mujoco.mjtGeom.mjGEOM_CAPSULE)
    ELLIPSOID = int(mujoco.mjtGeom.mjGEOM_ELLIPSOID)
    CYLINDER = int(mujoco.mjtGeom.mjGEOM_CYLINDER)
    BOX = int(mujoco.mjtGeom.mjGEOM_BOX)
    MESH = int(mujoco.mjtGeom.mjGEOM_MESH)


PRIMITIVES = (
    GeomKind.PLANE,
    GeomKind.SPHERE,
    GeomKind.CAPSULE,
    GeomKind.ELLIPSOID,
    GeomKind.CYLINDER,
    GeomKind.BOX,
)
ROUND = (GeomKind.SPHERE, GeomKind.CAPSULE, GeomKind.ELLIPSOID, GeomKind.CYLINDER)
