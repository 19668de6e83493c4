"""Grasp success predictors g(I_0, I_t, v_t) (Levine et al. 2016, section IV-A): one that sees
patches, and the published one, which sees whole images.

B batch, I images (the first one and the present one), P planes, S patch side, M motions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.learn.method import Batch
from selfgrasp.servo.config import PatchConfig

STATE = 10
"""Numbers beside the patches: see `poses.state_of`."""
MOTION = 5
"""Numbers of a motion: see `poses.motion_of`."""
HEIGHT_SCALE = 0.05
"""m that one unit of the predicted height stands for."""
_CHANNELS, _HIDDEN = (32, 64, 96, 96), 128
"""Of the patch network's layers (the first and the third have stride 2), and of the last one."""


class SuccessPredictor(nn.Module):
    """Patches and the hand's state to a logit of success and, as a second task, the height at which
    the hand will be stopped."""

    def __init__(self, patches: PatchConfig) -> None:
        super().__init__()
        first, second, third, fourth = _CHANNELS
        images = 2 * 3 * len(patches.planes)
        self.stem = nn.Sequential(
            nn.Conv2d(images, first, 3, 2, 1, bias=False),
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
        side = math.ceil(patches.px / 4)
        self.head = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(fourth * side * side + STATE, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
            nn.Linear(_HIDDEN, 2),
        )

    def forward(self, patch_BCSS: torch.Tensor, state_BF: torch.Tensor) -> torch.Tensor:
        """(B, 2): the logit of success, and the height above the floor that the fingertips will
        reach, in units of `HEIGHT_SCALE`.

        Args:
            patch_BCSS: of both images on all planes, values -1 to 1.
            state_BF: see `poses.state_of`.
        """
        gain_BC, shift_BC = self.state(state_BF).chunk(2, dim=1)
        x = (
            self.norm(self.stem(patch_BCSS)) * (1 + gain_BC[:, :, None, None])
            + shift_BC[:, :, None, None]
        )
        out: torch.Tensor = self.head(torch.cat([self.body(x), state_BF], dim=1))
        return out


def convolution(before: int, after: int, stride: int) -> nn.Module:
    """3 x 3, with batch normalisation and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def grasp_loss(
    predicted_B2: torch.Tensor, batch: Batch, weight_B: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted means: cross entropy of success, and smooth L1 loss of the height at which the hand
    was stopped.

    The height is measured in every attempt, while only one in six of the first ones succeeds.
    """
    logits, height = predicted_B2.unbind(dim=1)
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
    """Both images and a motion to a logit of success and the height of the second task: the
    published network (Levine et al. 2016, figure 4), from memory.

    Seven convolutions see the images alone. Nine more see them together with the motion, which is
    tiled over all cells.

    Args:
        image_px: px, side of the images.
    """

    def __init__(self, image_px: int) -> None:
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
        side = math.ceil(math.ceil(math.ceil(image_px // 2 / 3) / 3) / 2)
        self.head = nn.Sequential(
            nn.Linear(width * side * side, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, 2),
        )

    def forward(self, images_B6HW: torch.Tensor, motion_BF: torch.Tensor) -> torch.Tensor:
        """(B, 2), as `SuccessPredictor`."""
        return self.predict(self.seeing(images_B6HW), motion_BF)

    def predict(self, seen_BCHW: torch.Tensor, motion_MF: torch.Tensor) -> torch.Tensor:
        """(M, 2) of M motions from the features that `seeing` gave for as many images, or for
        one."""
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
