"""The colours of points hit by rays, as MuJoCo's OpenGL would light them: fixed-function lights,
materials and cube textures.

Shapes: N hit points. Shadows, reflections and transparency are left out, as they are switched off
in OpenGL.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.workcell.sim.render.kinds import GeomKind
from selfgrasp.workcell.sim.render.texture import CubeTextures

Array = NDArray[np.float32]
_RGB = int(mujoco.mjtTextureRole.mjTEXROLE_RGB)
_DEFAULT_RGBA = np.array([0.5, 0.5, 0.5, 1.0], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Hits:
    """Where rays met geoms.

    Attributes:
        geom: (N,) geom ids.
        points: (N, 3) m in the world.
        normals: (N, 3) unit, outward, in the world.
        rays: (N, 3) world directions whose component along the optical axis is 1.
        depth: (N,) m along the optical axis.
    """

    geom: NDArray[np.int64]
    points: Array
    normals: Array
    rays: Array
    depth: Array


def geom_rgba(model: mujoco.MjModel) -> Array:
    """(ngeom, 4) colours as drawn: a geom's own unless it is MuJoCo's default grey, then its
    material's."""
    own: Array = model.geom_rgba.copy()
    if not model.nmat:
        return own
    takes_material = (model.geom_matid >= 0) & (own == _DEFAULT_RGBA).all(axis=1)
    return np.where(takes_material[:, None], model.mat_rgba[model.geom_matid], own).astype(
        np.float32
    )


