"""Pictures and files of planned pushes: arrows that point where the push goes."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest
from test_plan_verb import write
from vision_scenes import GRIPPER, Box, render
from viz_scenes import SPEC, play

from selfgrasp.core import Grasp, Heat, Plan, Push, View
from selfgrasp.core.pose import pose, top_down
from selfgrasp.methods import registry
from selfgrasp.report.story_file import Story
from selfgrasp.report.story_recorder import StoryRecorder
from selfgrasp.verbs.plan import run
from selfgrasp.vision.project import project_world
from selfgrasp.viz.heat import CHOSEN_COLOR, beside_each_other, heat_overlay
from selfgrasp.viz.heat_sheet import heat_sheet
from selfgrasp.viz.overlay import overlay
from selfgrasp.workcell.attempt import Played

TABLE = render([], width=240, height=240)
YAWS = [2 * math.pi * index / 16 for index in range(16)]
BEST = (255, 225, 0)


def painted(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(N, 2) px (u, v) of the pixels of a color."""
    return np.argwhere((np.abs(picture.astype(int) - color) < 12).all(axis=-1))[:, ::-1] + 0.5


def along_and_across(pixels: np.ndarray, push: Push, view: View, scale: float) -> np.ndarray:
    """(N, 2): how far along a push pixels lie, from 0 at its start to 1 at its end, and beside."""
    start, end = project_world(np.stack([push.start, push.end]), view) * scale
    along = end - start
    across = np.array([-along[1], along[0]])
    return (pixels - start) @ np.stack([along, across], axis=1) / (along @ along)


def check_arrow(pixels: np.ndarray, push: Push, view: View, scale: float) -> None:
    """The pixels make an arrow from the push's start to its end."""
    assert len(pixels) > 30
    along, across = along_and_across(pixels, push, view, scale).T
    assert along.min() > -0.15
    assert 0.9 < along.max() < 1.12
    head, shaft = (along > 0.75) & (along < 0.95), (along > 0.3) & (along < 0.6)
    assert np.ptp(across[head]) > 1.5 * np.ptp(across[shaft])


@pytest.mark.parametrize("yaw", [0.0, 2.0, 4.0])
def test_the_overlay_draws_a_push_as_an_arrow_that_points_along_it(yaw: float) -> None:
    push = Push(np.array([0.02, -0.03, 0.008]), yaw, 0.10)
    other = Grasp(top_down((-0.1, 0.1, 0.02), 0.0), 0.05)
    picture = overlay(TABLE, [push, other], GRIPPER)
    pixels = painted(picture, BEST)
    at = along_and_across(pixels, push, TABLE, 3.0)
    # The number beside the start has the same color.
    check_arrow(pixels[(np.abs(at[:, 1]) < 0.2) & (at[:, 0] > 0.2)], push, TABLE, 3.0)


@pytest.mark.parametrize("yaw", [0.0, 2.0, 4.0])
def test_the_chosen_push_is_drawn_on_its_own_map(yaw: float) -> None:
    push = Push(np.array([0.02, -0.03, 0.008]), yaw, 0.10)
    empty = pose(translation=(-0.2, -0.2, 0.0))
    grasps = Heat(np.full((8, 40, 40), np.nan, np.float32), np.array(YAWS[:8]), empty, 0.01)
    pushes = Heat(np.full((16, 40, 40), np.nan, np.float32), np.array(YAWS), empty, 0.01)
    picture = beside_each_other(TABLE, [grasps, pushes], surface=0.0, chosen=push)
    half = picture.shape[1] // 2
    assert len(painted(picture[:, :half], CHOSEN_COLOR)) == 0
    check_arrow(painted(picture[:, half:], CHOSEN_COLOR), push, TABLE, half / 240)


def hot(layers: int, layer: int, row: int = 20, column: int = 26) -> Heat:
    """A map of 40 x 40 cells with one good place, in one direction."""
    values = np.zeros((layers, 40, 40), np.float32)
    values[layer, row, column] = 1.0
    angles = np.array(YAWS[:layers])
    return Heat(values, angles, pose(translation=(-0.2, -0.2, 0.0)), 0.01)


@pytest.mark.parametrize("layer", [0, 3, 6, 8, 13])
def test_heat_shows_pushes_by_arrows_that_begin_at_their_place(layer: int) -> None:
    heat = hot(16, layer)
    assert heat.of_pushes
    picture = heat_overlay(TABLE, heat, surface=0.0, scale=4)
    drawn = painted(picture, (255, 255, 255))
    start = np.array([-0.2 + 0.265, -0.2 + 0.205, 0.0])
    check_arrow(drawn, Push(start, YAWS[layer], 0.03), TABLE, 4.0)


