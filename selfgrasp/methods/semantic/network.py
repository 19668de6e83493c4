"""Networks that predict categories: a deep one, and a shallower one with soft keypoints.

B batch, S patch side, K keypoints, N categories.
"""

from __future__ import annotations

import torch
from torch import nn

from selfgrasp.methods.semantic.config import SemanticConfig, Structure
from selfgrasp.servo.network import STATE, convolution

_KEYPOINTS = 64
"""Channels whose expected places are the features of the shallower network."""


class Stream(nn.Module):
    """Patches of the first image and the present one, and the hand's state, to features that both
    branches share."""

    features = 128

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        one, two, three, four = config.widths
        # A classifier of present images sees one image, not two on each plane.
        before = 3 if config.classifies_present_images else 6 * len(config.ventral.planes)
        self.stem = nn.Sequential(
            convolution(before, one, 2), nn.Conv2d(one, two, 3, 1, 1, bias=False)
        )
        self.norm = nn.BatchNorm2d(two)
        self.state = nn.Sequential(
            nn.Linear(STATE, 64), nn.ReLU(inplace=True), nn.Linear(64, 2 * two)
        )
        if config.attention:
            seen = 2 * _KEYPOINTS
            last: list[nn.Module] = [
                convolution(three, four, 1),
                nn.Conv2d(four, _KEYPOINTS, 3, 1, 1),
                SoftKeypoints(),
            ]
        else:
            seen = 2 * four
            last = [
                convolution(three, four, 2),
                convolution(four, four, 1),
                convolution(four, seen, 2),
                convolution(seen, seen, 1),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            ]
        self.body = nn.Sequential(
            nn.ReLU(inplace=True), convolution(two, three, 2), convolution(three, three, 1), *last
        )
        self.head = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(seen + STATE, self.features),
            nn.ReLU(inplace=True),
            nn.Dropout(0.3),
        )

    def forward(self, patch_BCSS: torch.Tensor, state_BF: torch.Tensor) -> torch.Tensor:
        """(B, F)."""
        gain_BC, shift_BC = self.state(state_BF).chunk(2, dim=1)
        x = (
            self.norm(self.stem(patch_BCSS)) * (1 + gain_BC[:, :, None, None])
            + shift_BC[:, :, None, None]
        )
        out: torch.Tensor = self.head(torch.cat([self.body(x), state_BF], dim=1))
        return out


class SoftKeypoints(nn.Module):
    """Expected places of each channel's spatial softmax, normalised to mean 0 and deviation 1 over
    an image's keypoints (Jang et al. 2017, appendix B.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x_BKHW: torch.Tensor) -> torch.Tensor:
        """(B, 2 K): all rows' coordinates, then all columns'."""
        b, k, h, w = x_BKHW.shape
        share = (
            (x_BKHW.flatten(2) / self.temperature.clamp_min(0.05))
            .softmax(dim=2)
            .reshape(b, k, h, w)
        )
        rows, columns = (
            torch.linspace(-1, 1, h, device=x_BKHW.device),
            torch.linspace(-1, 1, w, device=x_BKHW.device),
        )
        places = torch.stack([share.sum(dim=3) @ rows, share.sum(dim=2) @ columns], dim=1)
        mean, deviation = places.mean(dim=2, keepdim=True), places.std(dim=2, keepdim=True)
        return ((places - mean) / deviation.clamp_min(1e-3)).flatten(1)


class Branches(nn.Module):
    """A stream with a grasp branch (success, and the height at which the hand is stopped) and a
    category branch."""

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.stream = Stream(config)
        self.grasp = nn.Linear(Stream.features, 2)
        # A single stream has failure as one more class.
        self.category = nn.Linear(
            Stream.features, len(config.answers) + (config.structure is Structure.SINGLE)
        )

    def forward(
        self, patch_BCSS: torch.Tensor, state_BF: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 2) as `SuccessPredictor`, and (B, N) logits of categories."""
        features = self.stream(patch_BCSS, state_BF)
        return self.grasp(features), self.category(features)
