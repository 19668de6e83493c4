"""Small residual networks: pictures to feature maps. He et al. 2016, "Deep residual learning for image recognition", section 3.

B batch, C channels, H rows, W columns.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import nn


class Norm(StrEnum):
    """Normalisation: over the batch, or over groups of channels of one picture (for small batches)."""

    BATCH = "batch"
    GROUP = "group"


def normalization(kind: Norm, channels: int) -> nn.Module:
    """A normalisation layer of `channels`; groups of eight channels, or one group where they do not divide."""
    if kind is Norm.BATCH:
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels_in: int, channels: int, *, stride: int, norm: Norm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            normalization(norm, channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            normalization(norm, channels),
        )
        same = stride == 1 and channels_in == channels
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), normalization(norm, channels))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, channels, H / stride, W / stride)."""
        out: torch.Tensor = torch.relu(self.body(x_BCHW) + self.shortcut(x_BCHW))
        return out


class ResNet(nn.Module):
    """A residual trunk without a head.

    Args:
        channels_in: of the pictures.
        blocks: a stage; (2, 2, 2, 2) is ResNet-18. Each stage after the first halves the resolution and doubles the channels.
        width: multiplies the published 64 channels of the first stage.
        norm: normalisation.
        stem_stride: 4 as published (stride 2 and pooling), 2, or 1 for small pictures.

    Attributes:
        channels_out: of the features.
        stride: pixels of the picture a cell of the features.
    """

    def __init__(self, channels_in: int, *, blocks: tuple[int, ...] = (2, 2, 2, 2), width: float = 0.25, norm: Norm = Norm.BATCH, stem_stride: int = 4) -> None:
        super().__init__()
        channels = max(8, round(64 * width))
        layers: list[nn.Module] = [
            nn.Conv2d(channels_in, channels, 7 if stem_stride == 4 else 3, 1 if stem_stride == 1 else 2, 3 if stem_stride == 4 else 1, bias=False),
            normalization(norm, channels),
            nn.ReLU(inplace=True),
        ]
        if stem_stride == 4:
            layers.append(nn.MaxPool2d(3, 2, 1))
        before = channels
        for stage, count in enumerate(blocks):
            for index in range(count):
                layers.append(BasicBlock(before, channels << stage, stride=2 if stage and not index else 1, norm=norm))
                before = channels << stage
        self.body = nn.Sequential(*layers)
        self.channels_out = before
        self.stride = stem_stride << (len(blocks) - 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, channels_out, H / stride, W / stride)."""
        out: torch.Tensor = self.body(x_BCHW)
        return out
