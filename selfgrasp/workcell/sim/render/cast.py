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
from selfgrasp.workcell.sim.render.kinds import GeomKind

_MISS = np.inf
_CORNERS = np.array(
    [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64
)
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class ConvexMesh:
    """The planes of a convex mesh: inside, `normals @ point <= offsets`. (F, 3) unit and (F,) m,
    with the box that holds it, (3,) and (3,) m."""

    normals: FloatArray
    offsets: FloatArray
    middle: FloatArray
    half: FloatArray


@dataclass(frozen=True, eq=False)
class Entered:
    """Where the rays of one geom's rectangle enter it, both (rows, columns).

    Attributes:
        depth: m along the optical axis, infinite for a miss.
        face: of a convex mesh; of a box 0 to 5 for +x, +y, +z, -x, -y, -z; 0 elsewhere.
    """

    depth: FloatArray
    face: NDArray[np.int64] | int


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
    """Where rays enter a geom; from inside nothing is met, as OpenGL culls back faces.

    Args:
        kind: a `GeomKind`.
        size: (3,) m, as in the model.
        mesh: its planes, for a mesh.
        origin: (3,) m, the eye in the geom's frame.
        turn: (3, 3) from the camera's axes to the geom's.
        x: (columns,) what the rays (x, y, 1) of the rectangle have along the camera's x.
        y: (rows,) and along its y.
    """
    if mesh is not None:
        return _meet_planes(mesh, origin, turn, x, y)
    rays = [turn[k, 0] * x + (turn[k, 1] * y[:, None] + turn[k, 2]) for k in range(3)]
    if kind == GeomKind.BOX:
        return _meet_slabs(size, origin, rays)
    if kind == GeomKind.PLANE:
        return Entered(_meet_plane(size, origin, *rays), 0)
    if kind == GeomKind.CYLINDER:
        return Entered(_meet_cylinder(size, origin, *rays), 0)
    if kind == GeomKind.CAPSULE:
        return Entered(_meet_capsule(size, origin, *rays), 0)
    axes = np.full(3, size[0]) if kind == GeomKind.SPHERE else size
    return Entered(
        _enter_ball(origin / axes, rays[0] / axes[0], rays[1] / axes[1], rays[2] / axes[2], 1.0), 0
    )


def _positive(t: FloatArray, hit: NDArray[np.bool_]) -> FloatArray:
    return np.where(hit & (t > 0.0), t, _MISS)


def _enter_ball(
    o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray, radius: float
) -> FloatArray:
    a = x * x + y * y + z * z
    b = o[0] * x + o[1] * y + o[2] * z
    root = b * b - a * (o @ o - radius * radius)
    return _positive((-b - np.sqrt(np.maximum(root, 0.0))) / a, root > 0.0)


def _meet_plane(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    facing = z < -_FLAT
    t = -o[2] / np.where(facing, z, -1.0)
    for half, start, along in ((size[0], o[0], x), (size[1], o[1], y)):
        if half > 0:
            facing &= np.abs(start + t * along) <= half
    return _positive(t, facing)


def _meet_slabs(size: FloatArray, o: FloatArray, rays: list[FloatArray]) -> Entered:
    enter, leave = np.full(rays[0].shape, -_MISS), np.full(rays[0].shape, _MISS)
    face = np.zeros(rays[0].shape, dtype=np.int64)
    for axis, (half, start, along) in enumerate(zip(size, o, rays, strict=True)):
        inverse = 1.0 / np.where(np.abs(along) < _FLAT, _FLAT, along)
        middle, reach = -start * inverse, half * np.abs(inverse)
        low = middle - reach
        face[low > enter] = axis + 3 * (start < 0)
        np.maximum(enter, low, out=enter)
        np.minimum(leave, middle + reach, out=leave)
    return Entered(_positive(enter, enter <= leave), face)


def _enter_tube(
    radius: float, o: FloatArray, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lengths at which rays enter and leave the endless cylinder about z; enter > leave for a
    miss."""
    a = np.maximum(x * x + y * y, _FLAT)
    b = o[0] * x + o[1] * y
    root = b * b - a * (o[0] * o[0] + o[1] * o[1] - radius * radius)
    hit, step = root > 0.0, np.sqrt(np.maximum(root, 0.0))
    return np.where(hit, (-b - step) / a, _MISS), np.where(hit, (-b + step) / a, -_MISS)


def _meet_cylinder(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    enter, leave = _enter_tube(float(size[0]), o, x, y)
    inverse = 1.0 / np.where(np.abs(z) < _FLAT, _FLAT, z)
    middle, reach = -o[2] * inverse, size[1] * np.abs(inverse)
    enter, leave = np.maximum(enter, middle - reach), np.minimum(leave, middle + reach)
    return _positive(enter, enter <= leave)


def _meet_capsule(
    size: FloatArray, o: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> FloatArray:
    radius, half = float(size[0]), float(size[1])
    enter, leave = _enter_tube(radius, o, x, y)
    t = _positive(
        enter,
        (enter <= leave) & (np.abs(o[2] + np.where(np.isfinite(enter), enter, 0.0) * z) <= half),
    )
    for end in (-half, half):
        cap = _enter_ball(o - (0.0, 0.0, end), x, y, z, radius)
        # The half of the ball inside the tube's ends is inside the capsule; a ray enters it only
        # after it entered the capsule.
        np.minimum(t, cap, out=t)
    return t


def _meet_planes(
    mesh: ConvexMesh, o: FloatArray, turn: FloatArray, x: FloatArray, y: FloatArray
) -> Entered:
    """A ray meets a plane at 1 / q, and q is linear in the pixel: it enters by the smallest q of
    the planes that the eye is outside of."""
    gap = mesh.offsets - mesh.normals @ o
    gap = np.where(np.abs(gap) < _FLAT, _FLAT, gap)
    slope = ((mesh.normals @ turn) / gap[:, None]).astype(np.float32)
    along_x, along_y = (
        slope[:, :1] * x.astype(np.float32),
        slope[:, 1:2] * y.astype(np.float32) + slope[:, 2:],
    )
    outside = np.flatnonzero(gap < 0.0)
    if not len(outside):
        return Entered(np.full((len(y), len(x)), _MISS), 0)
    q = along_x[outside, None, :] + along_y[outside, :, None]
    which = q.argmin(axis=0)
    enter = np.take_along_axis(q, which[None], axis=0)[0]
    inside = np.flatnonzero(gap > 0.0)
    leave = (along_x[inside, None, :] + along_y[inside, :, None]).max(axis=0, initial=0.0)
    hit = (enter > 0.0) & (enter >= leave)
    return Entered(
        np.where(hit, 1.0 / np.where(hit, enter, 1.0), _MISS).astype(np.float64), outside[which]
    )
