"""The networks. B batch, C channels, H rows, W columns, F features, L numbers of the hand, A
outputs (angles).

The compact trunk has no padding anywhere, so that run over a map it gives, at every fourth pixel,
exactly what it gives for the patch around that place.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from selfgrasp.core import CellSpec
from selfgrasp.methods.supersizing.config import (
    CLEARANCES,
    Angles,
    Channels,
    Reference,
    SupersizingConfig,
    Trunk,
)

HEIGHT_SCALE = 0.05
"""m that one unit of the network's height stands for."""
_HEIGHT_RANGE = (-2.0, 4.0)
_WIDTH_MIDDLE, _WIDTH_SCALE = 0.06, 0.02
_FINGER_PX = (7, 3)
_PALM_PX, _PALM_END_PX, _PALM_END_AT = (21, 45), (21, 7), 19
_CLEARANCE_GAIN, _PALM_GAIN, _CLEARANCE_RANGE = 4.0, 2.0, 4.0
"""The palm is a finger's length above the fingertips, so that what touches it is further from them
than what touches a finger."""
_FINGER_GAIN = 2.0
STRIDE = 4
"""px between two cells of the compact trunk's features."""


def network_input(
    color: NDArray[np.uint8],
    height: NDArray[np.floating],
    fingertip: NDArray[np.floating],
    config: SupersizingConfig,
) -> torch.Tensor:
    """(B, C, H, W) float32 patches in network units.

    Args:
        color: (B, H, W, 3) uint8.
        height: (B, H, W) m above the table.
        fingertip: (B,) m above the table, what heights are relative to where the config says so.
        config: which channels, and whether heights are relative.
    """
    parts = [torch.from_numpy(color).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)]
    if config.channels is Channels.COLOR_HEIGHT:
        h_BHW = torch.from_numpy(np.ascontiguousarray(height, dtype=np.float32))
        if config.reference is Reference.SUBTRACTED:
            h_BHW = h_BHW - torch.from_numpy(np.asarray(fingertip, dtype=np.float32))[:, None, None]
        parts.append((h_BHW / HEIGHT_SCALE).clamp(*_HEIGHT_RANGE)[:, None])
    return torch.cat(parts, dim=1)


def hand_input(
    fingertip: NDArray[np.floating], width: NDArray[np.floating], config: SupersizingConfig
) -> torch.Tensor:
    """(B, L) float32: what joins late, of fingertips `fingertip` (B,) m above the table and fingers
    `width` (B,) m apart."""
    columns = []
    if config.reference is Reference.LATE:
        columns.append(np.asarray(fingertip, dtype=np.float32) / HEIGHT_SCALE)
    if len(config.openings) > 1:
        columns.append((np.asarray(width, dtype=np.float32) - _WIDTH_MIDDLE) / _WIDTH_SCALE)
    return torch.from_numpy(
        np.stack(columns, axis=1) if columns else np.zeros((len(fingertip), 0), np.float32)
    )


def reach_px(
    width: NDArray[np.floating], config: SupersizingConfig, spec: CellSpec
) -> NDArray[np.float32]:
    """(N,) float32 px of a patch, from a grasp's middle to the middle of a finger, for fingers
    `width` (N,) m apart."""
    patch = config.context * spec.gripper.opening
    return np.asarray(
        (width + spec.gripper.finger_thickness) / 2 * config.pixels / patch, dtype=np.float32
    )


def clearances(
    pooled_BHW: torch.Tensor,
    place: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    reach_N: torch.Tensor,
) -> torch.Tensor:
    """(N, 5) highest points in network units of height: under the fingers (the higher, the lower),
    in the middle between them, halfway (the higher, the lower).

    A parallel gripper is symmetric, so the fingers are not distinguished.

    Args:
        pooled_BHW: heights turned into the gripper's frame, of which each is the highest under a
            finger there; see `fingers_over`.
        place: (N,) int64 each: batch, row and column of the grasps' middles.
        reach_N: (N,) px from there to the middle of a finger.
    """
    batch, row, column = place
    shares = torch.tensor([[1.0], [-1.0], [0.0], [0.5], [-0.5]], device=reach_N.device)
    where_5N = (column + shares * reach_N).clamp(0, pooled_BHW.shape[2] - 1.001)
    left_5N = where_5N.long()
    share_5N = where_5N - left_5N
    met_5N = (1 - share_5N) * pooled_BHW[batch, row, left_5N] + share_5N * pooled_BHW[
        batch, row, left_5N + 1
    ]
    fingers, between = met_5N[:2], met_5N[3:]
    return torch.stack(
        [fingers.amax(0), fingers.amin(0), met_5N[2], between.amax(0), between.amin(0)], dim=1
    )


