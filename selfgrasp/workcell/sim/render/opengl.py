"""Pictures from MuJoCo's OpenGL, colour and depth out of one pass.

Uses the calls below `mujoco.Renderer`, which renders again for depth and takes its camera from the
model. One sample a pixel is 5 times as fast on software OpenGL as MuJoCo's four, and keeps the
depth of edge pixels that of one surface.
"""

from __future__ import annotations

import atexit
import importlib
import sys
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.workcell.sim.gl import choose_renderer
from selfgrasp.workcell.sim.render.picture import (
    SENSOR,
    VISIBLE_GROUPS,
    Picture,
    Quality,
    clip_planes,
    no_skew,
)

choose_renderer("gl")

import mujoco  # noqa: E402  the line above decides how MuJoCo reaches OpenGL, and raises where it cannot
import mujoco.gl_context  # noqa: E402

_FLAGS_OFF = (
    mujoco.mjtRndFlag.mjRND_REFLECTION,
    mujoco.mjtRndFlag.mjRND_SKYBOX,
    mujoco.mjtRndFlag.mjRND_FOG,
    mujoco.mjtRndFlag.mjRND_HAZE,
)
_FLAGS_SEGMENT = (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR)
_SOLID = int(mujoco.mjtCatBit.mjCAT_STATIC) | int(mujoco.mjtCatBit.mjCAT_DYNAMIC)

_open: weakref.WeakSet[GlRenderer] = weakref.WeakSet()


class GlRenderer:
    """Renders one model with OpenGL; see `Renderer`.

    Meshes and textures are uploaded once. What else a scene is made of (types, sizes, poses, mesh
    ids, colours, materials, lights) is read from the model at every picture and may change in
    place. A renderer belongs to the thread that made it.

    Args:
        model: compiled; far geoms must not blow up `model.stat.extent`, which scales the near
            plane.
        height: px.
        width: px.
        quality: samples, shadows and faces.
    """

    def __init__(
        self, model: mujoco.MjModel, height: int, width: int, quality: Quality = SENSOR
    ) -> None:
        self.height, self.width = height, width
        self._model = model
        self._context = None
        self._gl = mujoco.gl_context.GLContext(width, height)
        self._gl.make_current()
        with _uploading(model, quality):
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        _open.add(self)
        # Registered after MuJoCo's own, so that it runs before EGL is shut down.
        if len(_open) == 1:
            atexit.register(_close_all)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        if self._context.offWidth != width or self._context.offHeight != height:
            mujoco.mjr_resizeOffscreen(width, height, self._context)
        # Reversed depth keeps float precision far away; asked for as it is, nothing is lost in a
        # conversion.
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 64)
        _set_flags(self._scene, _FLAGS_OFF, 0)
        _set_flags(self._scene, (mujoco.mjtRndFlag.mjRND_SHADOW,), int(quality.shadow_px > 0))
        self._option = _plain_options()
        self._perturb = mujoco.MjvPerturb()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_USER
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._color = np.empty((height, width, 3), dtype=np.uint8)
        self._depth = np.empty((height, width), dtype=np.float32)

    def render(
        self,
        data: mujoco.MjData,
        world_from_camera: FloatArray,
        intrinsics: FloatArray,
        *,
        segmentation: bool = False,
    ) -> Picture:
        """See `Renderer.render`."""
        near, far = clip_planes(self._model)
        self._gl.make_current()
        self._aim(world_from_camera, no_skew(intrinsics), near, far)
        # With a user camera the call takes the pose above, which the headlight follows.
        mujoco.mjv_updateScene(
            self._model, data, self._option, self._perturb, self._camera, _SOLID, self._scene
        )
        mujoco.mjr_render(self._viewport, self._scene, self._context)
        mujoco.mjr_readPixels(self._color, self._depth, self._viewport, self._context)
        depth = _metres(self._depth[::-1], near, far)
        return Picture(self._color[::-1].copy(), depth, self._segment() if segmentation else None)

    def close(self) -> None:
        """Free the context."""
        if self._gl is not None:
            self._gl.make_current()
            if self._context is not None:
                self._context.free()
            self._gl.free()
            self._gl = None
            _open.discard(self)

    def __del__(self) -> None:
        if getattr(self, "_gl", None) is not None and not sys.is_finalizing():
            self.close()

    def _aim(
        self, world_from_camera: FloatArray, focal_and_center: FloatArray, near: float, far: float
    ) -> None:
        fx, fy, cx, cy = focal_and_center
        left, right = -cx / fx * near, (self.width - cx) / fx * near
        # Two cameras, for stereo; without it their average is used.
        for camera in self._scene.camera:
            camera.pos = world_from_camera[:3, 3]
            camera.forward = world_from_camera[:3, 2]
            camera.up = -world_from_camera[:3, 1]
            camera.frustum_center, camera.frustum_width = (left + right) / 2, (right - left) / 2
            camera.frustum_bottom, camera.frustum_top = (
                -(self.height - cy) / fy * near,
                cy / fy * near,
            )
            camera.frustum_near, camera.frustum_far = near, far
            camera.orthographic = 0

    def _segment(self) -> NDArray[np.int32]:
        """(H, W) geom ids: a second pass that paints each geom with its number."""
        _set_flags(self._scene, _FLAGS_SEGMENT, 1)
        painted = np.empty((self.height, self.width, 3), dtype=np.uint8)
        mujoco.mjr_render(self._viewport, self._scene, self._context)
        mujoco.mjr_readPixels(painted, None, self._viewport, self._context)
        _set_flags(self._scene, _FLAGS_SEGMENT, 0)
        number = painted[::-1].astype(np.int32) @ np.array([1, 256, 65536], dtype=np.int32)
        geom_of = np.full(self._scene.ngeom + 1, -1, dtype=np.int32)
        for drawn in self._scene.geoms[: self._scene.ngeom]:
            if drawn.objtype == mujoco.mjtObj.mjOBJ_GEOM and drawn.segid >= 0:
                geom_of[drawn.segid + 1] = drawn.objid
        return geom_of[number]


