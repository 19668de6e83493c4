"""Views, hands, observations and goals as plain values (JSON or msgpack take them), with pictures
named by key and carried beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfgrasp.codec.picture import DEPTH_STEP, PictureSink, PictureSource
from selfgrasp.core import ANYTHING, Goal, Hand, Observation, View
from selfgrasp.core.arrays import FloatArray, checked_number


def view_to_plain(view: View, name: str, sink: PictureSink) -> dict[str, object]:
    """`view` called `name`, matrices by rows; its pictures go to `sink`."""
    color, depth = sink.add(view)
    return {
        "name": name,
        "color": color,
        "depth": depth,
        "depth_step": DEPTH_STEP,
        "intrinsics": view.intrinsics.ravel().tolist(),
        "world_from_camera": view.world_from_camera.ravel().tolist(),
    }


def view_from_plain(plain: Mapping[str, Any], source: PictureSource) -> View:
    """The inverse of `view_to_plain`.

    Raises:
        InputError: a picture is missing or damaged, or the values do not make a `View`.
    """
    return View(
        color=source.color(plain["color"]),
        depth=None
        if plain["depth"] is None
        else source.depth(
            plain["depth"], checked_number(plain["depth_step"], 1e-6, 1e-2, "depth step (m)")
        ),
        intrinsics=_matrix(plain["intrinsics"], 3),
        world_from_camera=_matrix(plain["world_from_camera"], 4),
    )


def hand_to_plain(hand: Hand) -> dict[str, object]:
    """`hand`, its pose by rows."""
    return {
        "world_from_tool": hand.world_from_tool.ravel().tolist(),
        "width": hand.width,
        "force": hand.force,
        "joints": None if hand.joints is None else hand.joints.tolist(),
    }


def hand_from_plain(plain: Mapping[str, Any]) -> Hand:
    """The inverse of `hand_to_plain`.

    Raises:
        InputError: the values do not make a `Hand`.
    """
    joints = None if plain["joints"] is None else np.array(plain["joints"], dtype=np.float64)
    return Hand(_matrix(plain["world_from_tool"], 4), plain["width"], plain["force"], joints)


def observation_to_plain(observation: Observation, sink: PictureSink) -> dict[str, object]:
    """`observation`; its pictures go to `sink`."""
    return {
        "time": observation.time,
        "hand": hand_to_plain(observation.hand),
        "views": [view_to_plain(view, name, sink) for name, view in observation.views.items()],
    }


def observation_from_plain(plain: Mapping[str, Any], source: PictureSource | None) -> Observation:
    """The inverse of `observation_to_plain`; without a source the observation has no views.

    Raises:
        InputError: a picture is missing or damaged, or the values do not make an `Observation`.
    """
    views = (
        {}
        if source is None
        else {view["name"]: view_from_plain(view, source) for view in plain["views"]}
    )
    return Observation(time=plain["time"], views=views, hand=hand_from_plain(plain["hand"]))


def goal_to_plain(goal: Goal, sink: PictureSink) -> dict[str, object]:
    """`goal` with only the fields it has; its pictures go to `sink`. Anything is `{}`."""
    plain: dict[str, object] = {}
    if goal.category is not None:
        plain["category"] = goal.category
    if goal.image is not None:
        plain["image"] = view_to_plain(goal.image, "goal", sink)
    if goal.any_of:
        plain["any_of"] = [goal_to_plain(part, sink) for part in goal.any_of]
    return plain


def goal_from_plain(plain: Mapping[str, Any], source: PictureSource | None) -> Goal:
    """The inverse of `goal_to_plain`; without a source the goal has no image.

    Raises:
        InputError: a picture is missing or damaged.
    """
    if not plain:
        return ANYTHING
    image = plain.get("image")
    return Goal(
        category=plain.get("category"),
        image=None if image is None or source is None else view_from_plain(image, source),
        any_of=tuple(goal_from_plain(part, source) for part in plain.get("any_of", ())),
    )


def _matrix(values: list[float], side: int) -> FloatArray:
    matrix = np.array(values, dtype=np.float64).reshape(side, side)
    matrix.flags.writeable = False
    return matrix
