"""Examples to batches: one image of each attempt, augmented by shifts, turns, mirrorings and
colours.

B batch, C channels, S patch side, H image side, px.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch
from selfgrasp.servo.config import PatchConfig, ServoConfig
from selfgrasp.servo.geometry import rigid_inverse, rigid_transform, warp_to_camera
from selfgrasp.servo.poses import mirrored, motion_of, state_of

CAMERA_SHARE = 0.25
"""Of a batch that the camera pose network learns from. It has as many cameras to see as there were
robots, not attempts."""
_CAMERA_SHIFT, _CAMERA_TURN = 0.02, 0.05
"""m and rad, largest random displacement of the camera per axis in training."""


def batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    patches: PatchConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
    camera_share: float = CAMERA_SHARE,
) -> Batch:
    """Tensors for the patch networks; one image of each attempt is drawn.

    patch (B, C, S, S), state (B, 10), grasped, height and weight (B,). For the camera pose network
    camera_images (E, 6, H, H), nominal_from_camera and world_from_nominal (E, 4, 4) and intrinsics
    (E, 3, 3), of the first E of the batch, at least one.

    Args:
        examples: of `examples.gather`.
        indices: (B,) rows.
        patches: of which the examples are.
        rng: draws.
        augment: or as they are.
        camera_share: E / B.
    """
    b, rows = len(indices), np.arange(len(indices))
    chosen = rng.integers(0, examples["kept"][indices])
    stored = examples["patches"][indices]
    pair = np.stack([stored[rows, np.zeros_like(chosen)], stored[rows, chosen]], axis=1)
    first = indices[: max(1, round(b * camera_share))]
    camera_images = (
        torch.from_numpy(examples["camera_images"][first])
        .permute(0, 1, 4, 2, 3)
        .flatten(1, 2)
        .float()
        / 127.5
        - 1
    )
    world_from_nominal, intrinsics, offset = (
        torch.from_numpy(examples[name][first])
        for name in ("world_from_nominal", "intrinsics", "camera_offset")
    )
    nominal_from_camera = rigid_transform(offset)
    state = state_of(
        examples["final"][indices].astype(np.float64),
        examples["hand"][indices, chosen].astype(np.float64),
        examples["camera"][indices],
    )
    gain, shade = np.ones((b, 1)), np.zeros((b, 3))
    patch = (
        torch.from_numpy(pair)
        .permute(0, 1, 2, 5, 3, 4)
        .reshape(b, -1, patches.stored_px, patches.stored_px)
        .float()
        / 127.5
        - 1
    )
    if augment:
        flips = rng.choice([-1.0, 1.0], (b, 2))
        state = mirrored(state, flips)
        patch = cut(
            patch,
            flips,
            rng.normal(0, patches.shift, (b, 2)),
            rng.normal(0, patches.turn, b),
            patches,
            zoom_factors(b, patches, rng),
        )
        camera_from_new = _displacements(nominal_from_camera, rng)
        camera_images = warp_to_camera(
            camera_images, world_from_nominal @ nominal_from_camera, intrinsics, camera_from_new
        )
        nominal_from_camera = nominal_from_camera @ camera_from_new
        gain, shade = (
            1 + rng.uniform(-patches.jitter, patches.jitter, (b, 1)),
            rng.uniform(-patches.jitter, patches.jitter, (b, 3)),
        )
    else:
        patch = center_crop(patch, patches)
    return {
        "patch": recolored(patch, gain, shade),
        "state": torch.from_numpy(state),
        "camera_images": recolored(camera_images, gain[: len(first)], shade[: len(first)]),
        "nominal_from_camera": nominal_from_camera,
        "world_from_nominal": world_from_nominal,
        "intrinsics": intrinsics,
        **_outcomes(examples, indices),
    }


def whole_batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: ServoConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors for the published network; one image of each attempt is drawn.

    whole (B, 6, H, H), motion (B, 5), grasped, height and weight (B,). Augmentation changes
    colours alone.
    """
    b, rows = len(indices), np.arange(len(indices))
    chosen = rng.integers(0, examples["kept"][indices])
    stored = examples["whole"][indices]
    pair = np.stack([stored[rows, np.zeros_like(chosen)], stored[rows, chosen]], axis=1)
    whole = (
        torch.from_numpy(pair)
        .permute(0, 1, 4, 2, 3)
        .reshape(b, 6, config.image_px, config.image_px)
        .float()
        / 127.5
        - 1
    )
    if augment:
        jitter = config.patches.jitter
        whole = recolored(
            whole, 1 + rng.uniform(-jitter, jitter, (b, 1)), rng.uniform(-jitter, jitter, (b, 3))
        )
    motion = motion_of(
        examples["final"][indices].astype(np.float64),
        examples["hand"][indices, chosen].astype(np.float64),
    )
    return {"whole": whole, "motion": torch.from_numpy(motion), **_outcomes(examples, indices)}


