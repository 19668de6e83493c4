"""DenseNet-121's layers that see (Huang et al. 2017, "Densely connected convolutional networks"),
with group norm in place of batch norm, whose statistics of one picture at a time say nothing.

Layers are called as torchvision's, so that a file of its ImageNet weights fits.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.learn.torchvision_file import layers_of

_BLOCKS = (6, 12, 24, 16)
_GROWTH, _BOTTLENECK, _FIRST, _GROUPS = 32, 4, 64, 32
FEATURES = 1024
"""Channels of the last layer."""
_OLD_NAMES = re.compile(r"(norm|conv)\.(\d)")


class _Layer(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        middle = _BOTTLENECK * _GROWTH
        self.norm1 = nn.GroupNorm(_GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.norm2 = nn.GroupNorm(_GROUPS, middle)
        self.conv2 = nn.Conv2d(middle, _GROWTH, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y)))], dim=1)


class _Transition(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, inputs)
        self.conv = nn.Conv2d(inputs, inputs // 2, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """(B, 3, H, W) to (B, 1024, H / 32, W / 32)."""

    def __init__(self) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(3, _FIRST, 7, stride=2, padding=3, bias=False),
            "norm0": nn.GroupNorm(_GROUPS, _FIRST),
            "relu0": nn.ReLU(),
            "pool0": nn.MaxPool2d(3, stride=2, padding=1),
        }
        channels = _FIRST
        for number, count in enumerate(_BLOCKS, start=1):
            block = nn.Sequential()
            for layer in range(count):
                block.add_module(f"denselayer{layer + 1}", _Layer(channels + layer * _GROWTH))
            layers[f"denseblock{number}"] = block
            channels += count * _GROWTH
            if number < len(_BLOCKS):
                layers[f"transition{number}"] = _Transition(channels)
                channels //= 2
        layers["norm5"] = nn.GroupNorm(_GROUPS, channels)
        self.features = nn.Sequential()
        for name, module in layers.items():
            self.features.add_module(name, module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The features of a picture."""
        found: torch.Tensor = F.relu(self.features(x))
        return found


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """The layers that see of a file of torchvision's densenet121, by the names they have here.

    Raises:
        InputError: see `layers_of`.
    """
    known = DenseNet().state_dict()
    return layers_of(path, known, "densenet121", renamed=lambda name: _OLD_NAMES.sub(r"\1\2", name))
