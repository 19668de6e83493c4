"""From the final pose of a motion to the patch of a picture where it ends.

M candidate poses, P planes, C channels, S patch side, H and W picture size; poses are (x m, y m,
yaw rad) of the hand in the world.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from selfgrasp.servo.config import ServoConfig

NEAR_FLOOR = 0.03
"""m, about the middle between the floor of a bin and the rim of its walls."""


def hand_grid(pose_M3: torch.Tensor, side: int, floor: float, config: ServoConfig) -> torch.Tensor:
    """(M, P, S, S, 3) m: points in the world of a square that lies around each pose, rows along the
    hand's y axis and columns along its x (closing) axis."""
    along = (torch.arange(side, dtype=pose_M3.dtype) - (side - 1) / 2) * config.pixel
    y_SS, x_SS = torch.meshgrid(along, along, indexing="ij")
    cos, sin = (f(pose_M3[:, 2])[:, None, None] for f in (torch.cos, torch.sin))
    x_MSS = pose_M3[:, 0, None, None] + cos * x_SS - sin * y_SS
    y_MSS = pose_M3[:, 1, None, None] + sin * x_SS + cos * y_SS
    planes = [
        torch.stack([x_MSS, y_MSS, torch.full_like(x_MSS, floor + height)], dim=-1)
        for height in config.planes
    ]
    return torch.stack(planes, dim=1)


def project(
    points: torch.Tensor, camera_from_world: torch.Tensor, intrinsics: torch.Tensor
) -> torch.Tensor:
    """(..., 2) px of points (..., 3) m; the centre of the top-left pixel is (0.5, 0.5)."""
    seen = points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    return to_pixels(seen, intrinsics)


def to_pixels(seen: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
    """(..., 2) px of points (..., 3) m in the camera's frame."""
    plane = seen[..., :2] / seen[..., 2:].clamp_min(0.05)
    return torch.stack(
        [
            plane[..., 0] * intrinsics[0, 0] + intrinsics[0, 2],
            plane[..., 1] * intrinsics[1, 1] + intrinsics[1, 2],
        ],
        dim=-1,
    )


def sample(picture_CHW: torch.Tensor, px: torch.Tensor) -> torch.Tensor:
    """(M, P, C, S, S) of the picture's values at px (M, P, S, S, 2); 0 outside."""
    channels, height, width = picture_CHW.shape
    m, p, s = px.shape[:3]
    grid = (2 * px / px.new_tensor([width, height]) - 1).reshape(1, m * p * s, s, 2)
    found = F.grid_sample(
        picture_CHW[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return found[0].reshape(channels, m, p, s, s).permute(1, 2, 0, 3, 4)


def rigid_transform(mount_B6: torch.Tensor) -> torch.Tensor:
    """(B, 4, 4) nominal_from_camera of rotation vectors and translations (B, 6) rad and m, in the
    nominal camera's frame."""
    x, y, z = mount_B6[:, :3].unbind(dim=1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    out = torch.eye(4, dtype=mount_B6.dtype).repeat(len(mount_B6), 1, 1).to(mount_B6.device)
    rotated = torch.linalg.matrix_exp(skew)
    top = torch.cat([rotated, mount_B6[:, 3:, None]], dim=2)
    return torch.cat([top, out[:, 3:]], dim=1)


def rigid_inverse(pose_B44: torch.Tensor) -> torch.Tensor:
    """(B, 4, 4) inverses of rigid transforms."""
    turned = pose_B44[:, :3, :3].transpose(1, 2)
    top = torch.cat([turned, -turned @ pose_B44[:, :3, 3:]], dim=2)
    return torch.cat([top, pose_B44[:, 3:]], dim=1)


def warp_to_camera(
    pictures_BCHW: torch.Tensor,
    world_from_camera_B44: torch.Tensor,
    intrinsics_B33: torch.Tensor,
    camera_from_new_B44: torch.Tensor,
) -> torch.Tensor:
    """(B, C, H, W) square pictures as a camera elsewhere would have taken them: right for what lies
    `NEAR_FLOOR` above the surface, which is zero here, nearly so around it.

    The homography of a plane between two views (Hartley and Zisserman 2004, equation 13.2).
    """
    normal, distance = world_from_camera_B44[:, 2, :3], NEAR_FLOOR - world_from_camera_B44[:, 2, 3]
    shift = camera_from_new_B44[:, :3, 3:] * (normal / distance[:, None])[:, None, :]
    new_from_old = camera_from_new_B44[:, :3, :3].transpose(1, 2) @ (
        torch.eye(3, device=shift.device) - shift
    )
    old_from_new = (
        intrinsics_B33 @ torch.linalg.inv(new_from_old) @ torch.linalg.inv(intrinsics_B33)
    )
    side = pictures_BCHW.shape[-1]
    along = torch.arange(side, device=shift.device) + 0.5
    rows, columns = torch.meshgrid(along, along, indexing="ij")
    new = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1)
    old = new.reshape(1, -1, 3) @ old_from_new.transpose(1, 2)
    grid = (2 * old[..., :2] / old[..., 2:].clamp_min(1e-3) / side - 1).reshape(
        len(old), side, side, 2
    )
    return F.grid_sample(
        pictures_BCHW, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
