"""What a policy is given, as plain values: with `plan`, all that a policy behind a wire needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfgrasp.codec.observation import (
    goal_from_plain,
    goal_to_plain,
    observation_from_plain,
    observation_to_plain,
    view_from_plain,
    view_to_plain,
)
from selfgrasp.codec.picture import PictureSink, PictureSource
from selfgrasp.core import CellSpec, Context


def context_to_plain(context: Context, sink: PictureSink) -> dict[str, object]:
    """`context`; its pictures go to `sink`, each once."""
    # On step 0 the attempt's first look is the observation itself, and stays so.
    same = context.first is context.observation
    return {
        "observation": observation_to_plain(context.observation, sink),
        "spec": context.spec.to_json(),
        "goal": goal_to_plain(context.goal, sink),
        "first": None
        if context.first is None or same
        else observation_to_plain(context.first, sink),
        "first_is_observation": same,
        "step": context.step,
        "seed": context.seed,
        "misses": [pose.ravel().tolist() for pose in context.misses],
        "pushes": context.pushes,
        "rejected": [view_to_plain(view, "rejected", sink) for view in context.rejected],
    }


def context_from_plain(plain: Mapping[str, Any], source: PictureSource) -> Context:
    """The inverse of `context_to_plain`.

    Raises:
        InputError: a picture is missing or damaged, or the values do not make a `Context`.
    """
    observation = observation_from_plain(plain["observation"], source)
    first = None if plain["first"] is None else observation_from_plain(plain["first"], source)
    return Context(
        observation=observation,
        spec=CellSpec.from_json(plain["spec"]),
        goal=goal_from_plain(plain["goal"], source),
        first=observation if plain["first_is_observation"] else first,
        step=plain["step"],
        seed=plain["seed"],
        misses=tuple(np.array(pose, dtype=np.float64).reshape(4, 4) for pose in plain["misses"]),
        pushes=int(plain.get("pushes", 0)),
        rejected=tuple(view_from_plain(view, source) for view in plain.get("rejected", ())),
    )