def under_palm(
    height_HW: NDArray[np.float32], row: NDArray[np.int64], column: NDArray[np.int64]
) -> torch.Tensor:
    """(N, 3) highest points in the units of `height_HW`: under the whole palm, and under its ends
    beyond the fingers (the higher, the lower).

    For a palm of the simulated gripper's proportions: as long as a patch and two thirds of the
    opening broad. What only the palm touches stops a hand whose fingers are free.

    Args:
        height_HW: heights turned into the gripper's frame.
        row, column: (N,) of the grasps' middles.
    """
    whole = cv2.dilate(height_HW, np.ones(_PALM_PX, np.uint8))[row, column]
    ends = cv2.dilate(height_HW, np.ones(_PALM_END_PX, np.uint8))
    left, right = ends[row, column - _PALM_END_AT], ends[row, column + _PALM_END_AT]
    return torch.from_numpy(
        np.stack([whole, np.maximum(left, right), np.minimum(left, right)], axis=1).astype(
            np.float32, copy=False
        )
    )


def fingers_over(height_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) highest points under a finger at every pixel; a finger is a tenth of the opening thick
    and nearly a quarter broad."""
    return np.asarray(cv2.dilate(height_HW, np.ones(_FINGER_PX, np.uint8)), dtype=np.float32)


def _fingers_over_middle(height_BHW: torch.Tensor) -> torch.Tensor:
    """(B, 1, W): the middle row of `fingers_over` for every patch."""
    middle, breadth = height_BHW.shape[1] // 2, _FINGER_PX[0] // 2
    highest_BW = height_BHW[:, middle - breadth : middle + breadth + 1].amax(1)
    return F.max_pool1d(highest_BW[:, None], _FINGER_PX[1], stride=1, padding=_FINGER_PX[1] // 2)


def _under_palm_middle(height_BHW: torch.Tensor) -> torch.Tensor:
    """(B, 3) `under_palm` of the middle of every patch."""
    middle, breadth = height_BHW.shape[1] // 2, _PALM_PX[0] // 2
    highest_BW = height_BHW[:, middle - breadth : middle + breadth + 1].amax(1)
    ends = highest_BW[:, : _PALM_END_PX[1]].amax(1), highest_BW[:, -_PALM_END_PX[1] :].amax(1)
    return torch.stack([highest_BW.amax(1), torch.maximum(*ends), torch.minimum(*ends)], dim=1)


def with_hand_drawn(
    x_BCHW: torch.Tensor, fingertip_B: torch.Tensor, reach_B: torch.Tensor
) -> torch.Tensor:
    """(B, C + 2, H, W) patches with the gripper drawn in: heights relative to its fingertips, and a
    mask of where its fingers come down.

    Args:
        x_BCHW: patches in the gripper's frame, heights last.
        fingertip_B: their height in network units.
        reach_B: px from the middle to that of a finger; a finger's edge shades off within a px.
    """
    height_BHW = x_BCHW[:, -1]
    relative_BHW = ((height_BHW - fingertip_B[:, None, None]) * _CLEARANCE_GAIN).clamp(
        -_CLEARANCE_RANGE, _CLEARANCE_RANGE
    )
    rows, cols = (torch.arange(n, device=x_BCHW.device) - n // 2 for n in height_BHW.shape[1:])
    from_finger_BW = (cols.abs() - reach_B[:, None]).abs()
    fingers_BW = ((_FINGER_PX[1] + 1) / 2 - from_finger_BW).clamp(0, 1) * _FINGER_GAIN
    fingers_BHW = (rows.abs() <= _FINGER_PX[0] // 2)[None, :, None] * fingers_BW[:, None]
    return torch.cat(
        [x_BCHW, relative_BHW[:, None], fingers_BHW[:, None].to(x_BCHW.dtype)], dim=1
    ).contiguous(memory_format=torch.channels_last)


class GraspNetwork(nn.Module):
    """Patches to logits of success: convolutions (the trunk) that reduce a patch to one cell, and
    fully connected layers (the head) on that cell.

    Args:
        config: of the method.
        drawn: whether the trunk sees the gripper in the patch (see `with_hand_drawn`). Then it can
            not run over whole maps.
    """

    def __init__(self, config: SupersizingConfig, *, drawn: bool = False) -> None:
        super().__init__()
        channels = {Channels.COLOR: 3, Channels.COLOR_HEIGHT: 4}[config.channels] + 2 * drawn
        self.drawn = drawn
        match config.trunk:
            case Trunk.COMPACT:
                self.trunk, features = _compact(channels, config.widths)
            case Trunk.ALEXNET:
                self.trunk, features = _alexnet(channels)
            case Trunk.ALEXNET_OWT:
                self.trunk, features = _alexnet_owt(channels)
        self.clearance, self.palm = config.clearance, config.palm
        self.rotated = config.angles is Angles.ROTATED
        sizes = (features + config.late, *config.hidden)
        layers: list[nn.Module] = []
        for size_in, size in itertools.pairwise(sizes):
            layers += [nn.Linear(size_in, size), nn.ReLU(inplace=True)]
        self.head = nn.Sequential(
            *layers, nn.Dropout(config.dropout), nn.Linear(sizes[-1], config.outputs)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # Small last weights: training starts from a probability of one half everywhere.
        nn.init.normal_(self.head[-1].weight, std=0.01)  # type: ignore[arg-type]

    def forward(
        self, x_BCHW: torch.Tensor, hand_BL: torch.Tensor, reach_B: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, A) logits of patches; `reach_B`, px from their middle to that of a finger, is what
        clearances are measured by."""
        met_BM = None
        if self.clearance and reach_B is not None:
            each = torch.arange(len(reach_B), device=reach_B.device)
            place = (each, torch.zeros_like(each), torch.full_like(each, x_BCHW.shape[3] // 2))
            met_BM = clearances(_fingers_over_middle(x_BCHW[:, -1]), place, reach_B)
            if self.palm:
                met_BM = torch.cat([met_BM, _under_palm_middle(x_BCHW[:, -1])], dim=1)
            if self.drawn:
                x_BCHW = with_hand_drawn(x_BCHW, hand_BL[:, 0], reach_B)
        return self.logits(self.trunk(x_BCHW).flatten(1), hand_BL, met_BM)

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, F, (H - 45) / 4 + 1, (W - 45) / 4 + 1) of maps: cell (i, j) belongs to the patch
        whose top-left pixel is (4 i, 4 j)."""
        out: torch.Tensor = self.trunk(x_BCHW)
        return out

    def logits(
        self, features_BF: torch.Tensor, hand_BL: torch.Tensor, met_BM: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, A) logits of single cells of features, and of what the hand meets there: `clearances`
        and `under_palm`, where the network was made for them."""
        late = [features_BF, hand_BL]
        if met_BM is not None:
            # Relative to the fingertips, whose height is the hand's first number.
            gain_M = met_BM.new_tensor(
                [_CLEARANCE_GAIN] * CLEARANCES + [_PALM_GAIN] * (met_BM.shape[1] - CLEARANCES)
            )
            late.append(
                ((met_BM - hand_BL[:, :1]) * gain_M).clamp(-_CLEARANCE_RANGE, _CLEARANCE_RANGE)
            )
        out: torch.Tensor = self.head(torch.cat(late, dim=1))
        return out


def _compact(channels: int, widths: tuple[int, int, int, int, int]) -> tuple[nn.Sequential, int]:
    """45 px to 1: 45 -> 21 -> 10 -> 8 -> 4 (dilated) -> 1. The receptive field is the whole patch;
    the stride is 4."""
    a, b, c, d, e = widths
    specs = [
        (channels, a, 5, 2, 1),
        (a, b, 3, 2, 1),
        (b, c, 3, 1, 1),
        (c, d, 3, 1, 2),
        (d, e, 4, 1, 1),
    ]
    layers: list[nn.Module] = []
    for size_in, size, kernel, stride, dilation in specs:
        layers += [
            nn.Conv2d(size_in, size, kernel, stride, dilation=dilation, bias=False),
            nn.BatchNorm2d(size),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers), e


def _alexnet(channels: int) -> tuple[nn.Sequential, int]:
    """227 px to 6 x 6 x 256: the five convolutional layers of Krizhevsky et al. 2012 in one column,
    normalised before they are pooled, as in Caffe's model."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 96, 11, 4),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
    ]
    return nn.Sequential(*layers), 6 * 6 * 256


def _alexnet_owt(channels: int) -> tuple[nn.Sequential, int]:
    """227 px to 6 x 6 x 256: the five convolutional layers of torchvision's AlexNet (Krizhevsky
    2014).

    There the first layer pads pictures of 224 px by 2; here it sees 227 px and pads nothing, so
    that its 55 x 55 cells are as many and none sees a made-up border. That also makes `pretrained`
    exact.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 64, 11, 4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
    ]
    return nn.Sequential(*layers), 6 * 6 * 256


def bin_of(yaw: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """(N,) the bin whose angle, a multiple of pi / bins, is nearest to each closing direction (N,)
    rad."""
    return np.round(np.asarray(yaw) * bins / np.pi).astype(np.int64) % bins


def mean_logits(
    networks: Sequence[GraspNetwork],
    x_BCHW: torch.Tensor,
    hand_BL: torch.Tensor,
    reach_B: torch.Tensor,
    *,
    mirrored: bool = False,
) -> torch.Tensor:
    """(B, A) logits: mean over `networks`, and where `mirrored` over a patch's mirrorings along and
    across the closing direction.

    The mirrorings are the same to a parallel gripper. Networks with separate outputs, which a
    mirror mixes, look once.
    """
    images = (
        (x_BCHW, x_BCHW.flip(2), x_BCHW.flip(3), x_BCHW.flip(2, 3))
        if mirrored and networks[0].rotated
        else (x_BCHW,)
    )
    seen = [x.contiguous(memory_format=torch.channels_last) for x in images]
    return torch.stack([network(x, hand_BL, reach_B) for network in networks for x in seen]).mean(0)
