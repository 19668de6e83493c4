"""Attempts to examples: patches of the pictures where the hand closed, where the hand was when they
were taken, and what came of it."""

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
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.source import Source, Split
from selfgrasp.servo.config import Sees, ServoConfig
from selfgrasp.servo.geometry import hand_grid, project, sample
from selfgrasp.servo.poses import camera_of, hand_over, surface_from_camera, towards_camera

GATHERED = 3
"""Version of what `gather` gives: examples that an earlier one left beside a dataset are gathered
again."""


@dataclass(frozen=True)
class ExtraColumns:
    """Columns beside those of `gather`.

    Attributes:
        columns: name to shape of a row and type.
        row: from an attempt, the looks that are kept of it and where it closed, the columns'
            values; what it leaves out stays zero.
    """

    columns: Mapping[str, tuple[tuple[int, ...], type]]
    row: Callable[[Attempt, Sequence[Observation], ClosedAttempt], Mapping[str, Any]]


def gather(
    source: Source,
    split: Split,
    config: ServoConfig,
    rng: np.random.Generator,
    more: ExtraColumns | None = None,
) -> Examples:
    """One example an attempt that closed the fingers, in one pass.

    K = 1 + looks pictures are kept of each: the first, the last and others at random. Columns:
    patches (N, K, P, S, S, 3) uint8 around where the hand closed, or whole (N, K, H, H, 3) uint8,
    where whole pictures are seen; kept (N,) int64 how many of the K there are; hand (N, K, 4)
    float32 x, y, height m and yaw rad of the hand in each; final (N, 3) float32 x, y m, yaw rad
    where it closed; camera (N, 2) float32 horizontal direction from there to the camera; pictures
    (N, 2, E, E, 3) uint8, the first and one other, small; mount (N, 6) float32, from the
    calibration of the robot that tried; nominal (N, 4, 4) with the surface at zero and intrinsics
    (N, 3, 3) float32, the latter for the small pictures; grasped (N,) uint8; height (N,) float32 m
    above the floor, how far down the fingers came; scene (N,) int64.
    """
    spec = source.spec
    camera, room, k = camera_of(spec, config), source.len_of(split), 1 + config.looks
    side, planes, eye = config.stored_px, len(config.planes), config.eye_px
    columns: dict[str, NDArray[Any]] = {
        "patches": np.zeros((room, k, planes, side, side, 3), np.uint8),
        "kept": np.zeros(room, np.int64),
        "hand": np.zeros((room, k, 4), np.float32),
        "final": np.zeros((room, 3), np.float32),
        "camera": np.zeros((room, 2), np.float32),
        "pictures": np.zeros((room, 2, eye, eye, 3), np.uint8),
        "mount": np.zeros((room, 6), np.float32),
        "nominal": np.zeros((room, 4, 4), np.float32),
        "intrinsics": np.zeros((room, 3, 3), np.float32),
        "grasped": np.zeros(room, np.uint8),
        "height": np.zeros(room, np.float32),
        "scene": np.zeros(room, np.int64),
    }
    if config.sees is Sees.PICTURES:
        columns |= {
            "patches": np.zeros((room, k, 0), np.uint8),
            "whole": np.zeros((room, k, config.picture_px, config.picture_px, 3), np.uint8),
        }
    if more is not None:
        columns |= {
            name: np.zeros((room, *shape), kind) for name, (shape, kind) in more.columns.items()
        }
    n = 0
    for attempt in source.attempts(split):
        tried = closed_attempt(attempt)
        if tried is None or n == room:
            continue
        looks = _chosen(tried.looks, config.looks, rng)
        first = looks[0].view(config.view)
        for index, look in enumerate(looks):
            if config.sees is Sees.PICTURES:
                columns["whole"][n, index] = resized(
                    look.view(config.view).color, config.picture_px
                )
            elif planes:
                columns["patches"][n, index] = stored_patches(
                    look.view(config.view), tried.final, spec, config
                )
            columns["hand"][n, index] = hand_over(look, spec)
        other = looks[int(rng.integers(len(looks)))].view(config.view)
        columns["pictures"][n] = [resized(v.color, eye) for v in (first, other)]
        columns["kept"][n], columns["final"][n], columns["camera"][n] = (
            len(looks),
            tried.final,
            towards_camera(tried.final[None], camera)[0],
        )
        columns["mount"][n] = camera_offset(first, camera)
        columns["nominal"][n], columns["intrinsics"][n] = (
            surface_from_camera(camera, spec),
            small_intrinsics(camera, eye),
        )
        columns["grasped"][n], columns["height"][n], columns["scene"][n] = (
            attempt.outcome.grasped,
            tried.height - spec.workspace.surface,
            attempt.scene,
        )
        for name, value in more.row(attempt, looks, tried).items() if more is not None else ():
            columns[name][n] = value
        n += 1
    return Examples({name: column[:n] for name, column in columns.items()}, np.ones(n, np.float32))


@dataclass(frozen=True, eq=False)
class ClosedAttempt:
    """An attempt's looks, the first one first, where the hand closed, (3,) x, y m, yaw rad, and the
    fingertips' height there, m."""

    looks: tuple[Observation, ...]
    final: FloatArray
    height: float


def closed_attempt(attempt: Attempt) -> ClosedAttempt | None:
    """What an attempt teaches; None where it teaches nothing about where to close."""
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
    looks = [
        seen for i in range(len(attempt.steps)) if (seen := attempt.observation_of(i)) is not None
    ]
    return ClosedAttempt(tuple(looks), np.array([*tool[:2, 3], yaw_of(tool)]), float(tool[2, 3]))


def _chosen(
    looks: tuple[Observation, ...], others: int, rng: np.random.Generator
) -> list[Observation]:
    """The first, and up to `others` of the rest, the last among them."""
    between = list(range(1, len(looks) - 1))
    picked = sorted(rng.permutation(between)[: max(0, others - 1)].tolist()) if between else []
    return [
        looks[0],
        *(looks[i] for i in picked),
        *([looks[-1]] if len(looks) > 1 and others else []),
    ]


def stored_patches(
    view: View, final: FloatArray, spec: CellSpec, config: ServoConfig
) -> NDArray[np.uint8]:
    """(P, S, S, 3) around one pose (3,), by the calibration of the view."""
    grid = hand_grid(
        torch.from_numpy(final[None]).float(), config.stored_px, spec.workspace.surface, config
    )
    px = project(
        grid,
        torch.from_numpy(inverse(view.world_from_camera)).float(),
        torch.tensor(view.intrinsics, dtype=torch.float32),
    )
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


def camera_offset(view: View, camera: CameraSpec) -> FloatArray:
    """(6,) rotation vector rad and translation m of the calibrated camera in the nominal one's
    frame."""
    nominal_from_calibrated = inverse(camera.world_from_camera) @ view.world_from_camera
    rotation, _ = cv2.Rodrigues(nominal_from_calibrated[:3, :3])
    return np.concatenate([rotation[:, 0], nominal_from_calibrated[:3, 3]])
