"""The camera pose network: predicts from two images how the camera is off from its nominal pose.

B batch, H side of the network's images, px.
"""

from __future__ import annotations

import torch
from torch import nn

from selfgrasp.learn.method import Batch
from selfgrasp.servo.geometry import rigid_inverse, rigid_transform, to_pixels, warp_to_camera

IMAGE_PX = 64
"""px, side of the images that the network sees."""
_CHANNELS = (24, 32, 48, 64)
"""Of its layers, each of stride 2."""
_OFFSET_SCALE = 0.05
"""rad and m that one unit of the network's output stands for."""
_BIN_POINTS_XY, _BIN_POINTS_Z = (-0.15, 0.0, 0.15), (0.0, 0.1)
"""m, where the loss compares projections."""


class CameraPoseNet(nn.Module):
    """Two images to the camera's pose relative to its nominal extrinsics."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 6
        for channels in _CHANNELS:
            layers += [
                nn.Conv2d(before, channels, 3, 2, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            before = channels
        side = IMAGE_PX >> len(_CHANNELS)
        self.body = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(before * side * side, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 6),
        )

    def forward(self, images_B6HW: torch.Tensor) -> torch.Tensor:
        """(B, 6) rotation vector rad and translation m of the camera in the nominal camera's frame.

        Args:
            images_B6HW: the attempt's first image and the present one, values -1 to 1.
        """
        out: torch.Tensor = self.body(images_B6HW) * _OFFSET_SCALE
        return out

    def refine(
        self,
        images_B6HW: torch.Tensor,
        world_from_nominal_B44: torch.Tensor,
        intrinsics_B33: torch.Tensor,
    ) -> torch.Tensor:
        """(B, 4, 4) nominal_from_camera, estimated twice: the second estimate is made on images
        that are warped by the first one to the nominal camera."""
        coarse = rigid_transform(self(images_B6HW).float())
        warped = warp_to_camera(
            images_B6HW, world_from_nominal_B44 @ coarse, intrinsics_B33, rigid_inverse(coarse)
        )
        # The second estimate is the error of the first.
        return rigid_transform(self(warped).float()) @ coarse


def camera_pose_loss(net: CameraPoseNet, batch: Batch) -> torch.Tensor:
    """() mean reprojection error in px of the network's estimates for a batch's camera images."""
    return reprojection_error(rigid_transform(net(batch["camera_images"]).float()), batch)


def reprojection_error(nominal_from_camera_B44: torch.Tensor, batch: Batch) -> torch.Tensor:
    """() mean distance in px between the projections of points of the bin with estimated cameras
    and with the calibrated ones of the batch.

    Args:
        nominal_from_camera_B44: estimates.
        batch: with nominal_from_camera (B, 4, 4), world_from_nominal (B, 4, 4) whose zero is the
            surface, and intrinsics (B, 3, 3).
    """
    xy = nominal_from_camera_B44.new_tensor(_BIN_POINTS_XY)
    points = torch.cartesian_prod(xy, xy, nominal_from_camera_B44.new_tensor(_BIN_POINTS_Z))
    nominal_from_world = rigid_inverse(batch["world_from_nominal"])
    nominal_BN3 = (
        points @ nominal_from_world[:, :3, :3].transpose(1, 2) + nominal_from_world[:, None, :3, 3]
    )
    px = []
    for nominal_from_camera in (nominal_from_camera_B44, batch["nominal_from_camera"]):
        camera_from_nominal = rigid_inverse(nominal_from_camera)
        seen = (
            nominal_BN3 @ camera_from_nominal[:, :3, :3].transpose(1, 2)
            + camera_from_nominal[:, None, :3, 3]
        )
        px.append(
            torch.stack([to_pixels(s, k) for s, k in zip(seen, batch["intrinsics"], strict=True)])
        )
    error: torch.Tensor = (px[0] - px[1]).norm(dim=-1).mean()
    return error
