"""Laws of the codec: what goes in comes out, exactly or within a stated tolerance."""

from __future__ import annotations

import json
import multiprocessing
import pickle

import cv2
import numpy as np
import pytest
from helpers_attempts import (
    every_action,
    make_attempt,
    make_hand,
    make_observation,
    make_session,
    make_spec,
    make_view,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfgrasp.codec import (
    ColorFormat,
    EncodedAttempt,
    PictureSink,
    PictureSource,
    action_from_plain,
    action_to_plain,
    decode_attempt,
    decode_color,
    decode_depth,
    encode_attempt,
    encode_color,
    encode_depth,
    hand_from_plain,
    hand_to_plain,
    observation_from_plain,
    observation_to_plain,
    picture_key,
    session_from_plain,
    session_key,
    session_to_plain,
)
from selfgrasp.core import Fault, Goal, InputError, Outcome

SEEDS = st.integers(0, 2**32 - 1)
DEPTHS = hnp.arrays(
    np.float32,
    (7, 9),
    elements=st.one_of(st.just(np.float32("nan")), st.floats(np.float32(1e-6), 10.0, width=32)),
)


@given(DEPTHS)
def test_depth_round_trip_is_within_a_tenth_of_a_millimetre_and_keeps_every_return(depth):
    back = decode_depth(encode_depth(depth))
    assert back.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(back), np.isnan(depth))
    seen = ~np.isnan(depth)
    # Half a level, or a whole one below the first level, which is lifted to it.
    tolerance = np.where(depth[seen] < 8e-5, 1.6e-4, 8.1e-5)
    assert (np.abs(back[seen].astype(np.float64) - depth[seen]) <= tolerance).all()


@given(DEPTHS)
def test_depth_is_stable_under_encoding_again(depth):
    once = encode_depth(depth)
    assert encode_depth(decode_depth(once)) == once


def test_noisy_depth_is_exact_to_the_same_step_and_clean_depth_is_small():
    rng = np.random.default_rng(0)
    clean = np.full((96, 96), 0.5, np.float32) + np.linspace(0, 0.1, 96, dtype=np.float32)
    noisy = clean + rng.normal(0, 0.001, clean.shape).astype(np.float32)
    for depth in (clean, noisy):
        assert np.abs(decode_depth(encode_depth(depth)) - depth).max() < 8.1e-5
    assert (
        len(encode_depth(clean))
        < 0.1 * 2 * clean.size
        < 2 * clean.size
        < len(encode_depth(noisy))
        < 2.1 * clean.size
    )


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_png_color_is_exact(color):
    np.testing.assert_array_equal(decode_color(encode_color(color, ColorFormat.PNG)), color)


@settings(max_examples=30)
@given(SEEDS)
def test_jpeg_color_is_within_two_grey_levels_on_average_on_smooth_pictures(seed):
    color = make_view(np.random.default_rng(seed), size=96).color
    error = np.abs(decode_color(encode_color(color)).astype(int) - color)
    assert error.mean() < 2.0
    assert error.max() < 40


def test_jpeg_channels_are_rgb():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(decode_color(encode_color(red))[8, 8], (200, 0, 0), atol=3)
    assert cv2.imdecode(np.frombuffer(encode_color(red), np.uint8), cv2.IMREAD_COLOR)[8, 8, 2] > 190


@settings(max_examples=50)
@given(SEEDS)
def test_actions_round_trip_exactly_through_json(seed):
    for action in every_action(np.random.default_rng(seed)):
        plain = action_to_plain(action)
        again = action_from_plain(json.loads(json.dumps(plain)))
        assert type(again) is type(action)
        assert action_to_plain(again) == plain


@pytest.mark.parametrize("joints", [None, [], [0.1, -2.0, 3.0]])
def test_hand_round_trips_with_and_without_an_arm(joints):
    hand = make_hand(np.random.default_rng(0))
    hand = type(hand)(
        hand.world_from_tool, hand.width, hand.force, None if joints is None else np.array(joints)
    )
    again = hand_from_plain(hand_to_plain(hand))
    np.testing.assert_array_equal(again.world_from_tool, hand.world_from_tool)
    assert (again.width, again.force) == (hand.width, hand.force)
    assert again.joints is None if joints is None else again.joints.tolist() == joints


