"""The networks. B batch, C channels, H rows, W columns, N places, K numbers that join late.

The convolutions have no border and no norm but that of each pixel by itself, so that slid over a
map they give at every pixel exactly what they give for the patch around it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.methods.vpg.config import VPGConfig

PATCH = 31
"""px, side of what one value is made of."""
BORDER = PATCH // 2
_DILATIONS = (1, 2, 4, 6)


class Tower(nn.Module):
    """From a turned map to values of an action at its pixels.

    Args:
        config: channels and units.
        late: numbers of an action that join after the convolutions.
    """

    def __init__(self, config: VPGConfig, late: int) -> None:
        super().__init__()
        inputs, channels = 3 * config.color + config.height, config.channels
        self.first = nn.Conv2d(inputs, channels, 5)
        self.rest = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, dilation=dilation) for dilation in _DILATIONS
        )
        self.norm = nn.LayerNorm(channels)
        self.hidden = nn.Linear(channels + late, config.hidden)
        self.value = nn.Linear(config.hidden, 1)

    def features(self, picture_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C, H - 30, W - 30): of each pixel that has a whole patch around it."""
        x = F.relu(self.first(picture_BCHW))
        for convolution in self.rest:
            y = F.relu(convolution(x))
            cut = (x.shape[2] - y.shape[2]) // 2
            x = y + x[:, :, cut : x.shape[2] - cut, cut : x.shape[3] - cut]
        return x

    def values(self, features_NC: torch.Tensor, late_NK: torch.Tensor) -> torch.Tensor:
        """(N,) of actions at places with these features."""
        x = F.relu(self.hidden(torch.cat([self.norm(features_NC), late_NK], dim=1)))
        value_N: torch.Tensor = self.value(x)[:, 0]
        return value_N

    def forward(self, patch_NCHW: torch.Tensor, late_NK: torch.Tensor) -> torch.Tensor:
        """(N,) values of actions, each from its own patch of 31 px."""
        return self.values(self.features(patch_NCHW)[:, :, 0, 0], late_NK)


class Networks(nn.Module):
    """Both towers."""

    def __init__(self, config: VPGConfig, late: int) -> None:
        super().__init__()
        self.grasp = Tower(config, late)
        self.push = Tower(config, 0)
