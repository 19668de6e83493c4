"""What the networks see: turned maps of a scene, whole or as patches around actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.spec import CellSpec, GripperSpec
from selfgrasp.methods.vpg.config import VPGConfig
from selfgrasp.methods.vpg.network import Networks, Tower
from selfgrasp.vision import Heightmap
from selfgrasp.vision.grasp_pose import INSERTION
from selfgrasp.vision.turned import (
    PUSH_HEIGHT,
    Turned,
    graspable,
    outline,
    padded,
    pushable,
    standing,
    turned,
)

MAP_PIXEL = 0.004
"""m, cells of the heightmap that everything is made of."""
HEIGHT_SCALE = 0.05
"""m that one unit of the networks' heights stands for."""
LATE = 6
"""Numbers of a grasp that join late: the fingertips' height, and how far the highest points under
the fingers, between them and halfway rise above it."""
_CLEARANCE_SCALE, _CLEARANCE_RANGE = 0.0125, 4.0
_TOP = 0.008
"""m around a grasp's middle in which the top of what it closes on is looked for."""
_AROUND = 0.08
"""m around what stands there in which pushes begin."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Actions of one kind and their values.

    Attributes:
        xy: (N, 2) m.
        yaw: (N,) rad.
        z: (N,) m, of the fingertips.
        values: (N,).
    """

    xy: FloatArray
    yaw: FloatArray
    z: FloatArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: NDArray[np.int64]) -> Scored:
        """The rows at `indices`."""
        return Scored(self.xy[indices], self.yaw[indices], self.z[indices], self.values[indices])


def picture(
    color: NDArray[np.uint8], height: NDArray[np.floating], config: VPGConfig
) -> torch.Tensor:
    """(B, C, H, W) float32 of colors (B, H, W, 3) and heights (B, H, W) m above the table."""
    parts = []
    if config.color:
        parts.append(torch.from_numpy(color).permute(0, 3, 1, 2).float().div_(127.5).sub_(1))
    if config.height:
        scaled = np.clip(height / HEIGHT_SCALE, -1.0, 4.0).astype(np.float32)
        parts.append(torch.from_numpy(scaled)[:, None])
    return torch.cat(parts, dim=1)


