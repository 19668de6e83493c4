"""Features of a network that was trained on ImageNet, from a file of the user's: what the paper
compares with (Jang et al. 2018, table 1).

N pictures, C channels, H and W places of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from selfgrasp.core import CellSpec, Heat2D, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn.torchvision_file import layers_of
from selfgrasp.vision.workspace import floor_pixels, presented_pixels

FEATURES, STRIDE = 1024, 16
"""Channels of the last layer, and px of a picture from one of its places to the next."""
_STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2))
"""Units, inner channels and stride of each block."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 448
"""px that a smaller picture is enlarged to."""
_HELD_RADIUS = 0.06
"""m around the point between the fingertips that shows what is held."""


class ImageNetFeatures:
    """An `Embedding`: the first three blocks of ResNet-50, whose features are averaged over the
    floor of the bin, and over what is around the fingertips.

    Args:
        path: a file of torchvision's resnet50, see `weights_of`.

    Raises:
        InputError: see there.
    """

    name = "imagenet"
    privileged: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._network = ResNet()
        self._network.load_state_dict(weights_of(path))
        self._network.eval()

    def scenes(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """See `Embedding.scenes`."""
        return np.array([self._mean(view, floor_pixels(view, spec)) for view in views])

    def objects(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """See `Embedding.objects`.

        Raises:
            InputError: a cell that presents nothing.
        """
        return np.array(
            [self._mean(view, presented_pixels(view, spec, _HELD_RADIUS)) for view in views]
        )

    def heat(self, view: View, vector: FloatArray, spec: CellSpec) -> Heat2D:
        """See `Embedding.heat`: inner products with the features of each place; NaN outside the
        workspace."""
        features, scale = self._map(view)
        values = np.tensordot(vector, features, axes=1).astype(np.float32)
        there = _places(floor_pixels(view, spec), values.shape, scale)
        step, first = STRIDE / scale, (0.5 - STRIDE / 2) / scale
        affine = np.array([[step, 0.0, first], [0.0, step, first]])
        lengths = np.linalg.norm(features, axis=0).astype(np.float32)
        return Heat2D(np.where(there, values, np.nan).astype(np.float32), affine, lengths)

    def _mean(self, view: View, pixels: NDArray[np.bool_]) -> FloatArray:
        """(C,) mean over the places that lie on `pixels`."""
        features, scale = self._map(view)
        there = _places(pixels, features.shape[1:], scale)
        mean: FloatArray = features[:, there].mean(axis=1)
        return mean

    def _map(self, view: View) -> tuple[FloatArray, int]:
        """(C, H, W) features, and how many times the picture was enlarged."""
        scale = max(1, round(_SIDE / min(view.size)))
        large = cv2.resize(view.color, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        scaled = (large.astype(np.float32) / 255 - np.array(_MEAN, np.float32)) / np.array(
            _DEVIATION, np.float32
        )
        with torch.no_grad():
            found = self._network(torch.from_numpy(scaled.transpose(2, 0, 1)[None]))
        return found[0].double().numpy(), scale


def _places(pixels: NDArray[np.bool_], shape: tuple[int, ...], scale: int) -> NDArray[np.bool_]:
    """(H, W) whether the middle of what a place sees lies on `pixels`; all places where none
    does."""
    rows, columns = (np.arange(n) * STRIDE // scale for n in shape)
    there = pixels[np.ix_(rows, columns)]
    return there if there.any() else np.ones_like(there)


class ResNet(nn.Module):
    """(N, 3, H, W) to (N, 1024, H / 16, W / 16), rounded up: ResNet-50 (He et al. 2016) without its
    last block, its layers called as torchvision's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for number, (units, inside, stride) in enumerate(_STAGES, start=1):
            stage = [
                _Unit(before if unit == 0 else 4 * inside, inside, stride if unit == 0 else 1)
                for unit in range(units)
            ]
            self.add_module(f"layer{number}", nn.Sequential(*stage))
            before = 4 * inside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of 0 or more, of normalised pictures."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x


class _Unit(nn.Module):
    def __init__(self, before: int, inside: int, stride: int) -> None:
        super().__init__()
        after = 4 * inside
        self.conv1 = nn.Conv2d(before, inside, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inside)
        self.conv3 = nn.Conv2d(inside, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = (
            None
            if before == after
            else nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """The layers of `ResNet` out of a file of torchvision's resnet50.

    Raises:
        InputError: see `layers_of`.
    """
    known = ResNet().state_dict()
    # How many batches were seen is in newer files alone, and of no use here.
    seen = {name: value for name, value in known.items() if value.ndim}
    return {**known, **layers_of(path, seen, "resnet50")}
