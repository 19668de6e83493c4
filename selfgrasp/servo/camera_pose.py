"""The eye: a network that finds out from pictures how the camera is off from where the drawing has
it.

B batch, H side of the small pictures.
"""

from __future__ import annotations

import torch
from torch import nn

from selfgrasp.learn.method import Batch
from selfgrasp.servo.config import ServoConfig
from selfgrasp.servo.geometry import rigid_inverse, rigid_transform, to_pixels, warp_to_camera

_MOUNT_SCALE = 0.05
"""rad and m, about the size of what the eye's outputs of 1 mean."""


class CameraPoseNet(nn.Module):
    """Pictures to the camera's displacement from its nominal pose."""

    def __init__(self, config: ServoConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 6
        for channels in config.eye_channels:
            layers += [
                nn.Conv2d(before, channels, 3, 2, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            before = channels
        side = config.eye_px >> len(config.eye_channels)
        self.body = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(before * side * side, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 6),
        )

    def forward(self, pictures_B6HW: torch.Tensor) -> torch.Tensor:
        """(B, 6) rotation vector rad and translation m in the nominal camera's frame, from the
        first picture and the present one, values -1 to 1."""
        out: torch.Tensor = self.body(pictures_B6HW) * _MOUNT_SCALE
        return out

    def refine(
        self, pictures_B6HW: torch.Tensor, nominal_B44: torch.Tensor, intrinsics_B33: torch.Tensor
    ) -> torch.Tensor:
        """(B, 4, 4) nominal_from_camera, found at a first glance and at a second one that begins
        where the first ended."""
        coarse = rigid_transform(self(pictures_B6HW).float())
        again = warp_to_camera(
            pictures_B6HW, nominal_B44 @ coarse, intrinsics_B33, rigid_inverse(coarse)
        )
        # What the second glance finds is how the corrected picture's camera is off from the nominal
        # one: the first glance's error.
        return rigid_transform(self(again).float()) @ coarse


def camera_pose_loss(eye: CameraPoseNet, batch: Batch) -> torch.Tensor:
    """Mean px by which the eye misplaces points of the bin in a batch's pictures."""
    return reprojection_px(rigid_transform(eye(batch["pictures"]).float()), batch)


def reprojection_px(mount_B44: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean distance in px of the eye's pictures between where points of the bin appear and where
    they would, were the camera where the eye believes."""
    steps = mount_B44.new_tensor([-0.15, 0.0, 0.15])
    points = torch.cartesian_prod(steps, steps, mount_B44.new_tensor([0.0, 0.1]))
    camera_from_world = rigid_inverse(batch["nominal"])
    nominal_BN3 = (
        points @ camera_from_world[:, :3, :3].transpose(1, 2) + camera_from_world[:, None, :3, 3]
    )
    px = []
    for mount in (mount_B44, batch["mount"]):
        camera_from_nominal = rigid_inverse(mount)
        seen = (
            nominal_BN3 @ camera_from_nominal[:, :3, :3].transpose(1, 2)
            + camera_from_nominal[:, None, :3, 3]
        )
        px.append(
            torch.stack([to_pixels(s, k) for s, k in zip(seen, batch["intrinsics"], strict=True)])
        )
    missed: torch.Tensor = (px[0] - px[1]).norm(dim=-1).mean()
    return missed
