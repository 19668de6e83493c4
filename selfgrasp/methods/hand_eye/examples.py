"""Attempts to examples: patches of the pictures where the hand closed, where the hand was when they were taken, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import NOT_ABOUT_THE_ACTION, Attempt, Close, Grasp, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse, yaw_of
from selfgrasp.core.spec import CameraSpec, CellSpec
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.hand_eye.config import HandEyeConfig, Sees
from selfgrasp.methods.hand_eye.geometry import displaced, hand_grid, moved, project, rigid_inverse, sample

GATHERED = 3
"""Version of what `gather` gives: examples that an earlier one left beside a dataset are gathered again."""
_NEAR = 0.02
"""m within which the hand is where it would close."""
_LOW = 0.05
"""m, the scale on which a height near the floor matters."""
_FAR = 0.3
"""m beyond which the hand is not over the bin."""


def camera_of(spec: CellSpec, config: HandEyeConfig) -> CameraSpec:
    """The camera as drawn: the one that all robots share, before each mounted its own a little otherwise."""
    return spec.cameras[config.view] if config.view is not None else next(iter(spec.cameras.values()))


def gather(source: Source, split: Split, config: HandEyeConfig, rng: np.random.Generator) -> Examples:
    """One example an attempt that closed the fingers, in one pass.

    K = 1 + looks pictures are kept of each: the first, the last and others at random. Columns: patches (N, K, P, S, S, 3) uint8 around where the hand closed,
    or whole (N, K, H, H, 3) uint8, where whole pictures are seen; kept (N,) int64 how many of the K there are; hand (N, K, 4) float32 x, y, z m and yaw rad of
    the hand in each; final (N, 3) float32 x, y m, yaw rad where it closed; camera (N, 2) float32 horizontal direction from there to the camera; pictures
    (N, 2, E, E, 3) uint8, the first and one other, small; mount (N, 6) float32, see `Eye`, from the calibration of the robot that tried; nominal (N, 4, 4) and
    intrinsics (N, 3, 3) float32, the latter for the small pictures; grasped (N,) uint8; height (N,) float32 m above the floor, how far down the fingers came;
    scene (N,) int64.
    """
    spec = source.spec
    camera, room, k = camera_of(spec, config), source.len_of(split), 1 + config.looks
    side, planes, eye = config.stored_px, len(config.planes), config.eye_px
    columns: dict[str, NDArray[Any]] = {
        "patches": np.zeros((room, k, planes, side, side, 3), np.uint8), "kept": np.zeros(room, np.int64), "hand": np.zeros((room, k, 4), np.float32),
        "final": np.zeros((room, 3), np.float32), "camera": np.zeros((room, 2), np.float32), "pictures": np.zeros((room, 2, eye, eye, 3), np.uint8),
        "mount": np.zeros((room, 6), np.float32), "nominal": np.zeros((room, 4, 4), np.float32), "intrinsics": np.zeros((room, 3, 3), np.float32),
        "grasped": np.zeros(room, np.uint8), "height": np.zeros(room, np.float32), "scene": np.zeros(room, np.int64),
    }  # fmt: skip
    if config.sees is Sees.PICTURES:
        columns |= {"patches": np.zeros((room, k, 0), np.uint8), "whole": np.zeros((room, k, config.picture_px, config.picture_px, 3), np.uint8)}
    n = 0
    for attempt in source.attempts(split):
        tried = tried_of(attempt)
        if tried is None or n == room:
            continue
        looks = _chosen(tried.looks, config.looks, rng)
        first = looks[0].view(config.view)
        for index, look in enumerate(looks):
            if config.sees is Sees.PICTURES:
                columns["whole"][n, index] = resized(look.view(config.view).color, config.picture_px)
            else:
                columns["patches"][n, index] = stored_patches(look.view(config.view), tried.final, spec, config)
            columns["hand"][n, index] = hand_of(look)
        other = looks[int(rng.integers(len(looks)))].view(config.view)
        columns["pictures"][n] = [resized(v.color, eye) for v in (first, other)]
        columns["kept"][n], columns["final"][n], columns["camera"][n] = len(looks), tried.final, towards_camera(tried.final[None], camera)[0]
        columns["mount"][n] = mount_of(first, camera)
        columns["nominal"][n], columns["intrinsics"][n] = camera.world_from_camera, small_intrinsics(camera, eye)
        columns["grasped"][n], columns["height"][n], columns["scene"][n] = attempt.outcome.grasped, tried.height - spec.workspace.surface, attempt.scene
        n += 1
    return Examples({name: column[:n] for name, column in columns.items()}, np.ones(n, np.float32))


@dataclass(frozen=True, eq=False)
class Tried:
    """An attempt's looks, the first one first, where the hand closed, (3,) x, y m, yaw rad, and the fingertips' height there, m."""

    looks: tuple[Observation, ...]
    final: FloatArray
    height: float


def tried_of(attempt: Attempt) -> Tried | None:
    """What an attempt teaches; None where it teaches nothing about where to close."""
    if attempt.outcome.fault in NOT_ABOUT_THE_ACTION or not attempt.steps or attempt.before is None:
        return None
    last = attempt.steps[-1]
    if isinstance(last.action, Grasp):
        done = last.executed if isinstance(last.executed, Grasp) else last.action
        tool = done.world_from_tool
    elif isinstance(last.action, Close):
        seen = attempt.observation_of(len(attempt.steps) - 1)
        if seen is None:
            return None
        tool = seen.hand.world_from_tool
    else:
        return None
    looks = [seen for i in range(len(attempt.steps)) if (seen := attempt.observation_of(i)) is not None]
    return Tried(tuple(looks), np.array([*tool[:2, 3], yaw_of(tool)]), float(tool[2, 3]))


def _chosen(looks: tuple[Observation, ...], others: int, rng: np.random.Generator) -> list[Observation]:
    """The first, and up to `others` of the rest, the last among them."""
    between = list(range(1, len(looks) - 1))
    picked = sorted(rng.permutation(between)[: max(0, others - 1)].tolist()) if between else []
    return [looks[0], *(looks[i] for i in picked), *([looks[-1]] if len(looks) > 1 and others else [])]


def stored_patches(view: View, final: FloatArray, spec: CellSpec, config: HandEyeConfig) -> NDArray[np.uint8]:
    """(P, S, S, 3) around one pose (3,), by the calibration of the view."""
    grid = hand_grid(torch.from_numpy(final[None]).float(), config.stored_px, spec.workspace.surface, config)
    px = project(grid, torch.from_numpy(inverse(view.world_from_camera)).float(), torch.tensor(view.intrinsics, dtype=torch.float32))
    patches = sample(normalised(view.color), px)[0]
    return ((patches + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def normalised(color: NDArray[np.uint8]) -> torch.Tensor:
    """(3, H, W) from -1 to 1."""
    return torch.from_numpy(np.ascontiguousarray(color.transpose(2, 0, 1))).float() / 127.5 - 1


def resized(color: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(side, side, 3)."""
    how = cv2.INTER_AREA if side < color.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(color, (side, side), interpolation=how), dtype=np.uint8)


