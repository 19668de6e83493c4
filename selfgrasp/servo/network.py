"""Two networks: the eye finds out from pictures where the camera is; the judge says from patches
whether a motion's end would hold. And the paper's one.

B batch, I pictures (the first look and the present one), P planes, S patch side.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.learn.method import Batch
from selfgrasp.servo.config import ServoConfig

STATE = 10
"""Numbers beside the patches: see `poses.state_of`."""
MOTION = 5
"""Numbers of a motion: see `poses.motion_of`."""
HEIGHT_SCALE = 0.05
"""m."""


class SuccessPredictor(nn.Module):
    """Patches and the hand's state to a logit of success and, as a second task, the height at which
    the hand will be stopped."""

    def __init__(self, config: ServoConfig) -> None:
        super().__init__()
        first, second, third, fourth = config.channels
        pictures = 2 * 3 * len(config.planes)
        self.stem = nn.Sequential(
            nn.Conv2d(pictures, first, 3, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 3, 1, 1, bias=False),
        )
        self.norm = nn.BatchNorm2d(second)
        self.state = nn.Sequential(
            nn.Linear(STATE, 64), nn.ReLU(inplace=True), nn.Linear(64, 2 * second)
        )
        self.body = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(second, third, 3, 2, 1, bias=False),
            nn.BatchNorm2d(third),
            nn.ReLU(inplace=True),
            nn.Conv2d(third, fourth, 3, 1, 1, bias=False),
            nn.BatchNorm2d(fourth),
            nn.ReLU(inplace=True),
            nn.Flatten(),
        )
        side = math.ceil(config.patch_px / 4)
        self.head = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(fourth * side * side + STATE, config.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
            nn.Linear(config.hidden, 2),
        )

    def forward(self, patch_BCSS: torch.Tensor, state_BF: torch.Tensor) -> torch.Tensor:
        """(B, 2): the logit of success, and how far down the fingertips will come, in units of
        `HEIGHT_SCALE` above the floor."""
        gain_BC, shift_BC = self.state(state_BF).chunk(2, dim=1)
        x = (
            self.norm(self.stem(patch_BCSS)) * (1 + gain_BC[:, :, None, None])
            + shift_BC[:, :, None, None]
        )
        out: torch.Tensor = self.head(torch.cat([self.body(x), state_BF], dim=1))
        return out


def grasp_loss(
    judged_B2: torch.Tensor, batch: Batch, weight_B: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted means: cross entropy of success, and how far off the height is at which the hand was
    stopped.

    That it is stopped by what lies under its fingers is felt in every attempt, and says more than
    that one in six holds something.
    """
    logits, height = judged_B2.unbind(dim=1)
    weight = weight_B / weight_B.sum().clamp_min(1e-6)
    success = (
        F.binary_cross_entropy_with_logits(logits, batch["grasped"], reduction="none") * weight
    ).sum()
    stopped = (
        F.smooth_l1_loss(height, batch["height"] / HEIGHT_SCALE, reduction="none", beta=0.2)
        * weight
    ).sum()
    return success, stopped


class ImageSuccessPredictor(nn.Module):
    """Both pictures and a motion to a logit of success and the height of the second task: the
    published network (Levine et al. 2016), from memory.

    Seven convolutions see the pictures alone, once a look; nine more see them together with the
    motion, which one layer spreads over all their places.
    """

    def __init__(self, config: ServoConfig) -> None:
        super().__init__()
        width = 64
        seen = [_convolution(6, width, 6, stride=2, padding=2), nn.MaxPool2d(3, 3, ceil_mode=True)]
        seen += [_convolution(width, width, 5, padding=2) for _ in range(6)]
        self.seeing = nn.Sequential(*seen, nn.MaxPool2d(3, 3, ceil_mode=True))
        self.motion = nn.Sequential(nn.Linear(MOTION, width), nn.ReLU(inplace=True))
        together = [_convolution(width, width, 3, padding=1) for _ in range(6)]
        last = [_convolution(width, width, 3, padding=1) for _ in range(3)]
        self.together = nn.Sequential(
            *together, nn.MaxPool2d(2, 2, ceil_mode=True), *last, nn.Flatten()
        )
        side = math.ceil(math.ceil(math.ceil(config.picture_px // 2 / 3) / 3) / 2)
        self.head = nn.Sequential(
            nn.Linear(width * side * side, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, 2),
        )

    def forward(self, pictures_B6HW: torch.Tensor, motion_BF: torch.Tensor) -> torch.Tensor:
        """(B, 2), as `SuccessPredictor`."""
        return self.judged(self.seeing(pictures_B6HW), motion_BF)

    def judged(self, seen_BCHW: torch.Tensor, motion_MF: torch.Tensor) -> torch.Tensor:
        """(M, 2) of M motions from what `seeing` gave for as many pictures, or for one."""
        out: torch.Tensor = self.head(
            self.together(seen_BCHW + self.motion(motion_MF)[:, :, None, None])
        )
        return out


def _convolution(
    channels_in: int, channels: int, kernel: int, *, stride: int = 1, padding: int
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )
