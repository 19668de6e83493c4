"""What a renderer makes, and what every renderer can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError

VISIBLE_GROUPS = (1, 1, 1, 0, 0, 0)
"""Which of MuJoCo's six geom groups are seen: collision-only geoms belong in 3 to 5."""


@dataclass(frozen=True)
class Quality:
    """How well OpenGL draws; the default is what a robot's camera gets, for speed.

    Attributes:
        samples: a pixel, for smooth edges; 0 = one, whose depth is that of one surface.
        shadow_px: side of the shadow maps; 0 = no shadows.
        slices: faces around round shapes: with 20 they lie at most 1.2 % of the radius inside the
            true surface (0.5 mm for 40 mm), at half the cost of MuJoCo's 28.
        stacks: faces along round shapes.
        smooth: whether meshes are shaded across their faces.
    """

    samples: int = 0
    shadow_px: int = 0
    slices: int = 20
    stacks: int = 10
    smooth: bool = False


SENSOR = Quality()
FILM = Quality(samples=0, shadow_px=2048, slices=48, stacks=24, smooth=True)


@dataclass(frozen=True, eq=False)
class Picture:
    """A rendered picture without noise.

    Attributes:
        color: (H, W, 3) uint8 sRGB; black where there is nothing.
        depth: (H, W) float32 m along the optical axis, NaN beyond the far plane or where there is
            nothing.
        segmentation: (H, W) int32 geom ids, -1 for nothing; None unless asked for.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int32] | None = None


class Renderer(Protocol):
    """Makes pictures of one compiled model, whose geoms may change in place between pictures."""

    @property
    def height(self) -> int:
        """px."""
        ...

    @property
    def width(self) -> int:
        """px."""
        ...

    def render(
        self,
        data: Any,
        world_from_camera: FloatArray,
        intrinsics: FloatArray,
        *,
        segmentation: bool = False,
    ) -> Picture:
        """A picture of `data` (`mujoco.MjData`, after `mj_forward`) from a camera that may be
        anywhere.

        Args:
            data: the state.
            world_from_camera: (4, 4); camera axes x right, y down, z forward.
            intrinsics: (3, 3) px without skew; pixel centres lie at half-integers; the principal
                point may lie anywhere.
            segmentation: also return geom ids.

        Raises:
            InputError: intrinsics with skew.
        """
        ...

    def close(self) -> None:
        """Free what the renderer holds; it makes no pictures afterwards."""
        ...


def no_skew(intrinsics: FloatArray) -> FloatArray:
    """The (4,) fx, fy, cx, cy of pinhole `intrinsics` (3, 3).

    Raises:
        InputError: a skewed matrix, which no renderer here draws.
    """
    k = np.asarray(intrinsics, dtype=np.float64)
    if k.shape != (3, 3) or k[0, 1] != 0.0 or k[0, 0] <= 0 or k[1, 1] <= 0:
        raise InputError(
            given=f"intrinsics\n{k}",
            wanted="[[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels, fx and fy positive",
        )
    return np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]])


def clip_planes(model: Any) -> tuple[float, float]:
    """(near, far) m of a `mujoco.MjModel`, which scales them with its extent."""
    extent = float(model.stat.extent)
    return float(model.vis.map.znear) * extent, float(model.vis.map.zfar) * extent
