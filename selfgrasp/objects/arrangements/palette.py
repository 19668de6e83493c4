"""Colors of blocks by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from selfgrasp.core.arrays import FloatArray, frozen
from selfgrasp.objects.model import ObjectModel

PALETTE: Mapping[str, FloatArray] = {
    name: frozen(np.array(rgb) / 255.0)
    for name, rgb in {
        "red": (214, 64, 69),
        "orange": (240, 140, 50),
        "yellow": (235, 200, 70),
        "green": (90, 160, 85),
        "cyan": (110, 185, 185),
        "blue": (75, 120, 175),
        "purple": (165, 115, 160),
        "pink": (250, 155, 170),
        "brown": (150, 110, 90),
        "gray": (180, 175, 170),
    }.items()
}
"""sRGB (3,) in 0..1 of ten colors."""


def painted(model: ObjectModel, name: str, color: FloatArray) -> ObjectModel:
    """The same object under another name, plain, in one color (3,)."""
    parts = tuple(replace(part, color=color) for part in model.parts)
    return replace(model, name=name, seed=None, parts=parts, pattern="plain")
