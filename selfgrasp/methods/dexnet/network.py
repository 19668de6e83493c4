"""The grasp quality convolutional neural network, GQ-CNN.

Shapes: B crops of P x P px, T outputs, A pictures of R x C px, Y x X places.
"""

from __future__ import annotations

import torch
from torch import nn

from selfgrasp.methods.dexnet.config import DexNetConfig, Reference, Trunk

STRIDE = 4
"""px between two places at which the compact network looks when it is slid over a picture."""
_MIDDLE = {Reference.CAMERA: 0.7, Reference.TABLE: 0.03}
_SPREAD = {Reference.CAMERA: 0.1, Reference.TABLE: 0.03}
"""m, of what the network is shown, and of the gripper's depth or height."""


class QualityNetwork(nn.Module):
    """One logit an output from a crop and the gripper's depth or height."""

    def __init__(self, config: DexNetConfig) -> None:
        super().__init__()
        self._middle, self._spread = _MIDDLE[config.reference], _SPREAD[config.reference]
        first, second = config.hidden
        published = config.trunk is Trunk.PUBLISHED
        self.trunk = _published(config.filters) if published else _compact(config.filters)
        with torch.no_grad():
            _, channels, side, _ = self.trunk(torch.zeros(1, 1, config.pixels, config.pixels)).shape
        # A fully connected layer, written as what can be slid over a picture.
        self.crop = nn.Sequential(nn.Conv2d(channels, first, side), nn.ReLU())
        self.pose = nn.Sequential(nn.Linear(1, config.pose_units), nn.ReLU())
        self.head = nn.Sequential(
            nn.Linear(first + config.pose_units, second),
            nn.ReLU(),
            nn.Linear(second, len(config.outputs)),
        )
        # Convolutions of a few channels take half the time on a processor.
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, picture_BPP: torch.Tensor, gripper_B: torch.Tensor) -> torch.Tensor:
        """(B, T) logits of crops (m) and the gripper's depths or heights (m)."""
        return self.judged(self.features(picture_BPP)[..., 0, 0], gripper_B)

    def mirrored(self, picture_BPP: torch.Tensor, gripper_B: torch.Tensor) -> torch.Tensor:
        """(B, T) logits, the mean over a crop's four mirrorings, which are one grasp to a symmetric
        hand."""
        flips = [
            picture_BPP.flip(axes) if axes else picture_BPP for axes in ((), (1,), (2,), (1, 2))
        ]
        logits = self.forward(torch.cat(flips), gripper_B.repeat(len(flips)))
        return logits.reshape(len(flips), len(gripper_B), -1).mean(dim=0)

    def features(self, picture_ARC: torch.Tensor) -> torch.Tensor:
        """(A, F, Y, X) of pictures (m): one place for a crop, or a grid of them, `STRIDE` px apart,
        for something larger."""
        shown = (picture_ARC[:, None] - self._middle) / self._spread
        found: torch.Tensor = self.crop(self.trunk(shown))
        return found

    def judged(self, features_BF: torch.Tensor, gripper_B: torch.Tensor) -> torch.Tensor:
        """(B, T) logits of features and the gripper's depths or heights (m)."""
        pose = self.pose((gripper_B[:, None] - self._middle) / self._spread)
        joined: torch.Tensor = self.head(torch.cat([features_BF, pose], dim=1))
        return joined


def _published(filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, filters, 7, padding=3),
        nn.ReLU(),
        nn.Conv2d(filters, filters, 5, padding=2),
        nn.ReLU(),
        nn.LocalResponseNorm(2, alpha=2e-5, beta=0.75),
        nn.MaxPool2d(2),
        nn.Conv2d(filters, filters, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(filters, filters, 3, padding=1),
        nn.ReLU(),
        nn.LocalResponseNorm(2, alpha=2e-5, beta=0.75),
        nn.MaxPool2d(2),
    )


def _compact(filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, filters, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(filters, 2 * filters, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(2 * filters, 4 * filters, 3),
        nn.ReLU(),
    )
