"""Jitter for batches of crops. Every function returns new arrays and draws from the generator it is given."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def jitter_color(
    color: NDArray[np.uint8], rng: np.random.Generator, *, brightness: float = 0.2, contrast: float = 0.2, tint: float = 0.08
) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8 with brightness, contrast and colour balance changed at random, one draw a picture.

    Args:
        color: (N, H, W, 3) uint8.
        rng: draws.
        brightness: largest shift, as a share of 255.
        contrast: largest relative change about the picture's mean.
        tint: largest relative change of one channel.
    """
    n = len(color)
    gain = 1 + rng.uniform(-contrast, contrast, (n, 1, 1, 1)).astype(np.float32)
    shift = 255 * rng.uniform(-brightness, brightness, (n, 1, 1, 1)).astype(np.float32)
    balance = 1 + rng.uniform(-tint, tint, (n, 1, 1, 3)).astype(np.float32)
    mean = color.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    # One scale and one offset a channel: (color - mean) gain balance + (mean + shift) balance, evaluated once over the pixels.
    scale, offset = gain * balance, (mean * (1 - gain) + shift) * balance
    out = color * scale
    out += offset
    np.clip(out, 0, 255, out=out)
    return out.astype(np.uint8)


def noisy_height(
    height: NDArray[np.float32], rng: np.random.Generator, *, sigma: float = 0.001, offset: float = 0.003, holes: float = 0.01, hole_px: int = 3
) -> NDArray[np.float32]:
    """(N, H, W) float32 m with noise as depth cameras have it.

    Args:
        height: (N, H, W) float32 m.
        rng: draws.
        sigma: m, standard deviation of noise that is smooth over a few pixels.
        offset: m, largest shift of a whole picture (calibration).
        holes: share of the pixels that fall to the picture's low heights, as filled dropouts do.
        hole_px: side of one dropout.
    """
    n, rows, cols = height.shape
    noise = rng.standard_normal((n, (rows + 1) // 2, (cols + 1) // 2), dtype=np.float32) * np.float32(sigma)
    shift = rng.uniform(-offset, offset, (n, 1, 1)).astype(np.float32)
    starts = (rng.random((n, rows, cols), dtype=np.float32) < holes / max(hole_px, 1) ** 2).astype(np.uint8)
    low = np.percentile(height, 5, axis=(1, 2)).astype(np.float32)
    kernel = np.ones((hole_px, hole_px), np.uint8)
    out = np.empty_like(height)
    for i in range(n):
        grain = cv2.resize(noise[i], (cols, rows), interpolation=cv2.INTER_LINEAR)
        out[i] = np.where(cv2.dilate(starts[i], kernel) > 0, low[i], height[i] + grain) + shift[i]
    return out
