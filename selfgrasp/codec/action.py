"""Actions as a kind and a list of numbers: the same few lines serve a table column and a
message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np

from selfgrasp.core import Action, Close, Grasp, InputError, Move, Push, Release

ACTION_LENGTHS = {"grasp": 17, "push": 5, "move": 4, "close": 0, "release": 3}
"""How many numbers each kind has: a pose by rows and a width (m); start (m), yaw (rad), length (m);
translation (m), yaw (rad); none; where (m)."""


def action_to_plain(action: Action) -> dict[str, object]:
    """`{"kind": str, "values": [float]}` in the order of `ACTION_LENGTHS`."""
    values: list[float]
    match action:
        case Grasp():
            kind, values = "grasp", [*action.world_from_tool.ravel().tolist(), action.width]
        case Push():
            kind, values = "push", [*action.start.tolist(), action.yaw, action.length]
        case Move():
            kind, values = "move", [*action.translation.tolist(), action.yaw]
        case Close():
            kind, values = "close", []
        case Release():
            kind, values = "release", action.where.tolist()
        case _:
            assert_never(action)
    return {"kind": kind, "values": values}


def action_from_plain(plain: Mapping[str, Any]) -> Action:
    """The inverse of `action_to_plain`.

    Raises:
        InputError: an unknown kind, or numbers that do not make such an action.
    """
    kind, values = plain["kind"], plain["values"]
    if kind not in ACTION_LENGTHS or len(values) != ACTION_LENGTHS[kind]:
        raise InputError(
            given=f"action {kind!r} of {len(values)} numbers",
            wanted="a known action",
            exists=str(ACTION_LENGTHS),
        )
    array = np.array(values, dtype=np.float64)
    match kind:
        case "grasp":
            return Grasp(array[:16].reshape(4, 4), float(array[16]))
        case "push":
            return Push(array[:3], float(array[3]), float(array[4]))
        case "move":
            return Move(array[:3], float(array[3]))
        case "release":
            return Release(array)
        case _:
            return Close()
