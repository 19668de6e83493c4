"""Examples to batches: one look of each attempt, warp_to_camera, turned, mirrored and coloured
otherwise."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch
from selfgrasp.servo.config import ServoConfig
from selfgrasp.servo.geometry import rigid_inverse, rigid_transform, warp_to_camera
from selfgrasp.servo.poses import mirrored, motion_of, state_of


def batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: ServoConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors: patch (B, C, S, S), state (B, 10), grasped, height, weight, and of `eye_share` of
    the batch pictures (E, 6, H, H), mount, nominal, intrinsics.

    Of each attempt one look is drawn. Shifts and turns are about as large as what the eye is off
    by.
    """
    b, rows = len(indices), np.arange(len(indices))
    look = rng.integers(0, examples["kept"][indices])
    stored = examples["patches"][indices]
    pair = np.stack([stored[rows, np.zeros_like(look)], stored[rows, look]], axis=1)
    eyed = indices[: max(1, round(b * config.eye_share))]
    pictures = (
        torch.from_numpy(examples["pictures"][eyed]).permute(0, 1, 4, 2, 3).flatten(1, 2).float()
        / 127.5
        - 1
    )
    nominal, intrinsics, mount = (
        torch.from_numpy(examples[name][eyed]) for name in ("nominal", "intrinsics", "mount")
    )
    mount = rigid_transform(mount)
    state = state_of(
        examples["final"][indices].astype(np.float64),
        examples["hand"][indices, look].astype(np.float64),
        examples["camera"][indices],
    )
    gain, offset = np.ones((b, 1)), np.zeros((b, 3))
    patch = (
        torch.from_numpy(pair)
        .permute(0, 1, 2, 5, 3, 4)
        .reshape(b, -1, config.stored_px, config.stored_px)
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
            rng.normal(0, config.shift, (b, 2)),
            rng.normal(0, config.turn, b),
            config,
            zoom_factors(b, config, rng),
        )
        pictures, mount = _shaken(
            pictures, mount, nominal, intrinsics, _further(mount, config, rng)
        )
        gain, offset = (
            1 + rng.uniform(-config.jitter, config.jitter, (b, 1)),
            rng.uniform(-config.jitter, config.jitter, (b, 3)),
        )
    else:
        patch = center_crop(patch, config)
    grasped, height = (
        torch.from_numpy(examples[name][indices]).float() for name in ("grasped", "height")
    )
    return {
        "patch": recolored(patch, gain, offset),
        "state": torch.from_numpy(state),
        "pictures": recolored(pictures, gain[: len(eyed)], offset[: len(eyed)]),
        "mount": mount,
        "nominal": nominal,
        "intrinsics": intrinsics,
        "grasped": grasped,
        "height": height,
        "weight": torch.from_numpy(examples.weights[indices]),
    }


def whole_batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: ServoConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors for the published network: whole (B, 6, H, H), motion (B, 5), grasped, height,
    weight. Of each attempt one look is drawn."""
    b, rows = len(indices), np.arange(len(indices))
    look = rng.integers(0, examples["kept"][indices])
    stored = examples["whole"][indices]
    pair = np.stack([stored[rows, np.zeros_like(look)], stored[rows, look]], axis=1)
    whole = (
        torch.from_numpy(pair)
        .permute(0, 1, 4, 2, 3)
        .reshape(b, 6, config.picture_px, config.picture_px)
        .float()
        / 127.5
        - 1
    )
    if augment:
        whole = recolored(
            whole,
            1 + rng.uniform(-config.jitter, config.jitter, (b, 1)),
            rng.uniform(-config.jitter, config.jitter, (b, 3)),
        )
    motion = motion_of(
        examples["final"][indices].astype(np.float64),
        examples["hand"][indices, look].astype(np.float64),
    )
    grasped, height = (
        torch.from_numpy(examples[name][indices]).float() for name in ("grasped", "height")
    )
    return {
        "whole": whole,
        "motion": torch.from_numpy(motion),
        "grasped": grasped,
        "height": height,
        "weight": torch.from_numpy(examples.weights[indices]),
    }


def recolored(
    pictures_BCHW: torch.Tensor, gain_B1: FloatArray, offset_B3: FloatArray
) -> torch.Tensor:
    """Pictures (B, 3 or a multiple, H, W) brighter by a factor, and shifted in each of their three
    colours."""
    repeats = pictures_BCHW.shape[1] // 3
    gain, offset = (
        torch.from_numpy(gain_B1).float(),
        torch.from_numpy(np.tile(offset_B3, repeats)).float(),
    )
    return pictures_BCHW * gain[:, :, None, None] + offset[:, :, None, None]


def _further(
    mount_B44: torch.Tensor, config: ServoConfig, rng: np.random.Generator
) -> torch.Tensor:
    """(B, 4, 4) displacements: half of them any, half back to the nominal pose but for a little,
    which is what the eye's second glance sees."""
    scale = np.repeat([config.shake_turn, config.shake], 3)
    far, near = (
        rigid_transform(torch.from_numpy(d * scale).float())
        for d in (rng.uniform(-1, 1, (len(mount_B44), 6)), rng.normal(0, 0.2, (len(mount_B44), 6)))
    )
    second = torch.from_numpy(rng.random(len(mount_B44)) < 0.5)
    return torch.where(second[:, None, None], rigid_inverse(mount_B44) @ near, far)


def _shaken(
    pictures_B6HW: torch.Tensor,
    mount_B44: torch.Tensor,
    nominal_B44: torch.Tensor,
    intrinsics_B33: torch.Tensor,
    further_B44: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures as from a camera displaced further, and the mount of that camera."""
    return warp_to_camera(
        pictures_B6HW, nominal_B44 @ mount_B44, intrinsics_B33, further_B44
    ), mount_B44 @ further_B44


def center_crop(patch_BCSS: torch.Tensor, config: ServoConfig) -> torch.Tensor:
    """Patches of `patch_px` in the middle of stored ones."""
    margin = (config.stored_px - config.patch_px) // 2
    return patch_BCSS[:, :, margin : margin + config.patch_px, margin : margin + config.patch_px]


def zoom_factors(count: int, config: ServoConfig, rng: np.random.Generator) -> FloatArray | None:
    """(B,) by which patches show more of the world in training, or None."""
    return 1 + rng.uniform(-config.zoom, config.zoom, count) if config.zoom else None


def cut(
    patch_BCSS: torch.Tensor,
    flips_B2: FloatArray,
    shift_B2: FloatArray,
    turn_B: FloatArray,
    config: ServoConfig,
    zoom_B: FloatArray | None = None,
) -> torch.Tensor:
    """Patches of `patch_px` out of stored ones, flipped, turned, shifted (m) and zoom_factors."""
    share, half = (
        config.patch_px / config.stored_px * (1.0 if zoom_B is None else zoom_B),
        config.stored_px * config.pixel / 2,
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
    size = (len(patch_BCSS), patch_BCSS.shape[1], config.patch_px, config.patch_px)
    grid = F.affine_grid(torch.from_numpy(theta).float(), list(size), align_corners=False)
    return F.grid_sample(
        patch_BCSS, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