def shade(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    textures: CubeTextures,
    hits: Hits,
    axes: Array,
    focal: tuple[float, float],
) -> NDArray[np.uint8]:
    """(N, 3) uint8 colours.

    Args:
        model: for materials and lights.
        data: for the poses of geoms and lights.
        textures: of the model.
        hits: what the rays met.
        axes: (3, 3) rows are the camera's x, y, z in the world.
        focal: (fx, fy) px.
    """
    base = geom_rgba(model)[hits.geom, :3]
    color = base * _light(model, data, hits, axes[2])
    np.minimum(color, 1.0, out=color)
    _apply_textures(model, data, textures, hits, axes, focal, color)
    return (color * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def _light(model: mujoco.MjModel, data: mujoco.MjData, hits: Hits, forward: Array) -> Array:
    """(N, 3) factor of the colour, (N, 1) where all light is grey; without highlights, which OpenGL
    draws where a light and a material are specular."""
    head = model.vis.headlight
    colors = np.concatenate(
        [[head.ambient, head.diffuse], model.light_ambient, model.light_diffuse]
    )
    channels = 1 if (colors == colors[:, :1]).all() else 3
    total: Array = np.repeat(_emission(model, hits.geom)[:, None], channels, axis=1)
    lights = 0
    if head.active:
        total += _directional(hits, -forward, head.ambient[:channels], head.diffuse[:channels])
        lights += 1
    for light in range(model.nlight):
        if not model.light_active[light]:
            continue
        lights += 1
        direction = data.light_xdir[light].astype(np.float32)
        if model.light_type[light] == mujoco.mjtLightType.mjLIGHT_DIRECTIONAL:
            total += _directional(
                hits,
                -direction,
                model.light_ambient[light, :channels],
                model.light_diffuse[light, :channels],
            )
        elif model.light_type[light] == mujoco.mjtLightType.mjLIGHT_SPOT:
            total += _spot(
                model, light, data.light_xpos[light].astype(np.float32), direction, hits
            )[:, :channels]
    return total if lights else total + np.float32(0.3)


def _directional(hits: Hits, toward: Array, ambient: Array, diffuse: Array) -> Array:
    facing = np.maximum(hits.normals @ toward, 0.0)
    result: Array = np.asarray(ambient, dtype=np.float32) + facing[:, None] * np.asarray(
        diffuse, dtype=np.float32
    )
    return result


def _spot(
    model: mujoco.MjModel, light: int, position: Array, direction: Array, hits: Hits
) -> Array:
    toward = position - hits.points
    distance = np.sqrt((toward * toward).sum(axis=1))
    toward /= distance[:, None]
    a, b, c = model.light_attenuation[light]
    cosine = -(toward @ direction)
    cone = np.where(
        cosine >= np.cos(np.radians(model.light_cutoff[light])),
        np.maximum(cosine, 0.0) ** model.light_exponent[light],
        0.0,
    )
    strength = (cone / (a + b * distance + c * distance * distance)).astype(np.float32)
    facing = np.maximum((hits.normals * toward).sum(axis=1), 0.0)
    result: Array = strength[:, None] * (
        model.light_ambient[light] + facing[:, None] * model.light_diffuse[light]
    )
    return result


def _apply_textures(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    textures: CubeTextures,
    hits: Hits,
    axes: Array,
    focal: tuple[float, float],
    color: Array,
) -> None:
    """Multiply `color` (N, 3), in place, by the texture of each hit that has one."""
    if not (model.nmat and model.ntex):
        return
    of_geom = np.where(model.geom_matid >= 0, model.mat_texid[model.geom_matid, _RGB], -1)
    texture = of_geom[hits.geom]
    flat = (texture >= 0) & ~textures.varies[texture]
    color[flat] *= textures.mean[texture[flat]]
    rows = np.flatnonzero((texture >= 0) & textures.varies[texture])
    if len(rows):
        geom, rays, depth, normals = (
            hits.geom[rows],
            hits.rays[rows],
            hits.depth[rows],
            hits.normals[rows],
        )
        world_to_cube = _world_to_cube(model, data)[geom]
        local = _rotate(world_to_cube, hits.points[rows] - data.geom_xpos[geom].astype(np.float32))
        # How the hit point slides over its tangent plane from one pixel to the next.
        across = (normals * rays).sum(axis=1)
        across = np.where(np.abs(across) < 1e-3, np.float32(-1e-3), across)
        slides = []
        for axis, length in zip(axes[:2], focal, strict=True):
            slide = (depth / np.float32(length))[:, None] * (
                axis - rays * ((normals @ axis) / across)[:, None]
            )
            slides.append(_rotate(world_to_cube, slide))
        direction = _capsule_ends(model, geom, local)
        color[rows] *= textures.sample(
            texture[rows].astype(np.int64), direction, slides[0], slides[1]
        )


def _world_to_cube(model: mujoco.MjModel, data: mujoco.MjData) -> Array:
    """(ngeom, 3, 3) from the world's axes to texture directions.

    Primitives are unit shapes that MuJoCo stretches, and the texture is stretched with them unless
    the material is `texuniform`; a mesh is not stretched, so there `texuniform` stretches it.
    """
    size = model.geom_size.astype(np.float32)
    kind = model.geom_type
    round_ = (kind == GeomKind.CYLINDER) | (kind == GeomKind.CAPSULE)
    size = np.where(round_[:, None], size[:, [0, 0, 1]], size)
    size = np.where((kind == GeomKind.SPHERE)[:, None], size[:, :1], size)
    mesh = kind == GeomKind.MESH
    uniform = (model.geom_matid >= 0) & model.mat_texuniform[model.geom_matid].astype(bool)
    stretch = np.where(
        mesh[:, None],
        np.where(uniform[:, None], size, 1.0),
        np.where(uniform[:, None], 1.0, 1.0 / np.maximum(size, 1e-9)),
    )
    rotation = data.geom_xmat.reshape(-1, 3, 3).transpose(0, 2, 1)
    axes: Array = (stretch[:, :, None] * rotation).astype(np.float32)
    return axes


def _capsule_ends(model: mujoco.MjModel, geom: NDArray[np.int64], local: Array) -> Array:
    """`local` (N, 3) with the round ends of capsules moved as MuJoCo's half spheres lie: one
    radius, not half a length, from the middle."""
    ends = (model.geom_type[geom] == GeomKind.CAPSULE) & (np.abs(local[:, 2]) > 1.0)
    if ends.any():
        local = local.copy()
        z, size = local[ends, 2], model.geom_size[geom[ends]].astype(np.float32)
        local[ends, 2] = np.sign(z) * (1.0 + (np.abs(z) - 1.0) * size[:, 1] / size[:, 0])
    return local


def _rotate(matrices: Array, vectors: Array) -> Array:
    """(N, 3) products of (N, 3, 3) and (N, 3)."""
    result: Array = np.einsum("nij,nj->ni", matrices, vectors)
    return result


def _emission(model: mujoco.MjModel, geom: NDArray[np.int64]) -> Array:
    """(N,) emission."""
    if not model.nmat:
        return np.zeros(len(geom), dtype=np.float32)
    return np.where(model.geom_matid >= 0, model.mat_emission[model.geom_matid], 0.0).astype(
        np.float32
    )[geom]
