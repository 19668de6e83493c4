"""Contexts to a policy behind a wire, and its plans back: JSON values with bytes beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers_attempts import every_action, make_hand, make_observation, make_spec, make_view
from hypothesis import given, settings
from hypothesis import strategies as st

from selfgrasp.codec import (
    ColorFormat,
    PictureSink,
    PictureSource,
    context_from_plain,
    context_to_plain,
    plan_from_plain,
    plan_to_plain,
)
from selfgrasp.core import Context, Goal, Heat, InputError, Observation, Plan, View
from selfgrasp.core.pose import pose

SEEDS = st.integers(0, 2**32 - 1)


def make_plan(rng: np.random.Generator) -> Plan:
    actions = every_action(rng)
    values = rng.normal(size=(3, 5, 4)).astype(np.float32)
    values[0, 1] = np.nan
    placed = pose(translation=rng.normal(size=3))
    maps = {
        "grasp": Heat(values, rng.uniform(-3, 3, 3), placed, 0.004),
        "push": Heat(values[:1], np.array([np.nan]), placed, 0.008),
    }
    return Plan(actions, rng.random(len(actions)), True, 2, 0.25, maps)


def over_the_wire_plan(plan: Plan) -> Plan:
    sink = PictureSink()
    text = json.dumps(plan_to_plain(plan, sink), allow_nan=False)
    return plan_from_plain(json.loads(text), PictureSource(sink.pictures))


def over_the_wire(context: Context) -> Context:
    sink = PictureSink(ColorFormat.PNG)
    text = json.dumps(context_to_plain(context, sink), allow_nan=False)
    return context_from_plain(json.loads(text), PictureSource(sink.pictures))


def assert_equal_views(a: View, b: View) -> None:
    for name in ("color", "intrinsics", "world_from_camera"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.depth is not None
    assert b.depth is not None
    np.testing.assert_allclose(a.depth, b.depth, atol=1e-4)


def assert_equal_observations(a: Observation, b: Observation) -> None:
    assert (a.time, a.hand.width, a.hand.force) == (b.time, b.hand.width, b.hand.force)
    np.testing.assert_array_equal(a.hand.world_from_tool, b.hand.world_from_tool)
    assert list(a.views) == list(b.views)
    for name, view in a.views.items():
        assert_equal_views(view, b.views[name])


@given(SEEDS)
@settings(max_examples=20)
def test_a_plan_comes_back_bit_for_bit(seed):
    plan = make_plan(np.random.default_rng(seed))
    back = over_the_wire_plan(plan)
    np.testing.assert_array_equal(back.scores, plan.scores)
    assert (back.calibrated, back.chosen, back.probability) == (True, 2, 0.25)
    assert [type(action) for action in back.actions] == [type(action) for action in plan.actions]
    np.testing.assert_array_equal(back.actions[2].world_from_tool, plan.actions[2].world_from_tool)
    assert list(back.maps) == ["grasp", "push"]
    for name, heat in plan.maps.items():
        for part in ("values", "angles", "world_from_map", "pixel"):
            np.testing.assert_array_equal(getattr(back.maps[name], part), getattr(heat, part))


def test_an_empty_plan_keeps_its_reason_and_maps_can_stay_behind():
    nothing = over_the_wire_plan(Plan.nothing("the bin is empty"))
    assert (nothing.action, nothing.reason) == (None, "the bin is empty")
    sink = PictureSink()
    plan = make_plan(np.random.default_rng(0))
    plain = plan_to_plain(plan, sink, maps=False)
    assert (plain["maps"], sink.pictures) == ({}, {})


def test_missing_and_cut_maps_are_refused():
    sink = PictureSink()
    plain = plan_to_plain(make_plan(np.random.default_rng(0)), sink)
    with pytest.raises(InputError, match=r"data \w+, which is missing"):
        plan_from_plain(plain, PictureSource({}))
    cut = {key: data[:-4] for key, data in sink.pictures.items()}
    with pytest.raises(InputError, match=r"a map of shape \(3, 5, 4\) in 236 bytes"):
        plan_from_plain(plain, PictureSource(cut))


@given(SEEDS, st.booleans())
@settings(max_examples=20)
def test_a_context_comes_back_whole(seed, later):
    rng = np.random.default_rng(seed)
    seen = make_observation(rng)
    goal = Goal(any_of=(Goal(category="mug"), Goal(image=make_view(rng))))
    misses = tuple(make_hand(rng).world_from_tool for _ in range(2))
    first = make_observation(rng) if later else seen
    rejected = (make_view(rng),)
    context = Context(seen, make_spec(), goal, first, 3 * later, seed, misses, rejected=rejected)
    back = over_the_wire(context)
    assert_equal_observations(back.observation, seen)
    assert back.first is not None
    assert_equal_observations(back.first, first)
    assert (back.first is back.observation) == (not later)
    assert (back.step, back.seed) == (3 * later, seed)
    assert back.spec.fingerprint == context.spec.fingerprint
    np.testing.assert_array_equal(back.misses, misses)
    assert_equal_views(back.rejected[0], rejected[0])
    assert back.goal.any_of[0].category == "mug"
    image, wanted = back.goal.any_of[1].image, goal.any_of[1].image
    assert image is not None
    assert wanted is not None
    assert_equal_views(image, wanted)
    assert back.rng().random() == context.rng().random()


def test_a_context_without_a_first_look_has_none_on_the_other_side():
    seen = make_observation(np.random.default_rng(0))
    back = over_the_wire(Context(seen, make_spec()))
    assert back.first is None
    assert back.goal.is_anything
