"""The networks. B batch, C channels, H rows, W columns, F features, L numbers of the hand, A outputs (angles).

The compact trunk has no padding anywhere, so that run over a map it gives, at every fourth pixel, exactly what it gives for the patch around that place.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from selfgrasp.methods.supersizing.config import Channels, Reference, SupersizingConfig, Trunk

HEIGHT_SCALE = 0.05
"""m that one unit of the network's height stands for."""
_HEIGHT_RANGE = (-2.0, 4.0)
_WIDTH_MIDDLE, _WIDTH_SCALE = 0.06, 0.02
STRIDE = 4
"""px between two cells of the compact trunk's features."""


def network_input(color: NDArray[np.uint8], height: NDArray[np.floating], fingertip: NDArray[np.floating], config: SupersizingConfig) -> torch.Tensor:
    """(B, C, H, W) float32 patches in network units.

    Args:
        color: (B, H, W, 3) uint8.
        height: (B, H, W) m above the table.
        fingertip: (B,) m above the table, what heights are relative to where the config says so.
        config: which channels, and whether heights are relative.
    """
    parts = []
    if config.channels is not Channels.HEIGHT:
        parts.append(torch.from_numpy(color).permute(0, 3, 1, 2).float().div_(127.5).sub_(1))
    if config.channels is not Channels.COLOR:
        h_BHW = torch.from_numpy(np.ascontiguousarray(height, dtype=np.float32))
        if config.reference is Reference.SUBTRACTED:
            h_BHW = h_BHW - torch.from_numpy(np.asarray(fingertip, dtype=np.float32))[:, None, None]
        parts.append((h_BHW / HEIGHT_SCALE).clamp(*_HEIGHT_RANGE)[:, None])
    return torch.cat(parts, dim=1)


def hand_input(fingertip: NDArray[np.floating], width: NDArray[np.floating], config: SupersizingConfig) -> torch.Tensor:
    """(B, L) float32: what joins late, of fingertips `fingertip` (B,) m above the table and fingers `width` (B,) m apart."""
    columns = []
    if config.reference is Reference.LATE:
        columns.append(np.asarray(fingertip, dtype=np.float32) / HEIGHT_SCALE)
    if len(config.openings) > 1:
        columns.append((np.asarray(width, dtype=np.float32) - _WIDTH_MIDDLE) / _WIDTH_SCALE)
    return torch.from_numpy(np.stack(columns, axis=1) if columns else np.zeros((len(fingertip), 0), np.float32))


class GraspNetwork(nn.Module):
    """Patches to logits of success: a spatial trunk that collapses a patch to one cell, and a head on that cell."""

    def __init__(self, config: SupersizingConfig) -> None:
        super().__init__()
        channels = {Channels.COLOR: 3, Channels.HEIGHT: 1, Channels.COLOR_HEIGHT: 4}[config.channels]
        match config.trunk:
            case Trunk.COMPACT:
                self.trunk, features = _compact(channels, config.widths)
            case Trunk.ALEXNET:
                self.trunk, features = _alexnet(channels)
            case Trunk.ALEXNET_OWT:
                self.trunk, features = _alexnet_owt(channels)
        sizes = (features + config.late, *config.hidden)
        layers: list[nn.Module] = []
        for size_in, size in itertools.pairwise(sizes):
            layers += [nn.Linear(size_in, size), nn.ReLU(inplace=True)]
        self.head = nn.Sequential(*layers, nn.Dropout(config.dropout), nn.Linear(sizes[-1], config.outputs))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # Small last weights: training starts from a probability of one half everywhere.
        nn.init.normal_(self.head[-1].weight, std=0.01)  # type: ignore[arg-type]

    def forward(self, x_BCHW: torch.Tensor, hand_BL: torch.Tensor) -> torch.Tensor:
        """(B, A) logits of patches."""
        return self.logits(self.trunk(x_BCHW).flatten(1), hand_BL)

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, F, (H - 45) / 4 + 1, (W - 45) / 4 + 1) of maps: cell (i, j) belongs to the patch whose top-left pixel is (4 i, 4 j)."""
        out: torch.Tensor = self.trunk(x_BCHW)
        return out

    def logits(self, features_BF: torch.Tensor, hand_BL: torch.Tensor) -> torch.Tensor:
        """(B, A) logits of single cells of features."""
        out: torch.Tensor = self.head(torch.cat([features_BF, hand_BL], dim=1))
        return out


def _compact(channels: int, widths: tuple[int, int, int, int, int]) -> tuple[nn.Sequential, int]:
    """45 px to 1: 45 -> 21 -> 10 -> 8 -> 4 (dilated) -> 1. The receptive field is the whole patch; the stride is 4."""
    a, b, c, d, e = widths
    specs = [(channels, a, 5, 2, 1), (a, b, 3, 2, 1), (b, c, 3, 1, 1), (c, d, 3, 1, 2), (d, e, 4, 1, 1)]
    layers: list[nn.Module] = []
    for size_in, size, kernel, stride, dilation in specs:
        layers += [nn.Conv2d(size_in, size, kernel, stride, dilation=dilation, bias=False), nn.BatchNorm2d(size), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers), e


def _alexnet(channels: int) -> tuple[nn.Sequential, int]:
    """227 px to 6 x 6 x 256: the five convolutional layers of Krizhevsky et al. 2012 in one column, normalised before they are pooled, as in Caffe's model."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 96, 11, 4), nn.ReLU(inplace=True), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(inplace=True), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
    ]  # fmt: skip
    return nn.Sequential(*layers), 6 * 6 * 256


def _alexnet_owt(channels: int) -> tuple[nn.Sequential, int]:
    """227 px to 6 x 6 x 256: the five convolutional layers of torchvision's AlexNet (Krizhevsky 2014).

    There the first layer pads pictures of 224 px by 2; here it sees 227 px and pads nothing, so that its 55 x 55 cells are as many and none sees a made-up
    border. That also makes `pretrained` exact.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 64, 11, 4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
    ]  # fmt: skip
    return nn.Sequential(*layers), 6 * 6 * 256


def bin_of(yaw: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """(N,) the bin whose angle, a multiple of pi / bins, is nearest to each closing direction (N,) rad."""
    nearest: NDArray[np.int64] = np.round(np.asarray(yaw) * bins / np.pi).astype(np.int64) % bins
    return nearest
