"""Attempts to examples: patches of the images where the hand closed, the hand's pose when they were
taken, and the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import UNINFORMATIVE_FAULTS, Attempt, Close, Grasp, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse, yaw_of
from selfgrasp.core.spec import CameraSpec, CellSpec
from selfgrasp.learn import Source, Split
from selfgrasp.learn.examples import Examples
from selfgrasp.servo.camera_pose import IMAGE_PX
from selfgrasp.servo.config import PatchConfig, PredictorInput, ServoConfig
from selfgrasp.servo.geometry import hand_grid, project, sample
from selfgrasp.servo.poses import camera_of, hand_over, surface_from_camera, towards_camera

EXAMPLES_VERSION = 4
"""Of what `gather` gives; cached examples of another version are gathered again."""


@dataclass(frozen=True)
class ExtraColumns:
    """Columns beside those of `gather`.

    Attributes:
        columns: name to shape of a row and dtype.
        values: from an attempt, the observations that are kept of it and where it closed, to the
            columns' values of its row. Columns that it leaves out are zero.
    """

    columns: Mapping[str, tuple[tuple[int, ...], type]]
    values: Callable[[Attempt, Sequence[Observation], ClosedAttempt], Mapping[str, Any]]


def gather(
    source: Source,
    split: Split,
    config: ServoConfig,
    rng: np.random.Generator,
    *,
    patches: PatchConfig | None = None,
    extra: ExtraColumns | None = None,
) -> Examples:
    """One example for each attempt that closed the fingers, in one pass.

    K = 1 + later_images images are kept of each: the first, the last, and others at random.
    Columns, of N examples:

        patches (N, K, P, S, S, 3) uint8: around where the hand closed, on P planes
        whole (N, K, H, H, 3) uint8: the images, for `PredictorInput.IMAGES`, in place of patches
        kept (N,) int64: how many of the K images there are
        hand (N, K, 4) float32: x, y, height m and yaw rad of the hand in each image
        final (N, 3) float32: x, y m and yaw rad where it closed
        camera (N, 2) float32: horizontal direction from there to the nominal camera
        camera_images (N, 2, E, E, 3) uint8: the first image and another one, small
        camera_offset (N, 6) float32: see `camera_offset`, of the calibrated camera
        world_from_nominal (N, 4, 4) float32: nominal extrinsics, with the surface at zero
        intrinsics (N, 3, 3) float32: of the small images
        grasped (N,) uint8
        height (N,) float32: m above the surface, how far down the fingertips came
        scene (N,) int64

    Args:
        source: attempts.
        split: part of them.
        config: of the method.
        rng: draws the images that are kept.
        patches: in place of `config.patches`.
        extra: further columns.
    """
    spec, patches = source.spec, patches or config.patches
    camera, room, k = camera_of(spec, config.view), source.len_of(split), 1 + config.later_images
    side, whole = patches.stored_px, config.input is PredictorInput.IMAGES
    columns: dict[str, NDArray[Any]] = {
        "patches": np.zeros((room, k, len(patches.planes), side, side, 3), np.uint8),
        "kept": np.zeros(room, np.int64),
        "hand": np.zeros((room, k, 4), np.float32),
        "final": np.zeros((room, 3), np.float32),
        "camera": np.zeros((room, 2), np.float32),
        "camera_images": np.zeros((room, 2, IMAGE_PX, IMAGE_PX, 3), np.uint8),
        "camera_offset": np.zeros((room, 6), np.float32),
        "world_from_nominal": np.zeros((room, 4, 4), np.float32),
        "intrinsics": np.zeros((room, 3, 3), np.float32),
        "grasped": np.zeros(room, np.uint8),
        "height": np.zeros(room, np.float32),
        "scene": np.zeros(room, np.int64),
    }
    if whole:
        columns |= {
            "patches": np.zeros((room, k, 0), np.uint8),
            "whole": np.zeros((room, k, config.image_px, config.image_px, 3), np.uint8),
        }
    if extra is not None:
        columns |= {
            name: np.zeros((room, *shape), kind) for name, (shape, kind) in extra.columns.items()
        }
    n = 0
    for attempt in source.attempts(split):
        closed = closed_attempt(attempt)
        if closed is None or n == room:
            continue
        kept = _kept(closed.observations, config.later_images, rng)
        first = kept[0].view(config.view)
        for index, observation in enumerate(kept):
            view = observation.view(config.view)
            if whole:
                columns["whole"][n, index] = resized(view.color, config.image_px)
            elif patches.planes:
                columns["patches"][n, index] = stored_patches(view, closed.final, spec, patches)
            columns["hand"][n, index] = hand_over(observation, spec)
        other = kept[int(rng.integers(len(kept)))].view(config.view)
        row: dict[str, object] = {
            "camera_images": [resized(v.color, IMAGE_PX) for v in (first, other)],
            "kept": len(kept),
            "final": closed.final,
            "camera": towards_camera(closed.final[None], camera)[0],
            "camera_offset": camera_offset(first, camera),
            "world_from_nominal": surface_from_camera(camera, spec),
            "intrinsics": small_intrinsics(camera, IMAGE_PX),
            "grasped": attempt.outcome.grasped,
            "height": closed.height - spec.workspace.surface,
            "scene": attempt.scene,
        }
        if extra is not None:
            row |= extra.values(attempt, kept, closed)
        for name, value in row.items():
            columns[name][n] = value
        n += 1
    return Examples({name: column[:n] for name, column in columns.items()}, np.ones(n, np.float32))


@dataclass(frozen=True, eq=False)
class ClosedAttempt:
    """What an attempt that closed the fingers teaches.

    Attributes:
        observations: before each step, the first one first.
        final: (3,) x, y m and yaw rad where the hand closed.
        height: m, of the fingertips there.
    """

    observations: tuple[Observation, ...]
    final: FloatArray
    height: float


def closed_attempt(attempt: Attempt) -> ClosedAttempt | None:
    """See `ClosedAttempt`; None where the attempt says nothing about where to close."""
    if attempt.outcome.fault in UNINFORMATIVE_FAULTS or not attempt.steps or attempt.before is None:
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
    observations = [
        seen for i in range(len(attempt.steps)) if (seen := attempt.observation_of(i)) is not None
    ]
    return ClosedAttempt(
        tuple(observations), np.array([*tool[:2, 3], yaw_of(tool)]), float(tool[2, 3])
    )


def _kept(
    observations: tuple[Observation, ...], later: int, rng: np.random.Generator
) -> list[Observation]:
    """The first, and up to `later` of the rest, the last among them."""
    between = list(range(1, len(observations) - 1))
    picked = sorted(rng.permutation(between)[: max(0, later - 1)].tolist()) if between else []
    return [
        observations[0],
        *(observations[i] for i in picked),
        *([observations[-1]] if len(observations) > 1 and later else []),
    ]


def stored_patches(
    view: View, final: FloatArray, spec: CellSpec, patches: PatchConfig
) -> NDArray[np.uint8]:
    """(P, S, S, 3) patches around one pose (3,), cut with the calibration of the view."""
    grid = hand_grid(
        torch.from_numpy(final[None]).float(), patches.stored_px, spec.workspace.surface, patches
    )
    px = project(
        grid,
        torch.from_numpy(inverse(view.world_from_camera)).float(),
        torch.tensor(view.intrinsics, dtype=torch.float32),
    )
    cut = sample(normalised(view.color), px)[0]
    return ((cut + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def normalised(color: NDArray[np.uint8]) -> torch.Tensor:
    """(3, H, W) from -1 to 1."""
    return torch.from_numpy(np.ascontiguousarray(color.transpose(2, 0, 1))).float() / 127.5 - 1


def resized(color: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(side, side, 3)."""
    how = cv2.INTER_AREA if side < color.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(color, (side, side), interpolation=how), dtype=np.uint8)


def small_intrinsics(camera: CameraSpec, side: int) -> FloatArray:
    """(3, 3) px, intrinsics of the camera's image resized to `side`."""
    return np.diag([side / camera.width, side / camera.height, 1.0]) @ camera.intrinsics


def camera_offset(view: View, camera: CameraSpec) -> FloatArray:
    """(6,) rotation vector rad and translation m of nominal_from_camera: the calibrated camera of a
    view in the frame of the nominal one."""
    nominal_from_camera = inverse(camera.world_from_camera) @ view.world_from_camera
    rotation, _ = cv2.Rodrigues(nominal_from_camera[:3, :3])
    return np.concatenate([rotation[:, 0], nominal_from_camera[:3, 3]])