def _outcomes(examples: Examples, indices: NDArray[np.int64]) -> Batch:
    grasped, height = (
        torch.from_numpy(examples[name][indices]).float() for name in ("grasped", "height")
    )
    weight = torch.from_numpy(examples.weights[indices])
    return {"grasped": grasped, "height": height, "weight": weight}


def recolored(images_BCHW: torch.Tensor, gain_B1: FloatArray, shade_B3: FloatArray) -> torch.Tensor:
    """Images (B, 3 or a multiple, H, W) times a gain, plus an offset for each of three colours."""
    repeats = images_BCHW.shape[1] // 3
    gain, shade = (
        torch.from_numpy(gain_B1).float(),
        torch.from_numpy(np.tile(shade_B3, repeats)).float(),
    )
    return (images_BCHW * gain[:, :, None, None]).add_(shade[:, :, None, None])


def _displacements(nominal_from_camera_B44: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(B, 4, 4) random camera_from_new. Half of them are uniform. The others lead back to the
    nominal pose but for a small error, as the second pass of `CameraPoseNet.refine` sees."""
    b = len(nominal_from_camera_B44)
    scale = np.repeat([_CAMERA_TURN, _CAMERA_SHIFT], 3)
    far, near = (
        rigid_transform(torch.from_numpy(d * scale).float())
        for d in (rng.uniform(-1, 1, (b, 6)), rng.normal(0, 0.2, (b, 6)))
    )
    back = torch.from_numpy(rng.random(b) < 0.5)
    return torch.where(back[:, None, None], rigid_inverse(nominal_from_camera_B44) @ near, far)


def center_crop(patch_BCSS: torch.Tensor, patches: PatchConfig) -> torch.Tensor:
    """(B, C, px, px) the middle of stored patches."""
    margin = (patches.stored_px - patches.px) // 2
    return patch_BCSS[:, :, margin : margin + patches.px, margin : margin + patches.px]


def zoom_factors(count: int, patches: PatchConfig, rng: np.random.Generator) -> FloatArray | None:
    """(B,) random factors by which patches show more of the world, or None without zoom."""
    return 1 + rng.uniform(-patches.zoom, patches.zoom, count) if patches.zoom else None


def cut(
    patch_BCSS: torch.Tensor,
    flips_B2: FloatArray,
    shift_B2: FloatArray,
    turn_B: FloatArray,
    patches: PatchConfig,
    zoom_B: FloatArray | None = None,
) -> torch.Tensor:
    """(B, C, px, px) out of stored patches, flipped (1 or -1 along x and y), turned (rad), shifted
    (m) and zoomed, by one interpolation."""
    share, half = (
        patches.px / patches.stored_px * (1.0 if zoom_B is None else zoom_B),
        patches.stored_px * patches.pixel / 2,
    )
    cos, sin = share * np.cos(turn_B), share * np.sin(turn_B)
    x, y = flips_B2[:, 0], flips_B2[:, 1]
    theta = np.stack(
        [
            np.stack([cos * x, -sin * y, shift_B2[:, 0] / half], axis=1),
            np.stack([sin * x, cos * y, shift_B2[:, 1] / half], axis=1),
        ],
        axis=1,
    )
    size = (len(patch_BCSS), patch_BCSS.shape[1], patches.px, patches.px)
    grid = F.affine_grid(torch.from_numpy(theta).float(), list(size), align_corners=False)
    return F.grid_sample(
        patch_BCSS, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
