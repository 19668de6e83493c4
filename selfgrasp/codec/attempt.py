"""A whole attempt as plain values, pictures and labels: what a worker hands to the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfgrasp.codec.action import action_from_plain, action_to_plain
from selfgrasp.codec.observation import (
    goal_from_plain,
    goal_to_plain,
    hand_from_plain,
    hand_to_plain,
    observation_from_plain,
    observation_to_plain,
    view_from_plain,
    view_to_plain,
)
from selfgrasp.codec.picture import ColorFormat, PictureSink, PictureSource
from selfgrasp.core import Attempt, Fault, InputError, Label, Observation, Outcome, Step
from selfgrasp.core.errors import first_line

_SCALARS = {
    "id": str,
    "session": str,
    "scene": int,
    "index": int,
    "round": int,
    "state_group": str,
    "policy": str,
}


@dataclass(frozen=True, eq=False)
class EncodedAttempt:
    """An attempt ready to be stored or sent; cheap to move between processes.

    Attributes:
        plain: the attempt as nested dicts, lists and scalars; pictures by key.
        pictures: encoded pictures by key.
        labels: what is known of the attempt at once.
    """

    plain: Mapping[str, Any]
    pictures: Mapping[str, bytes]
    labels: tuple[Label, ...] = ()

    @property
    def id(self) -> str:
        """The attempt's id."""
        return str(self.plain["id"])


def encode_attempt(
    attempt: Attempt, labels: Sequence[Label] = (), *, color_format: ColorFormat = ColorFormat.JPEG
) -> EncodedAttempt:
    """`attempt` as plain values and pictures, each picture once."""
    sink = PictureSink(color_format)
    outcome = attempt.outcome
    plain: dict[str, object] = {name: getattr(attempt, name) for name in _SCALARS}
    plain["goal"] = goal_to_plain(attempt.goal, sink)
    plain["before"] = _optional(attempt.before, sink)
    plain["steps"] = [_step_to_plain(step, attempt.before, sink) for step in attempt.steps]
    plain["outcome"] = {
        "grasped": bool(outcome.grasped),
        "width": float(outcome.width),
        "force": float(outcome.force),
        "changed": float(outcome.changed),
        "fault": None if outcome.fault is None else outcome.fault.value,
    }
    plain["after"] = _optional(attempt.after, sink)
    plain["present"] = (
        None if attempt.present is None else view_to_plain(attempt.present, "present", sink)
    )
    return EncodedAttempt(plain, sink.pictures, tuple(labels))


def decode_attempt(plain: Mapping[str, Any], pictures: Mapping[str, bytes] | None) -> Attempt:
    """The inverse of `encode_attempt`; without pictures, observations have no views, and there is
    no present view and no goal image.

    Raises:
        InputError: a picture is missing or damaged, or the values do not make an attempt.
    """
    try:
        return _decoded(plain, pictures)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            given=f"values that make no attempt: {first_line(error)}",
            wanted="an attempt as `encode_attempt` makes it",
        ) from error


def _decoded(plain: Mapping[str, Any], pictures: Mapping[str, bytes] | None) -> Attempt:
    for name, kind in _SCALARS.items():
        if type(plain[name]) is not kind:
            raise TypeError(f"{name} is {plain[name]!r:.40}")
    source = None if pictures is None else PictureSource(pictures)
    outcome = plain["outcome"]
    if type(outcome["grasped"]) is not bool:
        raise TypeError(f"grasped is {outcome['grasped']!r:.40}")
    return Attempt(
        **{name: plain[name] for name in _SCALARS},
        goal=goal_from_plain(plain["goal"], source),
        before=None if plain["before"] is None else observation_from_plain(plain["before"], source),
        steps=tuple(_step_from_plain(step, source) for step in plain["steps"]),
        outcome=Outcome(
            grasped=outcome["grasped"],
            width=outcome["width"],
            force=outcome["force"],
            changed=outcome["changed"],
            fault=None if outcome["fault"] is None else Fault(outcome["fault"]),
        ),
        after=None if plain["after"] is None else observation_from_plain(plain["after"], source),
        present=None
        if plain["present"] is None or source is None
        else view_from_plain(plain["present"], source),
    )


def _optional(observation: Observation | None, sink: PictureSink) -> dict[str, object] | None:
    return None if observation is None else observation_to_plain(observation, sink)


def _step_to_plain(step: Step, before: Observation | None, sink: PictureSink) -> dict[str, object]:
    # A step that looked at `before` itself says None, as `Step.observation` asks for.
    return {
        "observation": None if step.observation is before else _optional(step.observation, sink),
        "action": action_to_plain(step.action),
        "executed": None if step.executed is None else action_to_plain(step.executed),
        "hand_after": hand_to_plain(step.hand_after),
        "score": float(step.score),
        "probability": float(step.probability),
    }


def _step_from_plain(plain: Mapping[str, Any], source: PictureSource | None) -> Step:
    return Step(
        observation=None
        if plain["observation"] is None
        else observation_from_plain(plain["observation"], source),
        action=action_from_plain(plain["action"]),
        executed=None if plain["executed"] is None else action_from_plain(plain["executed"]),
        hand_after=hand_from_plain(plain["hand_after"]),
        score=plain["score"],
        probability=plain["probability"],
    )
