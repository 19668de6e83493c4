"""Cube textures, looked up as OpenGL does: by direction, between mip levels and texels.

Shapes: N looked-up points. Textures that are not cubes are drawn with their mean colour.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Per face (+x, -x, +y, -y, +z, -z): which coordinate runs along s and t, and with which sign
# (OpenGL 2.1, table 3.19).
_S_AXIS = np.array([2, 2, 0, 0, 0, 0])
_S_SIGN = np.array([-1, 1, 1, 1, 1, -1], dtype=np.float32)
_T_AXIS = np.array([1, 1, 2, 2, 1, 1])
_T_SIGN = np.array([-1, -1, 1, -1, -1, -1], dtype=np.float32)


class CubeTextures:
    """All textures of a model, with their mip levels in one flat array.

    Args:
        model: its texture data are read once.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        pyramids = [_pyramid(model, texture) for texture in range(model.ntex)]
        # Grey patterns, which take their colour from the geom, are looked up in one channel instead
        # of three.
        channels = 1 if all((p[0] == p[0][..., :1]).all() for p in pyramids) else 3
        pyramids = [[faces[..., :channels] for faces in p] for p in pyramids]
        self.mean: Array = np.array(
            [p[-1].mean(axis=(0, 1, 2)) for p in pyramids], dtype=np.float32
        ).reshape(-1, channels)
        """(ntex, 3) in 0..1, or (ntex, 1) if all textures are grey."""
        self.varies: NDArray[np.bool_] = np.array(
            [bool(np.ptp(p[0]) > 0) and len(p) > 1 for p in pyramids], dtype=bool
        )
        """(ntex,) whether a texture has to be looked up, or is one colour all over."""
        depth = max((len(p) for p in pyramids), default=1)
        self._start = np.zeros((model.ntex, depth), dtype=np.int64)
        self._width = np.ones((model.ntex, depth), dtype=np.int64)
        self._top = np.array([len(p) - 1 for p in pyramids], dtype=np.float32)
        flat, total = [np.zeros((0, channels), dtype=np.float32)], 0
        for texture, levels in enumerate(pyramids):
            for level, faces in enumerate(levels):
                self._start[texture, level], self._width[texture, level] = total, faces.shape[1]
                flat.append(faces.reshape(-1, channels))
                total += faces.shape[0] * faces.shape[1] * faces.shape[2]
        self._texels: Array = np.concatenate(flat)

    def sample(
        self, texture: NDArray[np.int64], direction: Array, along_x: Array, along_y: Array
    ) -> Array:
        """(N, 3) colours in 0..1, or (N, 1) if all textures are grey.

        Args:
            texture: (N,) ids of textures that vary.
            direction: (N, 3) from the cube's middle; any length.
            along_x: (N, 3) change of `direction` from a pixel to the next on its right, which
                chooses the mip level.
            along_y: (N, 3) the same downwards.
        """
        rows = np.arange(len(direction))
        axis = np.abs(direction).argmax(axis=1)
        major = direction[rows, axis]
        face = 2 * axis + (major < 0)
        scale = 0.5 / np.maximum(np.abs(major), np.float32(1e-12))
        s_axis, t_axis, sign = _S_AXIS[face], _T_AXIS[face], np.sign(major)
        s = _S_SIGN[face] * direction[rows, s_axis] * scale
        t = _T_SIGN[face] * direction[rows, t_axis] * scale
        change = np.zeros(len(direction), dtype=np.float32)
        for along in (along_x, along_y):
            grow = 2.0 * sign * along[rows, axis]
            ds = (_S_SIGN[face] * along[rows, s_axis] - s * grow) * scale
            dt = (_T_SIGN[face] * along[rows, t_axis] - t * grow) * scale
            np.maximum(change, ds * ds + dt * dt, out=change)
        level = 0.5 * np.log2(
            np.maximum(change * self._width[texture, 0].astype(np.float32) ** 2, np.float32(1e-12))
        )
        level = np.clip(level, 0.0, self._top[texture])
        low = level.astype(np.int64)
        high = np.minimum(low + 1, self._top[texture].astype(np.int64))
        mix = (level - low)[:, None].astype(np.float32)
        result: Array = (1 - mix) * self._bilinear(texture, low, face, s, t) + mix * self._bilinear(
            texture, high, face, s, t
        )
        return result

    def _bilinear(
        self,
        texture: NDArray[np.int64],
        level: NDArray[np.int64],
        face: NDArray[np.int64],
        s: Array,
        t: Array,
    ) -> Array:
        width = self._width[texture, level]
        base = self._start[texture, level] + face * width * width
        x, y = (s + 0.5) * width - 0.5, (t + 0.5) * width - 0.5
        x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        right, down = (x - x0).astype(np.float32)[:, None], (y - y0).astype(np.float32)[:, None]
        last = width - 1
        left_column, right_column = np.clip(x0, 0, last), np.clip(x0 + 1, 0, last)
        upper, lower = base + np.clip(y0, 0, last) * width, base + np.clip(y0 + 1, 0, last) * width
        texels = self._texels
        above = (1 - right) * texels[upper + left_column] + right * texels[upper + right_column]
        below = (1 - right) * texels[lower + left_column] + right * texels[lower + right_column]
        result: Array = (1 - down) * above + down * below
        return result


def _pyramid(model: mujoco.MjModel, texture: int) -> list[Any]:
    """Mip levels, largest first, each (6, w, w, 3) in 0..1; one level of one texel for what is not
    a cube."""
    width, height, channels = (
        int(model.tex_width[texture]),
        int(model.tex_height[texture]),
        int(model.tex_nchannel[texture]),
    )
    start = int(model.tex_adr[texture])
    pixels = (
        model.tex_data[start : start + width * height * channels]
        .reshape(height, width, channels)[..., :3]
        .astype(np.float32)
        / 255.0
    )
    if model.tex_type[texture] != mujoco.mjtTexture.mjTEXTURE_CUBE or channels < 3:
        return [np.broadcast_to(pixels.mean(axis=(0, 1)), (6, 1, 1, 3)).astype(np.float32)]
    faces = (
        pixels.reshape(6, width, width, 3)
        if height == 6 * width
        else np.broadcast_to(pixels, (6, width, width, 3))
    )
    levels = [faces]
    while levels[-1].shape[1] > 1:
        finer = levels[-1][:, : levels[-1].shape[1] // 2 * 2, : levels[-1].shape[2] // 2 * 2]
        levels.append(
            (finer[:, ::2, ::2] + finer[:, 1::2, ::2] + finer[:, ::2, 1::2] + finer[:, 1::2, 1::2])
            / 4
        )
    return levels
