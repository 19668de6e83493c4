"""Pictures from cast rays: no OpenGL and no display, and but for rounding the same on every
machine."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.workcell.sim.render.cast import Met, bounding_boxes, convex_meshes, meet, rectangles
from selfgrasp.workcell.sim.render.kinds import PRIMITIVES, GeomKind
from selfgrasp.workcell.sim.render.normals import world_normals
from selfgrasp.workcell.sim.render.picture import VISIBLE_GROUPS, Picture, clip_planes, no_skew
from selfgrasp.workcell.sim.render.shade import Hits, geom_rgba, shade
from selfgrasp.workcell.sim.render.texture import CubeTextures

_GROUPS = np.array(VISIBLE_GROUPS, dtype=np.uint8)
_HIDDEN_GROUP = len(VISIBLE_GROUPS) - 1


class RayRenderer:
    """Renders one model by casting rays and shading in NumPy; see `Renderer`.

    Meshes and textures are read once; everything else at every picture.

    Args:
        model: compiled.
        height: px.
        width: px.
    """

    def __init__(self, model: mujoco.MjModel, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._model = model
        self._textures = CubeTextures(model)
        self._meshes = convex_meshes(model)
        self._convex = np.array([mesh is not None for mesh in self._meshes] or [False], dtype=bool)

    def render(
        self,
        data: mujoco.MjData,
        world_from_camera: FloatArray,
        intrinsics: FloatArray,
        *,
        segmentation: bool = False,
    ) -> Picture:
        """See `Renderer.render`."""
        lens = no_skew(intrinsics)
        world_from_camera = np.asarray(world_from_camera, dtype=np.float64)
        # Rays reach 1 m along the optical axis, so that lengths in rays are depths: x along
        # columns, y along rows, z = 1.
        x, y = (
            (np.arange(self.width) + 0.5 - lens[2]) / lens[0],
            (np.arange(self.height) + 0.5 - lens[3]) / lens[1],
        )
        met = self._cast(data, world_from_camera, lens, x, y)
        seen = np.flatnonzero(met.geom >= 0)
        rotation, eye = world_from_camera[:3, :3], world_from_camera[:3, 3]
        rays = _world_rays(x.astype(np.float32), y.astype(np.float32), rotation.astype(np.float32))[
            seen
        ]
        geom, depth = met.geom[seen], met.depth[seen].astype(np.float32)
        points = depth[:, None] * rays + eye.astype(np.float32)
        normals = world_normals(self._model, data, self._meshes, geom, met.face[seen], points)
        if met.normal is not None:
            normals += met.normal[seen]
        hits = Hits(geom, points, normals, rays, depth)
        color = np.zeros((self.height * self.width, 3), dtype=np.uint8)
        color[seen] = shade(
            self._model,
            data,
            self._textures,
            hits,
            rotation.T.astype(np.float32),
            (float(lens[0]), float(lens[1])),
        )
        size = (self.height, self.width)
        far_away = np.where(met.geom >= 0, met.depth, np.nan).astype(np.float32).reshape(size)
        return Picture(
            color.reshape(*size, 3),
            far_away,
            met.geom.astype(np.int32).reshape(size) if segmentation else None,
        )

    def close(self) -> None:
        """Nothing to free."""

    def _cast(
        self,
        data: mujoco.MjData,
        world_from_camera: FloatArray,
        lens: FloatArray,
        x: FloatArray,
        y: FloatArray,
    ) -> Met:
        model, size = self._model, (self.height, self.width)
        near, far = clip_planes(model)
        visible = (geom_rgba(model)[:, 3] > 0.0) & (
            _GROUPS[np.clip(model.geom_group, 0, _HIDDEN_GROUP)] > 0
        )
        own = np.isin(model.geom_type, PRIMITIVES)
        mesh = model.geom_type == GeomKind.MESH
        own |= mesh & self._convex[np.where(mesh, model.geom_dataid, 0)]
        met = Met(
            np.full(size, far), np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)
        )
        geoms = np.flatnonzero(visible & own)
        boxes = bounding_boxes(model, self._meshes)
        for geom, (top, bottom, left, right) in zip(
            geoms, rectangles(geoms, boxes, data, world_from_camera, lens, size), strict=True
        ):
            if top >= bottom or left >= right:
                continue
            geom_from_world = data.geom_xmat[geom].reshape(3, 3).T
            turn = geom_from_world @ world_from_camera[:3, :3]
            origin = geom_from_world @ (world_from_camera[:3, 3] - data.geom_xpos[geom])
            kind = int(model.geom_type[geom])
            planes = self._meshes[model.geom_dataid[geom]] if kind == GeomKind.MESH else None
            entered = meet(
                kind, model.geom_size[geom], planes, origin, turn, x[left:right], y[top:bottom]
            )
            block = (slice(top, bottom), slice(left, right))
            first = (entered.depth < met.depth[block]) & (entered.depth >= near)
            np.copyto(met.depth[block], entered.depth, where=first)
            np.copyto(met.geom[block], geom, where=first)
            np.copyto(met.face[block], entered.face, where=first)
        if (visible & ~own).any():
            met = self._cast_rest(data, visible & ~own, world_from_camera, x, y, met)
        return Met(met.depth.ravel(), met.geom.ravel(), met.face.ravel(), met.normal)

    def _cast_rest(
        self,
        data: mujoco.MjData,
        chosen: NDArray[np.bool_],
        world_from_camera: FloatArray,
        x: FloatArray,
        y: FloatArray,
        met: Met,
    ) -> Met:
        """`met` where MuJoCo meets the `chosen` geoms (ngeom,) no earlier: height fields and meshes
        that are not convex."""
        model, count = self._model, self.height * self.width
        rotation = world_from_camera[:3, :3]
        rays = _world_rays(x, y, rotation)
        geom, depth, normal = np.empty(count, dtype=np.int32), np.empty(count), np.empty((count, 3))
        groups, trees = model.geom_group.copy(), model.body_bvhadr.copy()
        model.geom_group[:] = np.where(chosen, 0, _HIDDEN_GROUP)
        # Bounding volumes are those of the shapes that the model was compiled with.
        model.body_bvhadr[:] = -1
        try:
            eye = np.ascontiguousarray(world_from_camera[:3, 3])
            mujoco.mj_multiRay(
                model,
                data,
                eye,
                rays.ravel(),
                _GROUPS,
                True,
                -1,
                geom,
                depth,
                normal.ravel(),
                count,
                mujoco.mjMAXVAL,
            )
        finally:
            model.geom_group[:], model.body_bvhadr[:] = groups, trees
        near, _ = clip_planes(model)
        first = (geom >= 0) & (depth >= near) & (depth < met.depth.ravel())
        # MuJoCo's geoms have no face that `world_normals` knows; it leaves their normals zero.
        normal[~first] = 0.0
        return Met(
            np.where(first, depth, met.depth.ravel()),
            np.where(first, geom, met.geom.ravel()),
            met.face,
            normal.astype(np.float32),
        )


def _world_rays(x: NDArray[Any], y: NDArray[Any], world_from_camera: NDArray[Any]) -> NDArray[Any]:
    """(rows * columns, 3) directions of the rays (x, y, 1) by a rotation (3, 3), of the precision
    of `x`."""
    result = np.empty((len(y), len(x), 3), dtype=x.dtype)
    for k in range(3):
        result[..., k] = world_from_camera[k, 0] * x + (
            world_from_camera[k, 1] * y[:, None] + world_from_camera[k, 2]
        )
    return result.reshape(-1, 3)