@pytest.mark.parametrize("layer", [0, 3, 6])
def test_heat_shows_grasps_by_bars_with_their_place_in_the_middle(layer: int) -> None:
    heat = hot(8, layer)
    assert not heat.of_pushes
    drawn = painted(heat_overlay(TABLE, heat, surface=0.0, scale=4), (255, 255, 255))
    middle = project_world(np.array([0.065, 0.005, 0.0]), TABLE) * 4
    np.testing.assert_allclose(drawn.mean(axis=0), middle, atol=1.5)


def test_maps_of_one_direction_or_none_are_no_pushes() -> None:
    assert not hot(1, 0).of_pushes
    values, world_from_map = np.zeros((1, 4, 4), np.float32), np.eye(4)
    assert not Heat(values, np.array([np.nan]), world_from_map, 0.01).of_pushes
    assert Heat(np.zeros((2, 4, 4), np.float32), np.array([0.0, np.pi]), np.eye(4), 0.01).of_pushes


def test_a_sheet_has_a_picture_a_direction_seen_from_above() -> None:
    sheet = heat_sheet(hot(16, 10, row=30, column=5), columns=8, pixels=84)
    assert sheet.shape == (2 * 84, 8 * 84, 3)
    bright = painted(sheet, (240, 249, 33))
    # Layer 10 is the third of the second row; map row 30 of 40 lies above the middle.
    np.testing.assert_allclose(bright.mean(axis=0), [2 * 84 + 2 + 11, 84 + 2 + 19], atol=1.5)
    assert heat_sheet(hot(1, 0), pixels=60).shape == (60, 60, 3)


def test_the_report_shows_both_maps_where_a_policy_pushes(tmp_path) -> None:
    ((plan, attempt, labels),) = play("net", 0, np.random.default_rng(5), tries=1, with_heat=True)
    pushes = Heat(np.ones((16, 40, 40), np.float32), np.array(YAWS), np.eye(4), 0.01)
    both = Plan(plan.actions, plan.scores, maps={**plan.maps, "push": pushes})
    widths = []
    for name, shown in (("one", plan), ("both", both)):
        with StoryRecorder(tmp_path / name, source="clear") as recorder:
            recorder.add_attempt("net", Played(attempt, tuple(labels), (shown,)), SPEC)
        (entry,) = Story.read(tmp_path / name).heats
        widths.append(cv2.imread(str(entry.file)).shape[1])
        assert entry.high == pytest.approx(1.0, abs=0.3)
    assert widths[1] == 2 * widths[0]


def test_plan_writes_pushes_and_draws_them(tmp_path) -> None:
    blocks = [Box((0.0, 0.0), (0.05, 0.05, 0.05)), Box((0.05, 0.0), (0.05, 0.05, 0.05))]
    view = render(blocks, width=320, height=320, noise=0.001)
    args = write(tmp_path, view, pose=tmp_path / "pose.npy", out=tmp_path / "out.png", top=16)
    policy = registry.build("vpg")
    assert run(args, policy) == 0
    got = json.loads(args.json.read_text())
    assert sorted(one["rank"] for one in got["grasps"] + got["pushes"]) == [*range(1, 17)]
    assert len(got["pushes"]) >= 3
    for one in got["pushes"]:
        push = Push(np.array(one["start"]), one["yaw"], one["length"])
        assert push.length == pytest.approx(0.10)
        assert push.start[2] == pytest.approx(0.008, abs=0.002)
        pixels = project_world(np.stack([push.start, push.end]), view)
        np.testing.assert_allclose([one["pixel"], one["end_pixel"]], pixels, atol=0.01)
    drawn = cv2.imread(str(args.out))[..., ::-1]
    assert len(painted(drawn, (90, 200, 255))) > 200


class OnlyPushes:
    """One push of what lies at the origin."""

    name, privileged = "pushes", ()

    def plan(self, context) -> Plan:
        return Plan.only(Push(np.array([-0.09, 0.0, 0.008]), 0.0, 0.10))


def test_a_push_is_kept_where_it_goes_through_the_place_given(tmp_path, capsys) -> None:
    view = render([Box((0.0, 0.0), (0.05, 0.05, 0.05))], width=320, height=320)
    for place, count in (((-0.03, -0.03, 0.03, 0.03), 1), ((0.08, -0.03, 0.15, 0.03), 0)):
        args = write(tmp_path, view, pose=tmp_path / "pose.npy", workspace=place)
        assert run(args, OnlyPushes()) == 0
        got = json.loads(args.json.read_text())
        assert len(got["pushes"]) == count
        assert got["grasps"] == []
        assert bool(got["reason"]) is (count == 0)
    said = capsys.readouterr().out
    assert "0 grasps and 1 pushes" in said
    assert "outside of the place given" in said
