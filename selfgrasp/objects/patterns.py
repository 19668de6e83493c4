"""Procedural surface patterns: tiles that multiply a part's colour, so mostly white with darker
marks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, frozen
from selfgrasp.core.errors import unknown_name

TILE_PX = 64
_SEED = 20160


def _grid() -> tuple[FloatArray, FloatArray]:
    """Coordinates x, y (64, 64) of pixel centers in 0..1."""
    axis = (np.arange(TILE_PX) + 0.5) / TILE_PX
    x, y = np.meshgrid(axis, axis)
    return x, y


def _marks(mask: NDArray[np.bool_], dark: float) -> FloatArray:
    return np.where(mask, dark, 1.0)


def _plain() -> FloatArray:
    return np.ones((TILE_PX, TILE_PX))


def _stripes() -> FloatArray:
    x, y = _grid()
    return _marks((4.0 * (x + y)) % 1.0 < 0.4, 0.55)


def _bands() -> FloatArray:
    _, y = _grid()
    return _marks(((y > 0.2) & (y < 0.32)) | ((y > 0.62) & (y < 0.8)), 0.45)


def _checks() -> FloatArray:
    x, y = _grid()
    return _marks((np.floor(4 * x) + np.floor(4 * y)) % 2 == 0, 0.6)


def _dots() -> FloatArray:
    x, y = _grid()
    return _marks(np.hypot((4 * x) % 1.0 - 0.5, (4 * y) % 1.0 - 0.5) < 0.28, 0.5)


def _rings() -> FloatArray:
    x, y = _grid()
    return _marks((8.0 * np.hypot(x - 0.5, y - 0.5)) % 1.0 < 0.4, 0.55)


def _speckle() -> FloatArray:
    coarse = np.random.default_rng(_SEED).random((TILE_PX // 2, TILE_PX // 2)) < 0.15
    return _marks(coarse.repeat(2, axis=0).repeat(2, axis=1), 0.4)


def _gradient() -> FloatArray:
    _, y = _grid()
    return 1.0 - 0.5 * y


def _noise() -> FloatArray:
    """Smooth blotches: a few random waves that wrap around the tile."""
    x, y = _grid()
    rng = np.random.default_rng(_SEED + 1)
    waves = np.zeros_like(x)
    for _ in range(12):
        kx, ky = rng.integers(-5, 6, size=2)
        waves += np.sin(2.0 * np.pi * (kx * x + ky * y + rng.random()))
    return np.asarray(1.0 - 0.5 * (waves - waves.min()) / np.ptp(waves))


def _label() -> FloatArray:
    """A printed label: a frame with lines of text in it."""
    x, y = _grid()
    frame = (np.maximum(abs(x - 0.5), abs(y - 0.5)) > 0.36) & (
        np.maximum(abs(x - 0.5), abs(y - 0.5)) < 0.42
    )
    text = (abs(x - 0.5) < 0.28) & (abs(y - 0.5) < 0.28) & ((8.0 * y) % 1.0 < 0.45)
    return _marks(frame, 0.35) * _marks(text, 0.5)


def _cross_hatch() -> FloatArray:
    x, y = _grid()
    return _marks(((6.0 * (x + y)) % 1.0 < 0.2) | ((6.0 * (x - y)) % 1.0 < 0.2), 0.5)


_MAKERS: dict[str, Callable[[], FloatArray]] = {
    "plain": _plain,
    "stripes": _stripes,
    "bands": _bands,
    "checks": _checks,
    "dots": _dots,
    "rings": _rings,
    "speckle": _speckle,
    "gradient": _gradient,
    "noise": _noise,
    "label": _label,
    "hatch": _cross_hatch,
}
PATTERNS: tuple[str, ...] = tuple(_MAKERS)


@cache
def pattern_image(name: str) -> NDArray[np.uint8]:
    """The (64, 64, 3) uint8 tile of a pattern, read-only; 255 leaves a part's colour as it is. The
    same on every machine.

    Raises:
        InputError: no such pattern.
    """
    if name not in _MAKERS:
        raise unknown_name("pattern", name, PATTERNS)
    grey = np.rint(255.0 * _MAKERS[name]()).astype(np.uint8)
    return frozen(np.repeat(grey[:, :, None], 3, axis=2))
