"""Where to look for grasps: whole maps turned to each angle, or sampled patches. N candidates, A
angles, H rows, W columns, F features."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Context, Heat
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import rotation_about_z
from selfgrasp.methods.supersizing.config import Angles, SupersizingConfig
from selfgrasp.methods.supersizing.network import (
    STRIDE,
    GraspNetwork,
    bin_of,
    clearances,
    fingers_over,
    hand_input,
    mean_logits,
    network_input,
    reach_px,
    under_palm,
)
from selfgrasp.vision import (
    Heightmap,
    crop,
    fingertip_height,
    foreground,
)

_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Scored:
    """Grasps and their predicted success.

    Attributes:
        xy: (N, 2) m in the world.
        bins: (N,) int64, index of the angle.
        z: (N,) m, the fingertips' height.
        width: (N,) m between the fingers on the way down.
        logits: (N,) of success.
    """

    xy: FloatArray
    bins: NDArray[np.int64]
    z: FloatArray
    width: FloatArray
    logits: FloatArray

    def __len__(self) -> int:
        return len(self.logits)

    def take(self, indices: NDArray[np.int64]) -> Scored:
        """The rows at `indices`."""
        return Scored(
            self.xy[indices],
            self.bins[indices],
            self.z[indices],
            self.width[indices],
            self.logits[indices],
        )


def graspable(context: Context, top: Heightmap, config: SupersizingConfig) -> NDArray[np.bool_]:
    """(H, W) bool: cells inside the workspace that are not table; all of them without depth."""
    view, workspace = context.observation.view(config.view), context.spec.workspace
    rows, cols = top.height.shape
    cells = np.stack(np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5), axis=-1)
    xy = top.world_xy(cells)
    inside = np.asarray(((xy >= workspace.low[:2]) & (xy <= workspace.high[:2])).all(axis=-1))
    if view.depth is not None:
        return inside & foreground(top, surface=workspace.surface)
    return inside


def search(
    network: GraspNetwork,
    top: Heightmap,
    mask: NDArray[np.bool_],
    spec: CellSpec,
    config: SupersizingConfig,
    rng: np.random.Generator,
    *,
    angles: NDArray[np.int64] | None = None,
) -> Scored:
    """Scored grasps on the cells of `mask` (H, W), of which at least one is True: densely where the
    config allows, otherwise on sampled points.

    A dense search looks at `angles` (A,), indices of bins, or at all of them.
    """
    chosen = np.arange(config.bins) if angles is None else angles
    dense = _dense(network, top, mask, spec, config, chosen) if config.dense else None
    return dense if dense is not None else _sampled(network, top, mask, spec, config, rng)


def score_grasps(
    networks: Sequence[GraspNetwork],
    top: Heightmap,
    xy: FloatArray,
    yaw: FloatArray,
    z: FloatArray,
    width: FloatArray,
    spec: CellSpec,
    config: SupersizingConfig,
    *,
    mirrored: bool = False,
) -> FloatArray:
    """(N,) logits of grasps at `xy` (N, 2) m, `yaw` (N,) rad, fingertips at `z` (N,) m and `width`
    (N,) m apart, each from a patch of its own.

    They are the mean over `networks`, and where it may be `mirrored` over a patch's mirror images,
    which are the same to a parallel gripper: see `mean_logits`.
    """
    published = config.angles is Angles.OUTPUTS
    bins = bin_of(yaw, config.bins)
    logits_NA = _patches(
        networks,
        top,
        xy,
        np.zeros_like(yaw) if published else yaw,
        z,
        width,
        spec,
        config,
        mirrored=mirrored,
    )
    picked: FloatArray = logits_NA[np.arange(len(xy)), bins if published else 0]
    return picked


def heat(
    scored: Scored, probabilities: FloatArray, top: Heightmap, config: SupersizingConfig
) -> Heat:
    """The best probability in each cell of a coarser map, one layer an angle; NaN where nothing was
    scored."""
    rows, cols = (math.ceil(n / STRIDE) for n in top.height.shape)
    values = np.full((config.bins, rows, cols), -np.inf, np.float32)
    cells = np.floor(top.cells(scored.xy) / STRIDE).astype(np.int64)
    np.maximum.at(
        values,
        (scored.bins, cells[:, 1].clip(0, rows - 1), cells[:, 0].clip(0, cols - 1)),
        probabilities.astype(np.float32),
    )
    values[np.isneginf(values)] = np.nan
    return Heat(
        values,
        np.arange(config.bins) * math.pi / config.bins,
        top.world_from_map,
        top.pixel * STRIDE,
    )


def _dense(
    network: GraspNetwork,
    top: Heightmap,
    mask: NDArray[np.bool_],
    spec: CellSpec,
    config: SupersizingConfig,
    angles: NDArray[np.int64],
) -> Scored | None:
    """Every fourth pixel of the map turned to each angle, as far as the mask reaches; None where a
    tiny mask slips through that grid at all of them."""
    rows_cols = np.argwhere(mask)
    points = top.world_xy(rows_cols[:, ::-1] + 0.5)
    xy, bins, features, met = [], [], [], []
    widths = np.array(config.openings) * spec.gripper.opening
    reaches = reach_px(widths, config, spec)
    for index in angles:
        lattice = _lattice(points, index * math.pi / config.bins, top.pixel)
        cells = np.floor(top.cells(lattice.xy)).astype(np.int64)
        row, col = (
            cells[..., 1].clip(0, mask.shape[0] - 1),
            cells[..., 0].clip(0, mask.shape[1] - 1),
        )
        wanted = mask[row, col]
        if not wanted.any():
            continue
        color, height = lattice.turned_map(top, config.pixels)
        x_1CHW = network_input(
            color[None], height[None] - spec.workspace.surface, np.zeros(1), config
        )
        x_1CHW = x_1CHW.to(_device(network)).contiguous(memory_format=torch.channels_last)
        features_HWF = network.features(x_1CHW)[0].permute(1, 2, 0)
        features.append(features_HWF[torch.from_numpy(wanted)])
        if config.clearance:
            met.append(
                _met(
                    x_1CHW[0, -1].cpu().numpy(),
                    np.argwhere(wanted) * STRIDE + config.pixels // 2,
                    reaches,
                    config,
                )
            )
        xy.append(lattice.xy[wanted])
        bins.append(np.full(len(xy[-1]), index))
    if not xy:
        return None
    all_xy, all_bins = np.concatenate(xy), np.concatenate(bins)
    z = fingertip_height(
        top, all_xy, all_bins * math.pi / config.bins, spec.gripper, spec.workspace
    )
    features_NF, fingertip = torch.cat(features), z - spec.workspace.surface
    met_WNM = torch.cat(met, dim=1).to(features_NF.device) if met else None

    def logits_of(opening: int, width: FloatArray) -> FloatArray:
        hand_NL = hand_input(fingertip, width, config).to(features_NF.device)
        return (
            network.logits(features_NF, hand_NL, None if met_WNM is None else met_WNM[opening])[
                :, 0
            ]
            .double()
            .cpu()
            .numpy()
        )

    return _best_opening(all_xy, all_bins, z, spec, config, logits_of)


def _met(
    height_HW: NDArray[np.float32],
    middles: NDArray[np.int64],
    reaches: NDArray[np.float32],
    config: SupersizingConfig,
) -> torch.Tensor:
    """(W, N, M) clearances of hands at `middles` (N, 2) px of a turned map, for each of `reaches`
    (W,) px; see `clearances` and `under_palm`."""
    row, column = middles[:, 0], middles[:, 1]
    place = (
        torch.zeros(len(middles), dtype=torch.int64),
        torch.from_numpy(row),
        torch.from_numpy(column),
    )
    pooled_1HW = torch.from_numpy(fingers_over(height_HW))[None]
    met_WNM = torch.stack(
        [
            clearances(pooled_1HW, place, torch.full((len(middles),), float(reach)))
            for reach in reaches
        ]
    )
    if config.palm:
        met_WNM = torch.cat(
            [met_WNM, under_palm(height_HW, row, column).expand(len(reaches), -1, -1)], dim=2
        )
    return met_WNM


def _best_opening(
    xy: FloatArray,
    bins: NDArray[np.int64],
    z: FloatArray,
    spec: CellSpec,
    config: SupersizingConfig,
    logits_of: Callable[[int, FloatArray], FloatArray],
) -> Scored:
    """Every place and angle with its best opening; `logits_of` takes
    an opening's number and the widths (N,) m it stands for."""
    widths = np.array(config.openings) * spec.gripper.opening
    logits_WN = np.stack(
        [logits_of(opening, np.full(len(z), width)) for opening, width in enumerate(widths)]
    )
    best = logits_WN.argmax(axis=0)
    return Scored(xy, bins, z, widths[best], logits_WN[best, np.arange(len(z))])


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Places on a grid turned by `yaw` rad, `STRIDE` pixels apart. xy (h, w, 2) m in the world."""

    xy: FloatArray
    yaw: float
    pixel: float

    def turned_map(
        self, top: Heightmap, patch: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Colour and height of the map turned so that columns run along `yaw`, with the patch of
        place (i, j) at rows from 4 i and columns from 4 j."""
        h, w = self.xy.shape[:2]
        size = (STRIDE * (w - 1) + patch, STRIDE * (h - 1) + patch)
        along = np.array([math.cos(self.yaw), math.sin(self.yaw)]) * self.pixel
        across = np.array([-along[1], along[0]])
        first = self.xy[0, 0] - (along + across) * (patch - 1) / 2
        origin, column, row = (top.cells(p) - 0.5 for p in (first, first + along, first + across))
        matrix = np.stack([column - origin, row - origin, origin], axis=1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        color = np.asarray(
            cv2.warpAffine(top.color, matrix, size, None, flags, cv2.BORDER_REPLICATE), np.uint8
        )
        height = np.asarray(
            cv2.warpAffine(top.height, matrix, size, None, flags, cv2.BORDER_REPLICATE), np.float32
        )
        return color, height


def _lattice(points: FloatArray, yaw: float, pixel: float) -> _Lattice:
    """The turned grid that covers `points` (N, 2) m."""
    world_from_grid = rotation_about_z(yaw)[:2, :2]
    turned = points @ world_from_grid
    low, high = turned.min(axis=0), turned.max(axis=0)
    step = STRIDE * pixel
    # Sizes in steps of eight places: convolutions are prepared once for a size, which costs as much
    # as running them.
    counts = (8 * math.ceil((math.floor((high[k] - low[k]) / step + 1e-9) + 1) / 8) for k in (0, 1))
    u, v = (low[k] + step * np.arange(count) for k, count in enumerate(counts))
    return _Lattice(np.stack(np.meshgrid(u, v), axis=-1) @ world_from_grid.T, yaw, pixel)


def _sampled(
    network: GraspNetwork,
    top: Heightmap,
    mask: NDArray[np.bool_],
    spec: CellSpec,
    config: SupersizingConfig,
    rng: np.random.Generator,
) -> Scored:
    """All angles at sampled points (section III.D: 800 patches, 18 angles)."""
    rows_cols = np.argwhere(mask)
    chosen = rows_cols[
        np.sort(rng.choice(len(rows_cols), min(config.points, len(rows_cols)), replace=False))
    ]
    xy, angles = top.world_xy(chosen[:, ::-1] + 0.5), np.arange(config.bins) * math.pi / config.bins
    all_xy, bins = np.repeat(xy, config.bins, axis=0), np.tile(np.arange(config.bins), len(xy))
    z = fingertip_height(top, all_xy, angles[bins], spec.gripper, spec.workspace)
    if config.angles is Angles.ROTATED:
        return _best_opening(
            all_xy,
            bins,
            z,
            spec,
            config,
            lambda _, width: score_grasps(
                [network], top, all_xy, angles[bins], z, width, spec, config
            ),
        )
    # One patch serves all angles, so it is seen relative to the mean of their fingertip heights,
    # which seldom differ.
    reference = z.reshape(len(xy), config.bins).mean(axis=1)

    def at(_: int, width: FloatArray) -> FloatArray:
        return _patches(
            [network], top, xy, np.zeros(len(xy)), reference, width[: len(xy)], spec, config
        ).reshape(-1)

    return _best_opening(all_xy, bins, z, spec, config, at)


def _patches(
    networks: Sequence[GraspNetwork],
    top: Heightmap,
    xy: FloatArray,
    yaw: FloatArray,
    z: FloatArray,
    width: FloatArray,
    spec: CellSpec,
    config: SupersizingConfig,
    *,
    mirrored: bool = False,
) -> FloatArray:
    """(N, outputs) logits, in chunks that fit in memory."""
    out, size = np.zeros((len(xy), config.outputs)), config.context * spec.gripper.opening
    for start in range(0, len(xy), _CHUNK):
        part = slice(start, start + _CHUNK)
        crops = crop(top, xy[part], yaw[part], size, config.pixels)
        fingertip, device = z[part] - spec.workspace.surface, _device(networks[0])
        x_BCHW = network_input(
            crops.color, crops.height - spec.workspace.surface, fingertip, config
        )
        x_BCHW = x_BCHW.to(device).contiguous(memory_format=torch.channels_last)
        hand_BL, reach_B = (
            hand_input(fingertip, width[part], config),
            torch.from_numpy(reach_px(width[part], config, spec)),
        )
        out[part] = (
            mean_logits(networks, x_BCHW, hand_BL.to(device), reach_B.to(device), mirrored=mirrored)
            .double()
            .cpu()
            .numpy()
        )
    return out


def _device(network: GraspNetwork) -> torch.device:
    return next(network.parameters()).device
