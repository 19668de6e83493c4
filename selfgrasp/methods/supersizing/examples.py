"""Attempts to training examples, and examples to augmented batches. N examples, B batch, S side of
a stored crop, P side of the network's input, px."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import (
    UNINFORMATIVE_FAULTS,
    Attempt,
    CellSpec,
    Grasp,
    InputError,
    Observation,
    Workspace,
)
from selfgrasp.core.pose import yaw_of
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.supersizing.config import Angles, SupersizingConfig
from selfgrasp.methods.supersizing.network import bin_of, hand_input, network_input, reach_px
from selfgrasp.vision import Crops, Heightmap, crop, heightmap, jitter_color

EXAMPLES_VERSION = 2
"""Of what `gather` gives; cached examples of another version are gathered again."""


def pixel_of(config: SupersizingConfig, spec: CellSpec) -> float:
    """m, the side of a map cell: a patch is `context` openings and `map_pixels` cells wide."""
    return config.context * spec.gripper.opening / config.map_pixels


def map_of(observation: Observation, config: SupersizingConfig, spec: CellSpec) -> Heightmap:
    """The map that patches are cut from, wide enough for a turned patch at the workspace's
    corner."""
    margin = config.context * spec.gripper.opening / 2 * 1.5
    return heightmap(
        observation.view(config.view), spec.workspace, pixel=pixel_of(config, spec), margin=margin
    )


def local_map(
    observation: Observation, xy: NDArray[np.floating], config: SupersizingConfig, spec: CellSpec
) -> Heightmap:
    """The part of `map_of` around `xy` (2,) m that a stored crop needs, on the same grid: a quarter
    of the work."""
    pixel, workspace = pixel_of(config, spec), spec.workspace
    corner = workspace.low[:2] - config.context * spec.gripper.opening / 2 * 1.5
    reach = math.ceil(stored_pixels(config) * 0.71) + 4
    first = np.floor((np.asarray(xy) - corner) / pixel) - reach
    low, high = corner + first * pixel, corner + (first + 2 * reach + 1) * pixel
    around = Workspace(
        np.array([*low, workspace.low[2]]), np.array([*high, workspace.high[2]]), workspace.surface
    )
    return heightmap(observation.view(config.view), around, pixel=pixel, margin=0.0)


def stored_pixels(config: SupersizingConfig) -> int:
    """px, the side of a stored crop: room for what augmentation turns and shifts a patch by. Odd as
    the patch is, so that both share a middle."""
    room = 1.45 if config.angles is Angles.OUTPUTS else 1.2
    return config.map_pixels + 2 * math.ceil(config.map_pixels * (room - 1) / 2)


def gather(source: Source, split: Split, config: SupersizingConfig) -> Examples:
    """One example for each attempt that ended in a grasp, in one pass.

    Columns: color (N, S, S, 3) uint8 and height (N, S, S) float16 m above the table, turned into
    the gripper's frame; fingertip (N,) float32 m above the table; width (N,) float32 m between the
    fingers on the way down; reach (N,) float32 px, see `reach_px`; yaw (N,) float32 rad in [-pi,
    pi], of the crop's columns in the world; grasped (N,) uint8; scene (N,) int64, whose attempts
    are not independent.
    """
    spec, side = source.spec, stored_pixels(config)
    room = source.len_of(split)
    color, height = (
        np.zeros((room, side, side, 3), np.uint8),
        np.zeros((room, side, side), np.float16),
    )
    fingertip, width, yaw = (
        np.zeros(room, np.float32),
        np.zeros(room, np.float32),
        np.zeros(room, np.float32),
    )
    reach = np.zeros(room, np.float32)
    grasped, weights, scene = (
        np.zeros(room, np.uint8),
        np.zeros(room, np.float32),
        np.zeros(room, np.int64),
    )
    n = 0
    for attempt in source.attempts(split):
        last = _grasp_of(attempt)
        if last is None or n == room:
            continue
        pose = last.grasp.world_from_tool
        top = local_map(last.seen, pose[:2, 3], config, spec)
        crops = crop(
            top, pose[None, :2, 3], np.array([yaw_of(pose)]), side * pixel_of(config, spec), side
        )
        color[n], height[n] = crops.color[0], crops.height[0] - spec.workspace.surface
        fingertip[n], width[n], yaw[n] = (
            pose[2, 3] - spec.workspace.surface,
            last.grasp.width,
            yaw_of(pose),
        )
        reach[n] = reach_px(np.array(last.grasp.width), config, spec)
        grasped[n], weights[n] = (
            attempt.outcome.grasped,
            config.round_weight if attempt.round > 0 else 1.0,
        )
        scene[n] = attempt.scene
        n += 1
    columns: dict[str, NDArray[Any]] = {
        "color": color,
        "height": height,
        "fingertip": fingertip,
        "width": width,
        "yaw": yaw,
        "grasped": grasped,
        "reach": reach,
        "scene": scene,
    }
    return Examples({name: column[:n] for name, column in columns.items()}, weights[:n])


@dataclass(frozen=True, eq=False)
class _Last:
    seen: Observation
    grasp: Grasp


def _grasp_of(attempt: Attempt) -> _Last | None:
    """The grasp that ended the attempt and what was seen before it; None where the attempt teaches
    nothing about grasps."""
    if attempt.outcome.fault in UNINFORMATIVE_FAULTS or not attempt.steps:
        return None
    seen, action = attempt.observation_of(len(attempt.steps) - 1), attempt.steps[-1].action
    return _Last(seen, action) if isinstance(action, Grasp) and seen is not None else None


def batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SupersizingConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors for the network: patch (B, C, P, P), hand (B, L), bin (B,) int64, grasped (B,) and
    weight (B,) float32.

    A parallel gripper is symmetric under a mirror along and across its closing direction, so both
    flips are exact; shifts are small enough to keep the label. With 18 outputs the patch's own
    direction is drawn at random and the bin moves with it (section III.C); otherwise the patch
    turns within its bin.

    Args:
        examples: of `gather`.
        indices: (B,) rows.
        config: see there.
        rng: draws.
        augment: or as it is, with the patch in the world's direction for 18 outputs.
    """
    b = len(indices)
    flips, shift_px, turn = np.ones((b, 2)), np.zeros((b, 2)), np.zeros(b)
    yaw = examples["yaw"][indices].astype(np.float64)
    if augment:
        flips = rng.choice([-1.0, 1.0], (b, 2))
        shift_px = rng.uniform(-1, 1, (b, 2)) * config.shift
        turn = rng.uniform(-0.5, 0.5, b) * math.pi / config.bins
        yaw = rng.uniform(0, math.pi, b)
    # `turn` is the angle from the gripper's frame, in which crops are stored, to the patch's.
    if config.angles is Angles.OUTPUTS:
        turn = -yaw
    color, height = _cut(
        examples["color"][indices],
        examples["height"][indices].astype(np.float32),
        turn,
        flips,
        shift_px,
        config,
    )
    if augment:
        color = _jittered(color, config, rng)
    fingertip = examples["fingertip"][indices]
    return {
        "patch": network_input(color, height, fingertip, config),
        "hand": hand_input(fingertip, examples["width"][indices], config),
        "reach": torch.from_numpy(examples["reach"][indices]),
        "bin": torch.from_numpy(bin_of(yaw, config.bins)),
        "grasped": torch.from_numpy(examples["grasped"][indices].astype(np.float32)),
        "weight": torch.from_numpy(examples.weights[indices].copy()),
    }


