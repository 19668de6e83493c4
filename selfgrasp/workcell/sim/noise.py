"""What is wrong with a real camera: noise in depth and colour, missing returns, and a pose that is
not quite the calibrated one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked_number
from selfgrasp.core.pose import pose

EDGE_STEP = 0.01
"""m between neighbouring pixels from which a depth camera sees an edge."""


@dataclass(frozen=True)
class NoiseConfig:
    """How much is wrong; everything is off by default.

    Attributes:
        depth_sigma_at_1m: m, standard deviation of depth at 1 m; grows with the square of depth, as
            triangulation does.
        depth_quantum: m, step that depth is rounded to.
        hole_rate: share of pixels without return, anywhere.
        edge_holes: share of pixels without return at depth edges (steps above `EDGE_STEP`).
        calibration_translation: m, standard deviation per axis, drawn once per reset, by which the
            true pose is off.
        calibration_rotation: rad, standard deviation per axis, likewise.
        color_sigma: standard deviation per pixel and channel, of 255.
        brightness: largest relative change of brightness, drawn per reset.
        hue: rad, largest turn of the hue, drawn per reset.
        light_direction: rad, standard deviation of the lights' tilt, drawn per reset; see `Lights`.
        light_strength: largest relative change of each light, drawn per reset.
        actuation_translation: m, standard deviation in x and y by which the hand misses where it is
            sent, drawn for every attempt; the arm does not feel it.
        actuation_rotation: rad, of its yaw, likewise.
    """

    depth_sigma_at_1m: float = 0.0
    depth_quantum: float = 0.0
    hole_rate: float = 0.0
    edge_holes: float = 0.0
    calibration_translation: float = 0.0
    calibration_rotation: float = 0.0
    color_sigma: float = 0.0
    brightness: float = 0.0
    hue: float = 0.0
    light_direction: float = 0.0
    light_strength: float = 0.0
    actuation_translation: float = 0.0
    actuation_rotation: float = 0.0

    def __post_init__(self) -> None:
        for name, high in _LIMITS.items():
            checked_number(getattr(self, name), 0.0, high, name)


_LIMITS = {
    "depth_sigma_at_1m": 0.1,
    "depth_quantum": 0.1,
    "hole_rate": 1.0,
    "edge_holes": 1.0,
    "calibration_translation": 0.1,
    "calibration_rotation": 0.5,
    "color_sigma": 255.0,
    "brightness": 1.0,
    "hue": math.pi,
    "light_direction": math.pi / 2,
    "light_strength": 1.0,
    "actuation_translation": 0.1,
    "actuation_rotation": 0.5,
}


def realistic() -> NoiseConfig:
    """A well-calibrated consumer depth camera: 1.2 mm of depth noise and 3 mm of misplacement at
    0.7 m."""
    return NoiseConfig(
        depth_sigma_at_1m=0.0025,
        depth_quantum=0.0005,
        hole_rate=0.01,
        edge_holes=0.3,
        calibration_translation=0.002,
        calibration_rotation=math.radians(0.3),
        color_sigma=4.0,
        brightness=0.1,
        hue=0.05,
        light_direction=0.2,
        light_strength=0.2,
    )


def imprecise() -> NoiseConfig:
    """`realistic`, and an arm that misses by 3 mm and 2 degrees: what re-ranking was made for
    (Pinto & Gupta 2016, section IV.F)."""
    return replace(realistic(), actuation_translation=0.003, actuation_rotation=math.radians(2.0))


def very_imprecise() -> NoiseConfig:
    """`realistic`, and an arm that misses by 5 mm and 1.7 degrees: where even good grasps differ
    in what they forgive."""
    return replace(realistic(), actuation_translation=0.005, actuation_rotation=math.radians(1.7))


def noisy_depth(
    depth: NDArray[np.float32], noise: NoiseConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """`depth` (H, W) m with noise, rounding and holes (NaN); holes that are there stay."""
    result = depth.copy()
    if noise.depth_sigma_at_1m:
        result += np.float32(noise.depth_sigma_at_1m) * depth * depth * _grain(depth.shape, rng)
    if noise.depth_quantum:
        step = np.float32(noise.depth_quantum)
        result = np.rint(result / step) * step
    if noise.hole_rate or noise.edge_holes:
        chance = np.full(depth.shape, noise.hole_rate, dtype=np.float32)
        if noise.edge_holes:
            chance[depth_edges(depth)] = max(noise.edge_holes, noise.hole_rate)
        result[rng.random(depth.shape, dtype=np.float32) < chance] = np.nan
    result[result <= 0.0] = np.nan
    return result


def depth_edges(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) pixels among whose 3 x 3 neighbours depth steps by more than `EDGE_STEP`; a hole
    counts as 0 m."""
    filled = np.nan_to_num(depth, nan=0.0)
    kernel = np.ones((3, 3), dtype=np.uint8)
    return (cv2.dilate(filled, kernel) - cv2.erode(filled, kernel)) > EDGE_STEP


def noisy_color(
    color: NDArray[np.uint8], noise: NoiseConfig, mixing: FloatArray, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """`color` (H, W, 3) with its channels mixed by `mixing` (3, 3), and with noise."""
    if not (noise.color_sigma or noise.brightness or noise.hue):
        return color
    result = np.asarray(cv2.transform(color.astype(np.float32), mixing), dtype=np.float32)
    if noise.color_sigma:
        result += np.float32(noise.color_sigma) * _grain(color.shape, rng)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


@cache
def _normals() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(1 << 20, dtype=np.float32)


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Normal noise of `shape`, cut at a random place from a long strip that is drawn once: drawing
    it anew would cost more than the picture."""
    strip, size = _normals(), math.prod(shape)
    if size > len(strip) // 2:
        return rng.standard_normal(shape, dtype=np.float32)
    start = int(rng.integers(len(strip) - size))
    return strip[start : start + size].reshape(shape)


def draw_mixing(noise: NoiseConfig, rng: np.random.Generator) -> FloatArray:
    """(3, 3) matrix of one change of brightness and a turn of the hue about the grey axis."""
    gain = 1.0 + rng.uniform(-noise.brightness, noise.brightness)
    angle = rng.uniform(-noise.hue, noise.hue)
    turn, _ = cv2.Rodrigues(np.full(3, angle / math.sqrt(3.0)))
    return np.asarray(gain * turn, dtype=np.float64)


def draw_calibration(noise: NoiseConfig, rng: np.random.Generator) -> FloatArray:
    """camera_from_true_camera (4, 4): how far the true camera is from where the robot believes
    it."""
    rotation, _ = cv2.Rodrigues(noise.calibration_rotation * rng.standard_normal(3))
    return pose(
        rotation=rotation, translation=noise.calibration_translation * rng.standard_normal(3)
    )


def draw_miss(noise: NoiseConfig, rng: np.random.Generator) -> FloatArray:
    """(4,) x, y, z m and yaw rad by which the hand misses; nothing is drawn where there is no such
    noise."""
    if not (noise.actuation_translation or noise.actuation_rotation):
        return np.zeros(4)
    return np.array(
        [
            *rng.normal(0, noise.actuation_translation, 2),
            0.0,
            rng.normal(0, noise.actuation_rotation),
        ]
    )
