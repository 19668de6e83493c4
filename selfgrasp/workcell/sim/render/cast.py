"""Where rays meet geoms, in NumPy: each geom meets only the pixels its bounding box covers.

`mj_multiRay` tests every ray against every geom (13 ms at 160 px with 47 geoms, where this takes
3), or trusts bounding volumes of the shapes that the model was compiled with. It still serves for
shapes that are neither primitive nor convex.

Shapes: N rays of the picture, M of them in the rectangle of one geom, F faces of a convex mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects import rays
from selfgrasp.objects.part import Shape
from selfgrasp.objects.rays import FLAT, ConvexMesh, Entered, positive
from selfgrasp.workcell.sim.render.kinds import GeomKind

_SHAPES = {
    GeomKind.BOX: Shape.BOX,
    GeomKind.SPHERE: Shape.SPHERE,
    GeomKind.ELLIPSOID: Shape.ELLIPSOID,
    GeomKind.CYLINDER: Shape.CYLINDER,
    GeomKind.CAPSULE: Shape.CAPSULE,
    GeomKind.MESH: Shape.MESH,
}
_CORNERS = np.array(
    [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64
)


@dataclass(frozen=True, eq=False)
class Met:
    """What each ray met first; its arrays are filled geom by geom.

    Attributes:
        depth: (N,) or (rows, columns), like the rest, m along the optical axis, the far plane for
            nothing.
        geom: (N,) geom ids, -1 for nothing.
        face: (N,) see `Entered.face`.
        normal: (N, 3) world normals of what `mj_multiRay` met, zero elsewhere; None if it met
            nothing.
    """

    depth: FloatArray
    geom: NDArray[np.int64]
    face: NDArray[np.int64]
    normal: NDArray[np.float32] | None = None


def convex_meshes(model: mujoco.MjModel) -> tuple[ConvexMesh | None, ...]:
    """Per mesh its planes, or None where it is not convex."""
    return tuple(_convex(model, mesh) for mesh in range(model.nmesh))


def _convex(model: mujoco.MjModel, mesh: int) -> ConvexMesh | None:
    first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
    vertices = model.mesh_vert[first : first + count].astype(np.float64)
    start = int(model.mesh_faceadr[mesh])
    a, b, c = (
        vertices[model.mesh_face[start : start + int(model.mesh_facenum[mesh]), k]]
        for k in range(3)
    )
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    solid = length > 1e-6 * length.max()
    normals, a = normals[solid] / length[solid, None], a[solid]
    offsets = (normals * a).sum(axis=1)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    # Triangles of one flat face share a plane, which needs to be met once.
    _, once = np.unique(
        np.round(np.column_stack([normals, offsets / np.ptp(vertices)]), 5),
        axis=0,
        return_index=True,
    )
    normals, offsets = normals[once], offsets[once]
    if len(normals) > 400 or (vertices @ normals.T - offsets).max() > 1e-4 * np.ptp(vertices):
        return None
    return ConvexMesh(normals, offsets, (low + high) / 2, (high - low) / 2)


def bounding_boxes(
    model: mujoco.MjModel, meshes: tuple[ConvexMesh | None, ...]
) -> tuple[FloatArray, FloatArray]:
    """Middles and half sides (ngeom, 3) m in the geoms' frames; infinite for planes and for what is
    left to `mj_multiRay`."""
    kind, size = model.geom_type, model.geom_size
    middle, half = np.zeros((model.ngeom, 3)), np.full((model.ngeom, 3), np.inf)
    solid = (kind == GeomKind.BOX) | (kind == GeomKind.ELLIPSOID)
    half[solid] = size[solid]
    ball = kind == GeomKind.SPHERE
    half[ball] = size[ball, :1]
    cylinder = kind == GeomKind.CYLINDER
    half[cylinder] = size[cylinder][:, [0, 0, 1]]
    capsule = kind == GeomKind.CAPSULE
    half[capsule] = size[capsule][:, [0, 0, 1]] + size[capsule, :1] * (0, 0, 1)
    if meshes:
        boxes = np.array(
            [
                (np.zeros(3), np.full(3, np.inf)) if mesh is None else (mesh.middle, mesh.half)
                for mesh in meshes
            ]
        )
        geoms = np.flatnonzero(kind == GeomKind.MESH)
        middle[geoms], half[geoms] = boxes[model.geom_dataid[geoms]].transpose(1, 0, 2)
    return middle, half


def rectangles(
    geoms: NDArray[np.int64],
    boxes: tuple[FloatArray, FloatArray],
    data: mujoco.MjData,
    world_from_camera: FloatArray,
    lens: FloatArray,
    size: tuple[int, int],
) -> NDArray[np.int64]:
    """(G, 4) first row, last row + 1, first column, last column + 1 that each of `geoms` (G,) can
    cover; the whole picture where it comes too near."""
    height, width = size
    rotation = data.geom_xmat[geoms].reshape(-1, 3, 3)
    finite = np.asarray(np.isfinite(boxes[1][geoms]).all(axis=1))
    half = np.where(finite[:, None], boxes[1][geoms], 0.0)
    local = boxes[0][geoms][:, None] + half[:, None] * _CORNERS
    world = np.einsum("gij,gcj->gci", rotation, local) + data.geom_xpos[geoms][:, None]
    camera = np.einsum("gci,ij->gcj", world - world_from_camera[:3, 3], world_from_camera[:3, :3])
    whole = ~finite | (camera[..., 2].min(axis=1) < 1e-3)
    behind = finite & (camera[..., 2].max(axis=1) < 1e-3)
    z = np.where(whole[:, None], 1.0, camera[..., 2])
    u, v = camera[..., 0] / z * lens[0] + lens[2], camera[..., 1] / z * lens[1] + lens[3]
    result = np.stack(
        [
            np.floor(v.min(axis=1)),
            np.ceil(v.max(axis=1)),
            np.floor(u.min(axis=1)),
            np.ceil(u.max(axis=1)),
        ],
        axis=1,
    )
    result[whole] = (0, height, 0, width)
    result[behind] = 0
    clipped: NDArray[np.int64] = np.clip(result, 0, (height, height, width, width)).astype(np.int64)
    return clipped


def meet(
    kind: int,
    size: FloatArray,
    mesh: ConvexMesh | None,
    origin: FloatArray,
    turn: FloatArray,
    x: FloatArray,
    y: FloatArray,
) -> Entered:
    """Where rays enter a geom of a `GeomKind`: `rays.meet`, and planes."""
    if kind != GeomKind.PLANE:
        return rays.meet(_SHAPES[GeomKind(kind)], size, mesh, origin, turn, x, y)
    along = [turn[k, 0] * x + (turn[k, 1] * y[:, None] + turn[k, 2]) for k in range(3)]
    return Entered(_meet_plane(size, origin, *along), 0)


def _meet_plane(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    facing = z < -FLAT
    t = -o[2] / np.where(facing, z, -1.0)
    for half, start, along in ((size[0], o[0], x), (size[1], o[1], y)):
        if half > 0:
            facing &= np.abs(start + t * along) <= half
    return positive(t, facing)