def test_observation_keeps_its_views_in_order_and_monocular_ones_without_depth():
    rng = np.random.default_rng(0)
    observation = make_observation(rng)
    observation = type(observation)(
        1.0, {"z": make_view(rng, depth=False), "a": make_view(rng)}, observation.hand
    )
    sink = PictureSink()
    again = observation_from_plain(
        observation_to_plain(observation, sink), PictureSource(sink.pictures)
    )
    assert list(again.views) == ["z", "a"]
    assert again.view("z").depth is None
    np.testing.assert_array_equal(
        again.view("a").world_from_camera, observation.view("a").world_from_camera
    )
    assert len(sink.pictures) == 3


def rich_attempt(seed: int = 0):
    rng = np.random.default_rng(seed)
    goal = Goal(
        any_of=(
            Goal(category="mug"),
            Goal(image=make_view(rng)),
            Goal(category="tool", image=make_view(rng, depth=False)),
        )
    )
    return make_attempt(rng, actions=every_action(rng), goal=goal, present=True)


@settings(max_examples=20)
@given(SEEDS)
def test_encoding_a_decoded_attempt_gives_the_same_plain_values_up_to_jpeg(seed):
    first = encode_attempt(rich_attempt(seed), color_format=ColorFormat.PNG)
    again = encode_attempt(
        decode_attempt(first.plain, first.pictures), color_format=ColorFormat.PNG
    )
    assert again.plain == first.plain
    assert dict(again.pictures) == dict(first.pictures)


def test_encoded_attempt_is_json_and_crosses_processes():
    encoded = encode_attempt(rich_attempt())
    again = decode_attempt(json.loads(json.dumps(encoded.plain)), encoded.pictures)
    assert again.goal.any_of[1].image is not None
    assert again.goal.any_of[2].category == "tool"
    crossed: EncodedAttempt = pickle.loads(pickle.dumps(encoded))
    assert crossed.id == encoded.id
    assert multiprocessing.reduction.ForkingPickler.dumps(encoded)


def test_a_step_that_looked_at_before_stores_no_second_picture():
    attempt = make_attempt(np.random.default_rng(0))
    step = attempt.steps[0]
    same = type(step)(attempt.before, step.action, step.executed, step.hand_after, step.score)
    encoded = encode_attempt(type(attempt)(**{**vars(attempt), "steps": (same,)}))
    assert len(encoded.pictures) == 4
    again = decode_attempt(encoded.plain, encoded.pictures)
    assert again.steps[0].observation is None
    assert again.observation_of(0) is again.before


def test_a_faulty_attempt_without_looks_or_steps_round_trips():
    whole = make_attempt(np.random.default_rng(0))
    bare = type(whole)(
        **{
            **vars(whole),
            "before": None,
            "after": None,
            "steps": (),
            "outcome": Outcome(False, 0.0, 0.0, 0.0, Fault.NO_IMAGE),
        }
    )
    encoded = encode_attempt(bare)
    again = decode_attempt(encoded.plain, encoded.pictures)
    assert (again.before, again.after, again.steps, again.present) == (None, None, (), None)
    assert again.outcome == bare.outcome


def test_without_pictures_the_rest_is_readable():
    encoded = encode_attempt(rich_attempt())
    again = decode_attempt(encoded.plain, None)
    assert again.before is not None
    assert len(again.before.views) == 0
    assert again.present is None
    assert len(again.steps) == 5


def test_missing_and_damaged_pictures_are_named():
    encoded = encode_attempt(make_attempt(np.random.default_rng(0)))
    key = encoded.plain["before"]["views"][0]["color"]
    with pytest.raises(InputError, match=f"picture {key}, which is missing"):
        decode_attempt(encoded.plain, {k: v for k, v in encoded.pictures.items() if k != key})
    with pytest.raises(
        InputError, match=f"picture {key}: 5 damaged bytes; wanted: a JPEG or PNG picture"
    ):
        decode_attempt(encoded.plain, {**encoded.pictures, key: b"01234"})
    with pytest.raises(InputError, match="0 damaged bytes; wanted: a 16-bit PNG of depth"):
        decode_depth(b"")
    with pytest.raises(InputError, match="wanted: a 16-bit PNG of depth"):
        decode_depth(encoded.pictures[key])


def test_an_unknown_action_is_refused_with_what_exists():
    with pytest.raises(InputError, match=r"action 'poke' of 2 numbers.*exists:.*'grasp': 17"):
        action_from_plain({"kind": "poke", "values": [1.0, 2.0]})


def test_sessions_round_trip_and_equal_sessions_have_equal_keys():
    session = make_session()
    again = session_from_plain(json.loads(json.dumps(session_to_plain(session))))
    assert session_key(again) == session_key(session)
    assert session_key(make_session(spec=make_spec("other"))) != session_key(session)
    assert len(picture_key(b"")) == 32
