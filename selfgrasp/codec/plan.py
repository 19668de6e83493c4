"""Plans as plain values, with the numbers of their maps as bytes carried beside, like pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfgrasp.codec.action import action_from_plain, action_to_plain
from selfgrasp.codec.picture import PictureSink, PictureSource
from selfgrasp.core import Heat, InputError, Plan

_MAP_TYPE = np.dtype("<f4")


def plan_to_plain(plan: Plan, sink: PictureSink, *, maps: bool = True) -> dict[str, object]:
    """`plan`; its maps go to `sink`, or nowhere where `maps` is False."""
    return {
        "actions": [action_to_plain(action) for action in plan.actions],
        "scores": plan.scores.tolist(),
        "calibrated": plan.calibrated,
        "chosen": plan.chosen,
        "probability": plan.probability,
        "reason": plan.reason,
        "maps": {name: _heat_to_plain(heat, sink) for name, heat in plan.maps.items()}
        if maps
        else {},
    }


def plan_from_plain(plain: Mapping[str, Any], source: PictureSource) -> Plan:
    """The inverse of `plan_to_plain`, maps bit for bit.

    Raises:
        InputError: a map's numbers are missing or cut short, or the values do not make a `Plan`.
    """
    return Plan(
        actions=tuple(action_from_plain(action) for action in plain["actions"]),
        scores=np.array(plain["scores"], dtype=np.float64),
        calibrated=plain["calibrated"],
        chosen=plain["chosen"],
        probability=plain["probability"],
        maps={name: _heat_from_plain(heat, source) for name, heat in plain["maps"].items()},
        reason=plain["reason"],
    )


def _heat_to_plain(heat: Heat, sink: PictureSink) -> dict[str, object]:
    # JSON has no NaN: a map without angles has none.
    angles = None if np.isnan(heat.angles).any() else heat.angles.tolist()
    return {
        "values": sink.add_bytes(heat.values.astype(_MAP_TYPE).tobytes()),
        "shape": list(heat.values.shape),
        "angles": angles,
        "world_from_map": heat.world_from_map.ravel().tolist(),
        "pixel": heat.pixel,
    }


def _heat_from_plain(plain: Mapping[str, Any], source: PictureSource) -> Heat:
    data, shape = source.raw(plain["values"]), tuple(plain["shape"])
    if len(data) != _MAP_TYPE.itemsize * int(np.prod(shape)):
        raise InputError(
            given=f"a map of shape {shape} in {len(data)} bytes",
            wanted=f"{_MAP_TYPE.itemsize} bytes a value",
        )
    angles = plain["angles"]
    return Heat(
        values=np.frombuffer(data, dtype=_MAP_TYPE).reshape(shape).astype(np.float32),
        angles=np.full(shape[0], np.nan) if angles is None else np.array(angles, np.float64),
        world_from_map=np.array(plain["world_from_map"], dtype=np.float64).reshape(4, 4),
        pixel=plain["pixel"],
    )
