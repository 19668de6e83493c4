"""Outward normals of primitives and convex meshes at points on them.

Shapes: N points on geoms.
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects.rays import ConvexMesh
from selfgrasp.workcell.sim.render.kinds import ROUND, GeomKind

Array = NDArray[np.float32]


def world_normals(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    meshes: tuple[ConvexMesh | None, ...],
    geom: NDArray[np.int64],
    face: NDArray[np.int64],
    points: Array,
) -> Array:
    """(N, 3) unit normals in the world.

    Args:
        model: for the shapes.
        data: for the geoms' poses.
        meshes: planes of the convex meshes.
        geom: (N,) ids.
        face: (N,) what `meet` told of the face.
        points: (N, 3) m on the geoms, in the world.
    """
    tables, start, length = [np.zeros((1, 3))], np.zeros(model.ngeom, dtype=np.int64), 1
    used = np.flatnonzero(np.bincount(geom, minlength=model.ngeom))
    for one in used:
        table = _face_normals(model, data.geom_xmat[one].reshape(3, 3), meshes, int(one))
        if table is not None:
            start[one] = length
            tables.append(table)
            length += len(table)
    faces = np.concatenate(tables).astype(np.float32)
    result: Array = faces[start[geom] + np.where(start[geom] > 0, face, 0)]
    rows = np.flatnonzero(np.isin(model.geom_type, ROUND)[geom])
    if len(rows):
        on = geom[rows]
        rotation = data.geom_xmat.reshape(-1, 3, 3).astype(np.float32)[on]
        local = np.einsum(
            "nij,ni->nj", rotation, points[rows] - data.geom_xpos.astype(np.float32)[on]
        )
        result[rows] = np.einsum(
            "nij,nj->ni",
            rotation,
            _round_normals(model.geom_type[on], model.geom_size[on].astype(np.float32), local),
        )
    return result


def _face_normals(
    model: mujoco.MjModel, rotation: FloatArray, meshes: tuple[ConvexMesh | None, ...], geom: int
) -> FloatArray | None:
    """(F, 3) world normals of the faces that `meet` tells apart; None for a round shape and for
    what is left to `mj_multiRay`."""
    kind = model.geom_type[geom]
    if kind == GeomKind.BOX:
        return np.concatenate([rotation.T, -rotation.T])
    if kind == GeomKind.PLANE:
        return rotation.T[2:]
    mesh = meshes[model.geom_dataid[geom]] if kind == GeomKind.MESH else None
    return None if mesh is None else np.asarray(mesh.normals @ rotation.T)


def _round_normals(kind: NDArray[np.int32], size: Array, local: Array) -> Array:
    """(N, 3) unit normals of spheres, ellipsoids, cylinders and capsules at `local` (N, 3) points,
    in their frames."""
    toward = local.copy()
    rows = kind == GeomKind.ELLIPSOID
    toward[rows] /= size[rows] ** 2
    rows = kind == GeomKind.CAPSULE
    toward[rows, 2] -= np.clip(local[rows, 2], -size[rows, 1], size[rows, 1])
    rows = kind == GeomKind.CYLINDER
    cap = rows & (
        np.abs(local[:, 2]) * size[:, 0] >= np.hypot(local[:, 0], local[:, 1]) * size[:, 1]
    )
    toward[rows & ~cap, 2] = 0.0
    toward[cap, :2] = 0.0
    result: Array = toward / np.sqrt((toward * toward).sum(axis=1, keepdims=True))
    return result
