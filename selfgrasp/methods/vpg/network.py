"""The networks. B batch, C channels, H rows, W columns, N places, K numbers that join late.

The compact convolutions have no border and no norm but that of each pixel by itself, so that slid
over a map they give at every pixel exactly what they give for the patch around it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.methods.vpg.config import Trunk, VPGConfig
from selfgrasp.methods.vpg.densenet import FEATURES, DenseNet

_DILATIONS = (1, 2, 4, 6)
_ENLARGED = 4


class Tower(nn.Module, ABC):
    """From a turned map to values of an action at its pixels.

    Args:
        config: what is seen, and units.
        channels: of the features.
        late: numbers of an action that join after the convolutions.
    """

    def __init__(self, config: VPGConfig, channels: int, late: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.hidden = nn.Linear(channels + late, config.hidden)
        self.value = nn.Linear(config.hidden, 1)

    @abstractmethod
    def features(self, picture_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C, H - 2 border, W - 2 border): of each pixel that has a whole patch around it."""

    def values(self, features_NC: torch.Tensor, late_NK: torch.Tensor) -> torch.Tensor:
        """(N,) of actions at places with these features."""
        x = F.relu(self.hidden(torch.cat([self.norm(features_NC), late_NK], dim=1)))
        value_N: torch.Tensor = self.value(x)[:, 0]
        return value_N

    def forward(self, patch_NCHW: torch.Tensor, late_NK: torch.Tensor) -> torch.Tensor:
        """(N,) values of actions, each from its own patch."""
        return self.values(self.features(patch_NCHW)[:, :, 0, 0], late_NK)


class CompactTower(Tower):
    """Five convolutions, which see 31 px."""

    def __init__(self, config: VPGConfig, late: int) -> None:
        super().__init__(config, config.channels, late)
        inputs, channels = 3 * config.color + config.height, config.channels
        self.first = nn.Conv2d(inputs, channels, 5)
        self.rest = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, dilation=dilation) for dilation in _DILATIONS
        )

    def features(self, picture_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C, H - 30, W - 30)."""
        x = F.relu(self.first(picture_BCHW))
        for convolution in self.rest:
            y = F.relu(convolution(x))
            cut = (x.shape[2] - y.shape[2]) // 2
            x = y + x[:, :, cut : x.shape[2] - cut, cut : x.shape[3] - cut]
        return x


class PublishedTower(Tower):
    """DenseNet-121 for colors, and another one for heights, on the map enlarged four times."""

    def __init__(self, config: VPGConfig, late: int) -> None:
        super().__init__(config, FEATURES * (config.color + config.height), late)
        self.border = config.border
        self.colors = DenseNet() if config.color else None
        self.heights = DenseNet() if config.height else None

    def features(self, picture_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C, H - 160, W - 160), interpolated."""
        size, border = picture_BCHW.shape[2:], self.border
        x = F.interpolate(picture_BCHW, scale_factor=_ENLARGED, mode="bilinear")
        found = []
        if self.colors is not None:
            found.append(self.colors(x[:, :3]))
        if self.heights is not None:
            found.append(self.heights(x[:, -1:].expand(-1, 3, -1, -1)))
        large = F.interpolate(torch.cat(found, dim=1), size=size, mode="bilinear")
        return large[:, :, border : size[0] - border, border : size[1] - border]


class Networks(nn.Module):
    """Both towers."""

    def __init__(self, config: VPGConfig, late: int) -> None:
        super().__init__()
        tower = CompactTower if config.trunk is Trunk.COMPACT else PublishedTower
        self.grasp = tower(config, late)
        self.push = tower(config, 0)
