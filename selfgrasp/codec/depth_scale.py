"""What camera files say of a depth picture's unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfgrasp.codec.camera_tree import number_of

_WORDS = (
    "scale",
    "scaling",
    "unit",
    "factor",
    "shift",
    "multiplier",
    "divisor",
    "divider",
    "conversion",
    "tomet",
    "permet",
)
_BARE = "scale"
_PICTURE_SCALES = (0.01, 100.0)
"""Between these a bare scale may as well be that of the colour picture."""


def depth_scales(tree: Any) -> list[float | str]:
    """What a message says of the depth picture's unit, wherever it says so."""
    found: list[float | str] = []
    for message in tree if isinstance(tree, list) else [tree]:
        if not isinstance(message, Mapping):
            continue
        for key, value in message.items():
            scale = number_of(value)
            if _is_scale(key, scale) and (scale is not None or isinstance(value, str)):
                found.append(scale if scale is not None else str(value))
            elif key.startswith("depth") and isinstance(value, Mapping):
                inner = value.get("scale", value.get("units", value.get("unit")))
                if (scale := number_of(inner)) is not None or isinstance(inner, str):
                    found.append(scale if scale is not None else str(inner))
                found.extend(depth_scales({k: v for k, v in value.items() if k != _BARE}))
            elif isinstance(value, Mapping | list):
                found.extend(depth_scales(value))
    return found


def _is_scale(key: str, value: float | None) -> bool:
    if key == _BARE:
        low, high = _PICTURE_SCALES
        return value is not None and not low <= value < high
    return "depth" in key and any(word in key for word in _WORDS)
