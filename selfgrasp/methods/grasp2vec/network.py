"""The towers of Grasp2Vec: pictures to maps of non-negative features, whose mean over places is the
vector (Jang et al. 2018, section 3; He et al. 2016, "Identity mappings in deep residual networks").

Batch normalisation, and not over groups of a picture's own channels: at test time it is one fixed
affine map. What a network says of an object that stayed is then the same before and after another
one is taken away, and cancels in the difference. A norm over the picture would change with what
else lies there.

B pictures, C channels, D numbers of a vector, H and W places of a map, S side in px.
"""

from __future__ import annotations

import torch
from torch import nn

from selfgrasp.methods.grasp2vec.colors import Colors
from selfgrasp.methods.grasp2vec.config import TowerConfig


class Tower(nn.Module):
    """The published architecture, of any size: the first blocks of a pre-activation ResNet and a
    ReLU, and beside them, where the config has levels of color, `Colors`."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1 if config.gray else 3, config.stem, 7, 2, 3, bias=False),
            nn.MaxPool2d(3, 2, 1),
        )
        self.gray = config.gray
        units: list[nn.Module] = []
        before = config.stem
        for count, channels, stride in zip(
            config.units, config.channels, config.strides, strict=True
        ):
            for index in range(count):
                inside = channels // config.squeeze
                units.append(Unit(before, inside, channels, 1 if index else stride))
                before = channels
        self.units = nn.Sequential(*units)
        levels = config.color_levels
        self.colors = Colors(levels, config.stride) if levels else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, picture_BCSS: torch.Tensor) -> torch.Tensor:
        """(B, D, H, W) features of 0 or more, of pictures with values from -1 to 1.

        H is S divided by the config's stride, rounded up. What the place (row, column) sees has its
        centre in that of pixel (stride row, stride column).
        """
        features = self.features(picture_BCSS)
        if self.colors is None:
            return features
        return torch.cat([features, self.colors(picture_BCSS)], dim=1)

    def features(self, picture_BCSS: torch.Tensor) -> torch.Tensor:
        """(B, F, H, W) of what `forward` gives, the convolutions' part."""
        seen = picture_BCSS.mean(dim=1, keepdim=True) if self.gray else picture_BCSS
        out: torch.Tensor = self.units(self.stem(seen)).relu()
        return out


class Unit(nn.Module):
    """Norm, ReLU and convolution, three times (1 x 1, 3 x 3, 1 x 1), added to the input, or, where
    sizes differ, to a convolution of it."""

    def __init__(self, before: int, inside: int, after: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(inplace=True))
        self.body = nn.Sequential(
            nn.Conv2d(before, inside, 1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(inplace=True),
            nn.Conv2d(inside, inside, 3, stride, 1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(inplace=True),
            nn.Conv2d(inside, after, 1, bias=False),
        )
        fits = before == after and stride == 1
        self.shortcut = None if fits else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, C', H', W')."""
        normed = self.norm(x_BCHW)
        kept = x_BCHW if self.shortcut is None else self.shortcut(normed)
        out: torch.Tensor = kept + self.body(normed)
        return out


def pooled(map_BDHW: torch.Tensor) -> torch.Tensor:
    """(B, D) float32 mean over places: the vector of a picture."""
    return map_BDHW.float().mean(dim=(2, 3))