def pretext_batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SupersizingConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Patches alone, patch (B, C, P, P) float32, in the world's direction; the loss turns each of
    them by all four multiples of 90 degrees.

    Seen from above, nothing but the world says which way is up: the side that the camera looks from
    and the light. In the gripper's frame, whose direction is random, the task has no answer. Nor
    has it one for mirrored patches, since two mirrorings are half a turn: none is done. The small
    turn, the shift and the jitter of `batch_of` are.

    Args:
        examples: of `gather`; no outcome is read.
        indices: (B,) rows.
        config: see there.
        rng: draws.
        augment: or as it is.
    """
    b = len(indices)
    shift_px, turn = np.zeros((b, 2)), -examples["yaw"][indices].astype(np.float64)
    if augment:
        shift_px = rng.uniform(-1, 1, (b, 2)) * config.shift
        turn += rng.uniform(-0.5, 0.5, b) * math.pi / config.bins
    color, height = _cut(
        examples["color"][indices],
        examples["height"][indices].astype(np.float32),
        turn,
        np.ones((b, 2)),
        shift_px,
        config,
    )
    if augment:
        color = _jittered(color, config, rng)
    return {"patch": network_input(color, height, examples["fingertip"][indices], config)}


def world_patches(
    examples: Examples, indices: NDArray[np.int64], config: SupersizingConfig
) -> Crops:
    """(B, P, P, 3) uint8 colours and (B, P, P) float32 m above the table of the rows `indices`
    (B,), turned into the world's direction: columns along +x.

    Raises:
        InputError: examples without the room that turning needs.
    """
    if config.angles is not Angles.OUTPUTS or examples["color"].shape[1] != stored_pixels(config):
        raise InputError(
            given=f"examples of {examples['color'].shape[1]} px for a config with "
            f"angles={config.angles!s}",
            wanted="examples and config of a preset with 18 outputs, whose crops have room to be "
            "turned back",
        )
    b = len(indices)
    turn = -examples["yaw"][indices].astype(np.float64)
    height = examples["height"][indices].astype(np.float32)
    return Crops(
        *_cut(examples["color"][indices], height, turn, np.ones((b, 2)), np.zeros((b, 2)), config)
    )


def _jittered(
    color: NDArray[np.uint8], config: SupersizingConfig, rng: np.random.Generator
) -> NDArray[np.uint8]:
    return (
        jitter_color(
            color, rng, brightness=config.jitter, contrast=config.jitter, tint=config.jitter / 3
        )
        if config.jitter
        else color
    )


def _cut(
    color: NDArray[np.uint8],
    height: NDArray[np.float32],
    turn: NDArray[np.float64],
    flips: NDArray[np.float64],
    shift_px: NDArray[np.float64],
    config: SupersizingConfig,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(B, P, P, 3) and (B, P, P) patches out of stored crops, each turned by `turn` rad, mirrored
    and shifted by one interpolation."""
    b, side, p = len(color), color.shape[1], config.pixels
    scale = config.map_pixels / p
    c, s = np.cos(turn) * scale, np.sin(turn) * scale
    stored_from_patch = (
        np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], axis=1) * flips[:, :, None]
    )
    offset = (side - 1) / 2 + shift_px - stored_from_patch.sum(axis=2) * (p - 1) / 2
    matrices = np.concatenate([stored_from_patch, offset[:, :, None]], axis=2)
    color_out, height_out = np.empty((b, p, p, 3), np.uint8), np.empty((b, p, p), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for i, matrix in enumerate(matrices):
        cv2.warpAffine(color[i], matrix, (p, p), color_out[i], flags, cv2.BORDER_REPLICATE)
        cv2.warpAffine(height[i], matrix, (p, p), height_out[i], flags, cv2.BORDER_REPLICATE)
    return color_out, height_out
