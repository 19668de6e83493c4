"""Pictures from cast rays: no OpenGL, no display, and the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.workcell.sim import gl as _gl  # noqa: F401  sets MUJOCO_GL before MuJoCo is imported

import mujoco  # isort: skip

from selfgrasp.workcell.sim.render.picture import VISIBLE_GROUPS, Picture, clip_planes, no_skew
from selfgrasp.workcell.sim.render.shade import Hits, geom_rgba, shade
from selfgrasp.workcell.sim.render.texture import CubeTextures

_GROUPS = np.array(VISIBLE_GROUPS, dtype=np.uint8)
_HIDDEN_GROUP = len(VISIBLE_GROUPS) - 1


class RayRenderer:
    """Renders one model with `mj_multiRay` and shades in NumPy; see `Renderer`.

    Textures are read once; everything else at every picture.

    Args:
        model: compiled.
        height: px.
        width: px.
    """

    def __init__(self, model: mujoco.MjModel, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._model = model
        self._textures = CubeTextures(model)
        self._lens = np.zeros(4)
        self._rays = np.empty((height * width, 3))
        count = height * width
        self._geom, self._distance, self._normals = np.empty(count, dtype=np.int32), np.empty(count), np.empty((count, 3))

    def render(self, data: mujoco.MjData, world_from_camera: FloatArray, intrinsics: FloatArray, *, segmentation: bool = False) -> Picture:
        """See `Renderer.render`."""
        lens = no_skew(intrinsics)
        if not np.array_equal(lens, self._lens):
            self._aim(lens)
        near, far = clip_planes(self._model)
        rotation, eye = np.asarray(world_from_camera)[:3, :3], np.ascontiguousarray(np.asarray(world_from_camera)[:3, 3])
        rays = self._rays @ rotation.T
        with _only_visible(self._model):
            reach = far * float(np.sqrt((self._rays[[0, self.width - 1, -self.width, -1]] ** 2).sum(axis=1)).max())
            mujoco.mj_multiRay(
                self._model, data, eye, rays.ravel(), _GROUPS, True, -1, self._geom, self._distance, self._normals.ravel(), len(rays), reach
            )
        seen = np.flatnonzero((self._geom >= 0) & (self._distance >= near) & (self._distance <= far))
        # The rays reach 1 m along the optical axis, so that their length in rays is the depth.
        depth = np.full(len(rays), np.nan, dtype=np.float32)
        depth[seen] = self._distance[seen]
        color = np.zeros((len(rays), 3), dtype=np.uint8)
        seen_rays = rays[seen].astype(np.float32)
        points = (eye + self._distance[seen, None] * rays[seen]).astype(np.float32)
        hits = Hits(self._geom[seen].astype(np.int64), points, self._normals[seen].astype(np.float32), seen_rays, depth[seen])
        color[seen] = shade(self._model, data, self._textures, hits, rotation.T.astype(np.float32), (float(lens[0]), float(lens[1])))
        size = (self.height, self.width)
        ids = np.where(np.isnan(depth), -1, self._geom).astype(np.int32).reshape(size) if segmentation else None
        return Picture(color.reshape(*size, 3), depth.reshape(size), ids)

    def close(self) -> None:
        """Nothing to free."""

    def _aim(self, lens: NDArray[np.float64]) -> None:
        fx, fy, cx, cy = lens
        y, x = np.mgrid[: self.height, : self.width] + 0.5
        self._rays = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], axis=-1).reshape(-1, 3)
        self._lens = lens


@contextmanager
def _only_visible(model: mujoco.MjModel) -> Iterator[None]:
    """While rays are cast: geoms drawn with alpha 0 are hidden, and no compiled bounding volume is trusted.

    MuJoCo's rays go by the alpha of the material where there is one, OpenGL by the geom's. The volumes are those of the geoms that the
    model was compiled with, which may have become other shapes since.
    """
    groups, trees = model.geom_group.copy(), model.body_bvhadr.copy()
    model.geom_group[geom_rgba(model)[:, 3] == 0.0] = _HIDDEN_GROUP
    model.body_bvhadr[:] = -1
    try:
        yield
    finally:
        model.geom_group[:], model.body_bvhadr[:] = groups, trees
