"""Jitter for batches of crops. Every function returns new arrays and draws from the generator it is
given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def jitter_color(
    color: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    brightness: float = 0.2,
    contrast: float = 0.2,
    tint: float = 0.08,
) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8 with brightness, contrast and colour balance changed at random, one draw a
    picture.

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
    # One scale and one offset a channel: (color - mean) gain balance + (mean + shift) balance,
    # evaluated once over the pixels.
    scale, offset = gain * balance, (mean * (1 - gain) + shift) * balance
    out = color * scale
    out += offset
    np.clip(out, 0, 255, out=out)
    return out.astype(np.uint8)
