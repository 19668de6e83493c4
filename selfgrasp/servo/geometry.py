"""From the final pose of a motion to the patch of an image where it ends.

M candidate poses, P planes, C channels, S patch side, H and W image size; poses are (x m, y m,
yaw rad) of the hand in the world.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from selfgrasp.servo.config import PatchConfig

NEAR_FLOOR = 0.03
"""m, about the middle between the floor of a bin and the rim of its walls."""


def hand_grid(pose_M3: torch.Tensor, side: int, floor: float, patches: PatchConfig) -> torch.Tensor:
    """(M, P, S, S, 3) m: points in the world of a square around each pose, on each plane.

    Rows run along the hand's y axis, columns along its x (closing) axis.

    Args:
        pose_M3: poses.
        side: S, px of `patches.pixel` m each.
        floor: m, height of the bin's floor.
        patches: planes and the pixel's size.
    """
    along = (torch.arange(side, dtype=pose_M3.dtype) - (side - 1) / 2) * patches.pixel
    y_SS, x_SS = torch.meshgrid(along, along, indexing="ij")
    cos, sin = (f(pose_M3[:, 2])[:, None, None] for f in (torch.cos, torch.sin))
    x_MSS = pose_M3[:, 0, None, None] + cos * x_SS - sin * y_SS
    y_MSS = pose_M3[:, 1, None, None] + sin * x_SS + cos * y_SS
    planes = [
        torch.stack([x_MSS, y_MSS, torch.full_like(x_MSS, floor + height)], dim=-1)
        for height in patches.planes
    ]
    return torch.stack(planes, dim=1)


def project(
    points: torch.Tensor, camera_from_world: torch.Tensor, intrinsics: torch.Tensor
) -> torch.Tensor:
    """(..., 2) px of points (..., 3) m; the centre of the top-left pixel is (0.5, 0.5)."""
    seen = points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    return to_pixels(seen, intrinsics)


def to_pixels(points: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
    """(..., 2) px of points (..., 3) m in the camera's frame."""
    plane = points[..., :2] / points[..., 2:].clamp_min(0.05)
    return torch.stack(
        [
            plane[..., 0] * intrinsics[0, 0] + intrinsics[0, 2],
            plane[..., 1] * intrinsics[1, 1] + intrinsics[1, 2],
        ],
        dim=-1,
    )


def sample(image_CHW: torch.Tensor, px: torch.Tensor) -> torch.Tensor:
    """(M, P, C, S, S) bilinear values of the image at px (M, P, S, S, 2); 0 outside."""
    channels, height, width = image_CHW.shape
    m, p, s = px.shape[:3]
    grid = (2 * px / px.new_tensor([width, height]) - 1).reshape(1, m * p * s, s, 2)
    sampled = F.grid_sample(
        image_CHW[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return sampled[0].reshape(channels, m, p, s, s).permute(1, 2, 0, 3, 4)


def rigid_transform(offset_B6: torch.Tensor) -> torch.Tensor:
    """(B, 4, 4) transforms of rotation vectors and translations (B, 6), rad and m."""
    x, y, z = offset_B6[:, :3].unbind(dim=1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    out = torch.eye(4, dtype=offset_B6.dtype).repeat(len(offset_B6), 1, 1).to(offset_B6.device)
    rotation = torch.linalg.matrix_exp(skew)
    top = torch.cat([rotation, offset_B6[:, 3:, None]], dim=2)
    return torch.cat([top, out[:, 3:]], dim=1)


def rigid_inverse(pose_B44: torch.Tensor) -> torch.Tensor:
    """(B, 4, 4) inverses of rigid transforms."""
    rotation = pose_B44[:, :3, :3].transpose(1, 2)
    top = torch.cat([rotation, -rotation @ pose_B44[:, :3, 3:]], dim=2)
    return torch.cat([top, pose_B44[:, 3:]], dim=1)


def warp_to_camera(
    images_BCHW: torch.Tensor,
    world_from_camera_B44: torch.Tensor,
    intrinsics_B33: torch.Tensor,
    camera_from_new_B44: torch.Tensor,
) -> torch.Tensor:
    """(B, C, H, W) square images as a camera at another pose would have taken them.

    Exact for what lies `NEAR_FLOOR` m above the surface, whose height is zero here; nearly so
    around it. The homography of a plane between two views (Hartley and Zisserman 2004, equation
    13.2).
    """
    normal, distance = world_from_camera_B44[:, 2, :3], NEAR_FLOOR - world_from_camera_B44[:, 2, 3]
    shift = camera_from_new_B44[:, :3, 3:] * (normal / distance[:, None])[:, None, :]
    new_from_old = camera_from_new_B44[:, :3, :3].transpose(1, 2) @ (
        torch.eye(3, device=shift.device) - shift
    )
    old_from_new = (
        intrinsics_B33 @ torch.linalg.inv(new_from_old) @ torch.linalg.inv(intrinsics_B33)
    )
    side = images_BCHW.shape[-1]
    along = torch.arange(side, device=shift.device) + 0.5
    rows, columns = torch.meshgrid(along, along, indexing="ij")
    new = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1)
    old = new.reshape(1, -1, 3) @ old_from_new.transpose(1, 2)
    grid = (2 * old[..., :2] / old[..., 2:].clamp_min(1e-3) / side - 1).reshape(
        len(old), side, side, 2
    )
    return F.grid_sample(
        images_BCHW, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