@contextmanager
def _uploading(model: mujoco.MjModel, wanted: Quality) -> Iterator[None]:
    """While shapes are uploaded: the quality that is wanted, and meshes without smooth normals
    unless they are wanted.

    Software OpenGL spends its time on vertices. MuJoCo draws a face flat where the vertex normal is
    far from the face's own, so zero normals make every face flat, as cast rays see it; meshes with
    texture coordinates are drawn with their normals in any case and keep them.
    """
    quality = model.vis.quality
    names = ("numslices", "numstacks", "numquads", "offsamples", "shadowsize")
    kept, normals = {name: getattr(quality, name) for name in names}, model.mesh_normal.copy()
    values = (wanted.slices, wanted.stacks, 1, wanted.samples, wanted.shadow_px)
    for name, value in zip(names, values, strict=True):
        setattr(quality, name, value)
    for mesh in np.flatnonzero(model.mesh_texcoordadr < 0) if not wanted.smooth else ():
        first = int(model.mesh_normaladr[mesh])
        model.mesh_normal[first : first + int(model.mesh_normalnum[mesh])] = 0.0
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(quality, name, value)
        model.mesh_normal[:] = normals


def _close_all() -> None:
    for renderer in list(_open):
        renderer.close()


def probe() -> None:
    """Make one small picture and print which OpenGL made it; raises whatever goes wrong."""
    model = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><light/><geom type="sphere" size=".1"/></worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer = GlRenderer(model, 16, 16)
    world_from_camera = np.diag([1.0, -1.0, -1.0, 1.0])
    world_from_camera[2, 3] = 0.5
    picture = renderer.render(
        data, world_from_camera, np.array([[16.0, 0, 8], [0, 16, 8], [0, 0, 1]])
    )
    if not abs(picture.depth[8, 8] - 0.4) < 0.01:
        raise RuntimeError(f"a sphere 0.4 m away was rendered at {picture.depth[8, 8]} m")
    gl = importlib.import_module("OpenGL.GL")
    print(gl.glGetString(gl.GL_RENDERER).decode())
    renderer.close()


def _set_flags(scene: mujoco.MjvScene, flags: Iterable[mujoco.mjtRndFlag], value: int) -> None:
    for flag in flags:
        scene.flags[int(flag)] = value


def _plain_options() -> mujoco.MjvOption:
    option = mujoco.MjvOption()
    option.geomgroup[:] = VISIBLE_GROUPS
    option.sitegroup[:] = 0
    option.tendongroup[:] = 0
    return option


def _metres(reversed_depth: NDArray[np.float32], near: float, far: float) -> NDArray[np.float32]:
    """(H, W) depth buffer, 1 at the near plane and 0 at the far one, as m; NaN where nothing was
    drawn."""
    depth = (near * far) / (near + reversed_depth.astype(np.float64) * (far - near))
    depth[reversed_depth <= 0.0] = np.nan
    return depth.astype(np.float32)