def patch(
    top: Heightmap, xy: FloatArray, yaw: float, spec: CellSpec, *, pixel: float, side: int
) -> Turned:
    """The patch of `side` px around an action at `xy` (2,) m along `yaw`."""
    surface = spec.workspace.surface
    seen = turned(top, xy[None], yaw, surface=surface, pixel=pixel, border=side // 2)
    return Turned(seen.color[:side, :side], seen.height[:side, :side], yaw, pixel, seen.first)


def clearances(
    seen: Turned, places: NDArray[np.int64], tips: FloatArray, gripper: GripperSpec, *, border: int
) -> NDArray[np.float32]:
    """(N, 6) numbers that join late, of grasps at the cells (row, column) `places` (N, 2) with
    fingertips `tips` (N,) m above the table; all lie at least `border` px inside the map."""
    breadth = 2 * round(gripper.finger_breadth / 2 / seen.pixel) + 1
    thickness = 2 * round(gripper.finger_thickness / 2 / seen.pixel) + 1
    highest = cv2.dilate(seen.height, np.ones((breadth, thickness), np.uint8))
    # What a patch does not show is not told of a whole map either.
    reach = (gripper.opening + gripper.finger_thickness) / 2 / seen.pixel
    reach = min(reach, border - thickness // 2)
    rows, columns = places[:, 0], places[:, 1]
    met = np.stack(
        [highest[rows, columns + round(share * reach)] for share in (1.0, -1.0, 0.0, 0.5, -0.5)]
    )
    rises = np.clip((met - tips) / _CLEARANCE_SCALE, -_CLEARANCE_RANGE, _CLEARANCE_RANGE)
    ends, halfway = np.sort(rises[:2], axis=0), np.sort(rises[3:], axis=0)
    late = np.stack([tips / HEIGHT_SCALE, *ends, rises[2], *halfway], axis=1)
    return np.asarray(late, dtype=np.float32)


def score_grasps(networks: Networks, top: Heightmap, spec: CellSpec, config: VPGConfig) -> Scored:
    """Every cell where something stands, in every direction of grasps."""
    found = []
    for seen, places in _turned(
        top, spec, config, graspable, yaws=config.grasp_yaws, pixel=config.grasp_pixel
    ):
        tips = _tips(seen, places, spec)
        late = torch.from_numpy(_late(seen, places, tips, spec, config))
        values = _slide(networks.grasp, seen, places, late, config)
        yaws, z = np.full(len(places), seen.yaw), tips + spec.workspace.surface
        found.append(Scored(seen.world_xy(places), yaws, z, values))
    return _joined(found)


def score_pushes(networks: Networks, top: Heightmap, spec: CellSpec, config: VPGConfig) -> Scored:
    """Every cell from which a push can move something, in every direction."""
    found = []
    for seen, places in _turned(
        top, spec, config, pushable, yaws=config.push_yaws, pixel=config.push_pixel, around=_AROUND
    ):
        late = torch.zeros(len(places), 0)
        values = _slide(networks.push, seen, places, late, config)
        z = np.full(len(places), spec.workspace.surface + PUSH_HEIGHT)
        found.append(Scored(seen.world_xy(places), np.full(len(places), seen.yaw), z, values))
    return _joined(found)


def _turned(
    top: Heightmap,
    spec: CellSpec,
    config: VPGConfig,
    mask: Callable[[Turned, CellSpec], NDArray[np.bool_]],
    *,
    yaws: FloatArray,
    pixel: float,
    around: float = 0.0,
) -> Iterator[tuple[Turned, NDArray[np.int64]]]:
    """The map turned to each direction in which the mask leaves any cell, `around` m wider than
    what stands there, and those cells (row, column) (N, 2)."""
    points = standing(top, spec)
    if not len(points):
        return
    corners, surface = outline(points, margin=around), spec.workspace.surface
    for yaw in yaws.tolist():
        seen = turned(top, corners, yaw, surface=surface, pixel=pixel, border=config.border)
        places = _places(mask(seen, spec), config.border)
        if len(places):
            yield seen, places


def _tips(seen: Turned, places: NDArray[np.int64], spec: CellSpec) -> FloatArray:
    """(N,) m above the table: fingertips 25 mm below the highest within a centimetre."""
    workspace = spec.workspace
    side = 2 * round(_TOP / seen.pixel) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    top = cv2.dilate(seen.height, kernel)[places[:, 0], places[:, 1]].astype(np.float64)
    tips: FloatArray = np.clip(
        top - INSERTION, workspace.low[2] - workspace.surface, workspace.high[2] - workspace.surface
    )
    return tips


def _late(
    seen: Turned, places: NDArray[np.int64], tips: FloatArray, spec: CellSpec, config: VPGConfig
) -> NDArray[np.float32]:
    late = clearances(seen, places, tips, spec.gripper, border=config.border)
    return late if config.clearances else np.zeros_like(late)


def _slide(
    tower: Tower,
    seen: Turned,
    places: NDArray[np.int64],
    late_NK: torch.Tensor,
    config: VPGConfig,
) -> FloatArray:
    """(N,) values at cells (row, column) (N, 2) with a whole patch around them."""
    border = config.border
    first, last = places.min(axis=0), places.max(axis=0)
    count = np.array([padded(extent) for extent in (last - first + 1).tolist()])
    first = np.minimum(first, np.array(seen.height.shape) - border - count)
    low, high = first - border, first + count + border
    part = (slice(low[0], high[0]), slice(low[1], high[1]))
    device = next(tower.parameters()).device
    x = picture(seen.color[part][None], seen.height[part][None], config).to(device)
    features = tower.features(x.contiguous(memory_format=torch.channels_last))[0]
    rows, columns = torch.from_numpy((places - first).T.copy()).to(device)
    values = tower.values(features[:, rows, columns].T, late_NK.to(device))
    found: FloatArray = values.detach().double().cpu().numpy()
    return found


def _places(mask: NDArray[np.bool_], border: int) -> NDArray[np.int64]:
    """(N, 2) cells of the mask with a whole patch around them."""
    return np.argwhere(mask[border:-border, border:-border]) + border


def _joined(found: list[Scored]) -> Scored:
    if not found:
        return Scored(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros(0))
    return Scored(
        *(
            np.concatenate([getattr(one, name) for one in found])
            for name in ("xy", "yaw", "z", "values")
        )
    )
