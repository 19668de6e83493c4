"""Configs of checkpoints that selfgrasp 0.1 wrote: flat JSON values to nested ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfgrasp.core import InputError

_SERVO = {"picture_px": "image_px", "view": "view", "looks": "later_images", "steps": "steps"}
_PATCHES = {
    "patch": "size",
    "patch_px": "px",
    "stored_px": "stored_px",
    "planes": "planes",
    "shift": "shift",
    "turn": "turn",
    "jitter": "jitter",
    "zoom": "zoom",
}
_SEARCH = {"samples": "samples", "first_samples": "first_samples", "iterations": "iterations"}
_INPUTS = {"patches": "patches", "pictures": "images"}
CONSTANTS: Mapping[str, Any] = {
    "eye_px": 64,
    "eye_channels": [24, 32, 48, 64],
    "eye_share": 0.25,
    "channels": [32, 64, 96, 96],
    "hidden": 128,
    "shake": 0.02,
    "shake_turn": 0.05,
    "height_weight": 1.0,
    "elites": 6,
    "finalists": 16,
    "near": 0.03,
    "near_turn": 0.5,
    "close_ratio": 0.9,
    "raise_ratio": 0.9,
    "floor": 0.09,
    "hover": [0.25, 0.12],
    "rise": 0.1,
    "miss_weight": 1.0,
    "miss_radius": 0.03,
    "explore_samples": 32,
    "explore_iterations": 2,
    "explore": 0.5,
}
"""Fields that are constants of the modules that use them."""
FLAT_FIELDS = frozenset({"sees", *_SERVO, *_PATCHES, *_SEARCH, *CONSTANTS})
"""All fields of the flat config."""


def nested_servo(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """JSON values of `ServoConfig` from flat ones; nested ones as they are.

    Raises:
        InputError: a field that is a constant today, with another value.
    """
    if "sees" not in data:
        return data
    require_constants(data, CONSTANTS)
    return {
        "input": _INPUTS.get(data["sees"], data["sees"]),
        **{new: data[old] for old, new in _SERVO.items() if old in data},
        "patches": nested_patches(data),
        "search": {new: data[old] for old, new in _SEARCH.items() if old in data},
        **{name: value for name, value in data.items() if name not in FLAT_FIELDS},
    }


def nested_patches(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """JSON values of `PatchConfig` from those fields of a flat config that are about patches."""
    return {new: data[old] for old, new in _PATCHES.items() if old in data}


def require_constants(data: Mapping[str, Any], constants: Mapping[str, Any]) -> None:
    """Refuse values that this version can not reproduce.

    Raises:
        InputError: a field of `data` that differs from its constant.
    """
    for name, value in constants.items():
        if data.get(name, value) != value:
            raise InputError(
                given=f"a config of selfgrasp 0.1 with {name} = {data[name]}",
                wanted=f"{name} = {value}, which is a constant today",
            )
