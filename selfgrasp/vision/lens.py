"""Pictures of a bent lens as a pinhole camera would have taken them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.lens import Lens, LensModel

_ITERATIONS = 20
_PIXEL_CENTRE = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])


def undistorted_color(
    color: NDArray[np.uint8], intrinsics: FloatArray, lens: Lens, target: FloatArray
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a camera without `lens` and with intrinsics `target`; black where the
    picture (H, W, 3) did not look.

    Args:
        color: as the camera took it.
        intrinsics: (3, 3) px of the camera, selfgrasp's convention.
        lens: its distortion.
        target: (3, 3) px, selfgrasp's convention.
    """
    across, down = _source(color.shape[:2], intrinsics, lens, target)
    return np.asarray(
        cv2.remap(color, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT),
        dtype=np.uint8,
    )


def undistorted_depth(
    depth: NDArray[np.float32], intrinsics: FloatArray, lens: Lens, target: FloatArray
) -> NDArray[np.float32]:
    """As `undistorted_color` for depth (H, W) m along the optical axis, which no lens changes: the
    nearest pixel's, so that no depth between two surfaces arises; NaN where it did not look."""
    across, down = _source(depth.shape, intrinsics, lens, target)
    return np.asarray(
        cv2.remap(
            depth,
            across,
            down,
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float("nan"),
        ),
        dtype=np.float32,
    )


def _source(
    size: tuple[int, ...], intrinsics: FloatArray, lens: Lens, target: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) columns and rows of the camera's picture, counted from pixel centres, that the pixels
    of the target look at; -1 where the lens's formula does not hold."""
    height, width = size[0], size[1]
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1)
    rays = pixels @ np.linalg.inv(target).T
    flat = rays[..., :2].reshape(-1, 2)
    bent = {
        LensModel.POLYNOMIAL: _polynomial,
        LensModel.FISHEYE: _fisheye,
        LensModel.INVERSE: _inverse,
    }[lens.model](flat, np.asarray(lens.coefficients, dtype=np.float64))
    k = intrinsics - _PIXEL_CENTRE
    source = np.column_stack([bent, np.ones(len(bent))]) @ k[:2].T
    source = np.nan_to_num(source, nan=-1e4).clip(-1e4, 1e5).reshape(height, width, 2)
    return source[..., 0].astype(np.float32), source[..., 1].astype(np.float32)


def _polynomial(rays: FloatArray, d: FloatArray) -> FloatArray:
    """(N, 2) bent rays; NaN beyond the angle from which the polynomial folds the picture back."""
    points = np.column_stack([rays, np.ones(len(rays))])
    bent = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.eye(3), d)[0].reshape(-1, 2)
    away = np.linalg.norm(rays, axis=1)
    reach = np.linspace(0, float(away.max()), 1000)
    folds = np.flatnonzero(np.diff(reach * _radial(reach**2, d)) <= 0)
    beyond = away > (reach[folds[0]] if len(folds) else np.inf)
    return np.where(beyond[:, None], np.nan, bent)


def _radial(r2: FloatArray, d: FloatArray) -> FloatArray:
    k = np.zeros(8)
    k[: min(len(d), 8)] = d[:8]
    above: FloatArray = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    below = 1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7]))
    return above / np.where(np.abs(below) < 1e-9, np.nan, below)


def _fisheye(rays: FloatArray, d: FloatArray) -> FloatArray:
    """(N, 2): Kannala & Brandt 2006, the angle from the axis as a polynomial."""
    away = np.linalg.norm(rays, axis=1)
    angle = np.arctan(away)
    a2 = angle**2
    bent = angle * (1 + a2 * (d[0] + a2 * (d[1] + a2 * (d[2] + a2 * d[3]))))
    scaled: FloatArray = rays * np.where(away > 1e-9, bent / np.maximum(away, 1e-9), 1.0)[:, None]
    return scaled


def _inverse(rays: FloatArray, d: FloatArray) -> FloatArray:
    """(N, 2) points that the polynomial brings to `rays`, by fixed-point iteration; NaN where it
    does not come to rest."""
    k = np.zeros(5)
    k[: min(len(d), 5)] = d[:5]
    bent = rays.copy()
    for _ in range(_ITERATIONS):
        bent = (rays - _tangential(bent, k)) / _radial((bent**2).sum(axis=1), k)[:, None]
    again = bent * _radial((bent**2).sum(axis=1), k)[:, None] + _tangential(bent, k)
    off = np.linalg.norm(again - rays, axis=1)
    return np.where((off < 1e-4)[:, None], bent, np.nan)


def _tangential(points: FloatArray, k: FloatArray) -> FloatArray:
    x, y = points.T
    r2 = x * x + y * y
    p1, p2 = k[2], k[3]
    return np.column_stack(
        [2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y]
    )
