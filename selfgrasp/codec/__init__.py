"""Nouns to plain values and bytes, and back; disk and wire share it. Never pickle."""

from selfgrasp.codec.action import action_from_plain, action_to_plain
from selfgrasp.codec.attempt import EncodedAttempt, decode_attempt, encode_attempt
from selfgrasp.codec.context import context_from_plain, context_to_plain
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
from selfgrasp.codec.picture import (
    ColorFormat,
    PictureSink,
    PictureSource,
    decode_color,
    decode_depth,
    depth_from_levels,
    depth_levels,
    encode_color,
    encode_depth,
    picture_key,
)
from selfgrasp.codec.plan import plan_from_plain, plan_to_plain
from selfgrasp.codec.session import session_from_plain, session_key, session_to_plain

__all__ = [
    "ColorFormat",
    "EncodedAttempt",
    "PictureSink",
    "PictureSource",
    "action_from_plain",
    "action_to_plain",
    "context_from_plain",
    "context_to_plain",
    "decode_attempt",
    "decode_color",
    "decode_depth",
    "depth_from_levels",
    "depth_levels",
    "encode_attempt",
    "encode_color",
    "encode_depth",
    "goal_from_plain",
    "goal_to_plain",
    "hand_from_plain",
    "hand_to_plain",
    "observation_from_plain",
    "observation_to_plain",
    "picture_key",
    "plan_from_plain",
    "plan_to_plain",
    "session_from_plain",
    "session_key",
    "session_to_plain",
    "view_from_plain",
    "view_to_plain",
]