def small_intrinsics(camera: CameraSpec, side: int) -> FloatArray:
    """(3, 3) px of the small picture."""
    return np.diag([side / camera.width, side / camera.height, 1.0]) @ camera.intrinsics


def mount_of(view: View, camera: CameraSpec) -> FloatArray:
    """(6,) rotation vector rad and translation m of the calibrated camera in the nominal one's frame."""
    nominal_from_calibrated = inverse(camera.world_from_camera) @ view.world_from_camera
    rotation, _ = cv2.Rodrigues(nominal_from_calibrated[:3, :3])
    return np.concatenate([rotation[:, 0], nominal_from_calibrated[:3, 3]])


def hand_of(observation: Observation) -> FloatArray:
    """(4,) x, y, z m and yaw rad."""
    tool = observation.hand.world_from_tool
    return np.array([*tool[:3, 3], yaw_of(tool)])


def towards_camera(final_M3: FloatArray, camera: CameraSpec) -> FloatArray:
    """(M, 2) horizontal unit vectors from poses to the nominal camera."""
    away = camera.world_from_camera[:2, 3] - final_M3[:, :2]
    unit: FloatArray = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return unit


def state_of(final_M3: FloatArray, hand_M4: FloatArray, camera_M2: FloatArray) -> NDArray[np.float32]:
    """(M, 10) in the frame of the final pose: where the hand is now (x, y, turn, far or there, height, height if there), and where the camera is.

    A hand that is there and stopped above the floor has felt what no picture shows.

    Nothing changes when a symmetric gripper is turned by half; see `mirrored` for mirrors.
    """
    cos, sin = np.cos(final_M3[:, 2]), np.sin(final_M3[:, 2])

    def into_hand(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        return cos * x + sin * y, -sin * x + cos * y

    x, y = into_hand(hand_M4[:, 0] - final_M3[:, 0], hand_M4[:, 1] - final_M3[:, 1])
    camera_x, camera_y = into_hand(camera_M2[:, 0], camera_M2[:, 1])
    turn, distance = hand_M4[:, 3] - final_M3[:, 2], np.hypot(x, y)
    there = np.exp(-((distance / _NEAR) ** 2))
    low = np.minimum(hand_M4[:, 2] / _LOW, 2.0)
    state = [np.tanh(x / 0.1), np.tanh(y / 0.1), np.sin(2 * turn), np.cos(2 * turn), distance > _FAR, there, low, there * (2.0 - low), camera_x, camera_y]
    return np.stack(state, axis=1).astype(np.float32)


def motion_of(final_M3: FloatArray, hand_M4: FloatArray) -> NDArray[np.float32]:
    """(M, 5) from where the hand is to where it would close on the floor: x, y, z m in the world, sine and cosine of the turn (Levine et al. 2016)."""
    turn = final_M3[:, 2] - hand_M4[:, 3]
    way = [final_M3[:, 0] - hand_M4[:, 0], final_M3[:, 1] - hand_M4[:, 1], -hand_M4[:, 2], np.sin(turn), np.cos(turn)]
    return np.stack(way, axis=1).astype(np.float32)


def mirrored(state_MF: NDArray[np.float32], flips_M2: FloatArray) -> NDArray[np.float32]:
    """The state in a frame whose x and y axes are flipped where `flips` is -1: a parallel gripper does not know left from right, nor front from back."""
    x, y = flips_M2[:, 0], flips_M2[:, 1]
    one = np.ones_like(x)
    return (state_MF * np.stack([x, y, x * y, one, one, one, one, one, x, y], axis=1)).astype(np.float32)


def batch_of(examples: Examples, indices: NDArray[np.int64], config: HandEyeConfig, rng: np.random.Generator, *, augment: bool) -> Batch:
    """Tensors: patch (B, C, S, S), state (B, 10), grasped, height, weight, and of `eye_share` of the batch pictures (E, 6, H, H), mount, nominal, intrinsics.

    Of each attempt one look is drawn. Shifts and turns are about as large as what the eye is off by.
    """
    b, rows = len(indices), np.arange(len(indices))
    look = rng.integers(0, examples["kept"][indices])
    stored = examples["patches"][indices]
    pair = np.stack([stored[rows, np.zeros_like(look)], stored[rows, look]], axis=1)
    eyed = indices[: max(1, round(b * config.eye_share))]
    pictures = torch.from_numpy(examples["pictures"][eyed]).permute(0, 1, 4, 2, 3).flatten(1, 2).float() / 127.5 - 1
    nominal, intrinsics, mount = (torch.from_numpy(examples[name][eyed]) for name in ("nominal", "intrinsics", "mount"))
    mount = moved(mount)
    state = state_of(examples["final"][indices].astype(np.float64), examples["hand"][indices, look].astype(np.float64), examples["camera"][indices])
    gain, offset = np.ones((b, 1)), np.zeros((b, 3))
    patch = torch.from_numpy(pair).permute(0, 1, 2, 5, 3, 4).reshape(b, -1, config.stored_px, config.stored_px).float() / 127.5 - 1
    if augment:
        flips = rng.choice([-1.0, 1.0], (b, 2))
        state = mirrored(state, flips)
        patch = _cut(patch, flips, rng.normal(0, config.shift, (b, 2)), rng.normal(0, config.turn, b), config)
        pictures, mount = _shaken(pictures, mount, nominal, intrinsics, _further(mount, config, rng))
        gain, offset = 1 + rng.uniform(-config.jitter, config.jitter, (b, 1)), rng.uniform(-config.jitter, config.jitter, (b, 3))
    else:
        margin = (config.stored_px - config.patch_px) // 2
        patch = patch[:, :, margin : margin + config.patch_px, margin : margin + config.patch_px]
    grasped, height = (torch.from_numpy(examples[name][indices]).float() for name in ("grasped", "height"))
    return {
        "patch": _colored(patch, gain, offset), "state": torch.from_numpy(state), "pictures": _colored(pictures, gain[: len(eyed)], offset[: len(eyed)]),
        "mount": mount, "nominal": nominal, "intrinsics": intrinsics, "grasped": grasped, "height": height,
        "weight": torch.from_numpy(examples.weights[indices]),
    }  # fmt: skip


def whole_batch_of(examples: Examples, indices: NDArray[np.int64], config: HandEyeConfig, rng: np.random.Generator, *, augment: bool) -> Batch:
    """Tensors for the published network: whole (B, 6, H, H), motion (B, 5), grasped, height, weight. Of each attempt one look is drawn."""
    b, rows = len(indices), np.arange(len(indices))
    look = rng.integers(0, examples["kept"][indices])
    stored = examples["whole"][indices]
    pair = np.stack([stored[rows, np.zeros_like(look)], stored[rows, look]], axis=1)
    whole = torch.from_numpy(pair).permute(0, 1, 4, 2, 3).reshape(b, 6, config.picture_px, config.picture_px).float() / 127.5 - 1
    if augment:
        whole = _colored(whole, 1 + rng.uniform(-config.jitter, config.jitter, (b, 1)), rng.uniform(-config.jitter, config.jitter, (b, 3)))
    motion = motion_of(examples["final"][indices].astype(np.float64), examples["hand"][indices, look].astype(np.float64))
    grasped, height = (torch.from_numpy(examples[name][indices]).float() for name in ("grasped", "height"))
    return {"whole": whole, "motion": torch.from_numpy(motion), "grasped": grasped, "height": height, "weight": torch.from_numpy(examples.weights[indices])}


def _colored(pictures_BCHW: torch.Tensor, gain_B1: FloatArray, offset_B3: FloatArray) -> torch.Tensor:
    repeats = pictures_BCHW.shape[1] // 3
    gain, offset = torch.from_numpy(gain_B1).float(), torch.from_numpy(np.tile(offset_B3, repeats)).float()
    return pictures_BCHW * gain[:, :, None, None] + offset[:, :, None, None]


def _further(mount_B44: torch.Tensor, config: HandEyeConfig, rng: np.random.Generator) -> torch.Tensor:
    """(B, 4, 4) displacements: half of them any, half back to the nominal pose but for a little, which is what the eye's second glance sees."""
    scale = np.repeat([config.shake_turn, config.shake], 3)
    far, near = (moved(torch.from_numpy(d * scale).float()) for d in (rng.uniform(-1, 1, (len(mount_B44), 6)), rng.normal(0, 0.2, (len(mount_B44), 6))))
    second = torch.from_numpy(rng.random(len(mount_B44)) < 0.5)
    return torch.where(second[:, None, None], rigid_inverse(mount_B44) @ near, far)


def _shaken(
    pictures_B6HW: torch.Tensor, mount_B44: torch.Tensor, nominal_B44: torch.Tensor, intrinsics_B33: torch.Tensor, further_B44: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures as from a camera displaced further, and the mount of that camera."""
    return displaced(pictures_B6HW, nominal_B44 @ mount_B44, intrinsics_B33, further_B44), mount_B44 @ further_B44


def _cut(patch_BCSS: torch.Tensor, flips_B2: FloatArray, shift_B2: FloatArray, turn_B: FloatArray, config: HandEyeConfig) -> torch.Tensor:
    """Patches of `patch_px` out of stored ones, flipped, turned and shifted (m)."""
    share, half = config.patch_px / config.stored_px, config.stored_px * config.pixel / 2
    cos, sin = share * np.cos(turn_B), share * np.sin(turn_B)
    x, y = flips_B2[:, 0], flips_B2[:, 1]
    theta = np.stack([np.stack([cos * x, -sin * y, shift_B2[:, 0] / half], axis=1), np.stack([sin * x, cos * y, shift_B2[:, 1] / half], axis=1)], axis=1)
    size = (len(patch_BCSS), patch_BCSS.shape[1], config.patch_px, config.patch_px)
    grid = F.affine_grid(torch.from_numpy(theta).float(), list(size), align_corners=False)
    return F.grid_sample(patch_BCSS, grid, mode="bilinear", padding_mode="border", align_corners=False)
