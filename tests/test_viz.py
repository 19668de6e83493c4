"""Drawing lands where geometry says; pages are well-formed, closed in themselves and escaped; films
play."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image
from vision_scenes import Box, camera, render
from viz_scenes import SPEC, look, play

from selfgrasp.core import (
    ANYTHING,
    Attempt,
    Fault,
    Goal,
    Grasp,
    Heat,
    InputError,
    Outcome,
    View,
)
from selfgrasp.core.pose import pose, top_down
from selfgrasp.core.record import AttemptKind, AttemptRecord
from selfgrasp.report.axis import Axis
from selfgrasp.report.bars import Interval, interval_svg, stacked_bar
from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.markup import element
from selfgrasp.report.story_file import Story
from selfgrasp.report.story_recorder import StoryOptions, StoryRecorder
from selfgrasp.report.strips import strip_rows
from selfgrasp.vision.project import project_world
from selfgrasp.viz.animate import animation
from selfgrasp.viz.card import attempt_card, attempt_frame
from selfgrasp.viz.draw import Canvas, Window, finger_bars, scene_overlay
from selfgrasp.viz.heat import Span, best_by_place, heat_overlay, seen_points
from selfgrasp.viz.kinds import color_of, kind_of, kind_of_record, label_values
from selfgrasp.viz.picture import depth_picture
from selfgrasp.workcell.attempt import Played

GRAY = np.full((100, 100, 3), 128, np.uint8)
DOWN = View(
    GRAY,
    None,
    np.array([[100.0, 0, 50], [0, 100.0, 50], [0, 0, 1]]),
    pose(rotation=np.diag([1.0, -1.0, -1.0]), translation=(0, 0, 1.0)),
)
"""A camera 1 m above the origin: a metre on the table is 100 px, world +x to the right, world +y
up."""


def test_a_grasp_at_a_known_pose_lands_on_known_pixels():
    fingers = finger_bars(Grasp(top_down((0.1, 0.2, 0.0), 0.0), 0.2), breadth=0.04)
    pixels = Canvas(DOWN, scale=3).pixels(fingers.mean(axis=1))
    assert np.allclose(sorted(pixels[:, 0]), [3 * 50, 3 * 70])
    assert np.allclose(pixels[:, 1], 3 * 30)


def test_a_dot_is_painted_where_its_point_is_seen():
    canvas = Canvas(DOWN, scale=3)
    canvas.dot((0.1, 0.2, 0.0), (255, 0, 0))
    red = np.argwhere((canvas.picture == (255, 0, 0)).all(axis=-1))
    assert np.allclose(red.mean(axis=0) + 0.5, (90, 180), atol=0.6)


def test_a_window_moves_drawing_by_its_corner():
    window = Window.around(DOWN, np.array([0.1, 0.2, 0.0]), 0.4)
    assert (window.width, window.height) == (40, 40)
    whole, part = Canvas(DOWN, scale=2), Canvas(DOWN, scale=2, window=window)
    point = np.array([[0.12, 0.17, 0.03]])
    assert np.allclose(whole.pixels(point) - part.pixels(point), (2 * window.left, 2 * window.top))


@pytest.mark.parametrize("xy", [(-0.49, 0.49), (0.49, -0.49), (3.0, 0.0)])
def test_a_window_stays_inside_the_picture(xy):
    window = Window.around(DOWN, np.array([*xy, 0.0]), 0.3)
    assert window.left >= 0
    assert window.top >= 0
    assert window.left + window.width <= 100
    assert window.top + window.height <= 100


def test_nothing_is_drawn_for_what_lies_behind_the_camera():
    canvas = Canvas(DOWN)
    canvas.grasp(Grasp(top_down((0, 0, 1.5), 0.3), 0.08), (255, 0, 0))
    assert (canvas.picture == 128).all()


def test_drawing_leaves_the_view_as_it_was():
    view = look([Box((0.0, 0.0), (0.04, 0.08, 0.04))]).view()
    before = view.color.copy()
    scene_overlay(view, [Grasp(top_down((0, 0, 0.02), 0.4), 0.08)], ["held"])
    assert (view.color == before).all()


def test_seen_points_without_depth_lie_on_the_surface():
    points = seen_points(DOWN, 0.2)
    assert np.allclose(points[..., 2], 0.2)
    assert np.allclose(points[0, 0, :2], (-0.495 * 0.8, 0.495 * 0.8))


def test_heat_is_hottest_over_its_best_place():
    values = np.full((1, 40, 40), 0.0, np.float32)
    values[0, 30, 10] = 1.0
    heat = Heat(values, np.array([math.nan]), pose(translation=(-0.2, -0.2, 0)), 0.01)
    view = View(
        np.full((100, 100, 3), 40, np.uint8),
        None,
        DOWN.intrinsics * [[2], [2], [1]] - [[0, 0, 50], [0, 0, 50], [0, 0, 0]],
        DOWN.world_from_camera,
    )
    picture = heat_overlay(view, heat, surface=0.0, scale=1).astype(int).sum(axis=-1)
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert abs(column + 0.5 - (50 - 200 * 0.095)) < 1.6
    assert abs(row + 0.5 - (50 - 200 * 0.105)) < 1.6


def test_unscored_heat_is_drawn_without_a_warning():
    empty = Heat(np.full((3, 8, 8), np.nan, np.float32), np.arange(3.0), np.eye(4), 0.05)
    assert np.isnan(best_by_place(empty)).all()
    assert Span.of(empty) == Span(0.0, 1.0)
    assert heat_overlay(DOWN, empty, surface=0.0, scale=1).shape == (100, 100, 3)


def test_depth_without_a_return_is_grey_and_the_nearest_is_brightest():
    view = render([Box((0.0, 0.0), (0.1, 0.1, 0.2))], world_from_camera=camera())
    colors = depth_picture(view.depth, scale=1).astype(int).sum(axis=-1)
    assert colors[80, 80] > colors[5, 5]
    assert (depth_picture(np.full((4, 4), np.nan, np.float32)) == 120).all()


def test_an_animation_has_its_frames_and_their_times(tmp_path):
    frames = [np.full((48, 64, 3), 30, np.uint8) for _ in range(30)]
    for number, frame in enumerate(frames):
        frame[:, 2 * number : 2 * number + 6] = 220
    with Image.open(animation(frames, tmp_path / "film.webp", milliseconds=50)) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (30, (64, 48), 0)
        film.load()
        assert film.info["duration"] == 50
    with pytest.raises(InputError, match="at least one"):
        animation([], tmp_path / "none.webp")


def test_text_is_escaped_and_markup_is_not():
    assert element("p", "<b>&", title='"x"') == '<p title="&#34;x&#34;">&lt;b&gt;&amp;</p>'
    assert element("p", Markup("<b>x</b>"), hidden=True, id=None) == "<p hidden><b>x</b></p>"


def test_an_axis_ends_at_round_numbers_around_its_values():
    axis = Axis.over([0.13, 0.87])
    assert (axis.low, axis.high) == (0.0, pytest.approx(1.0))
    assert [round(t, 3) for t in axis.ticks] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert Axis.over([5.0, 5.0]).low <= 5.0 < Axis.over([5.0, 5.0]).high
    assert Axis.over([math.nan]).high > Axis.over([math.nan]).low


def test_charts_hold_what_they_are_given():
    chart = line_chart(
        [
            Series("a<b", (0.0, 1.0), (0.2, math.nan)),
            Series("c", (0.0, 1.0), (0.1, 0.3), (0.0, 0.2), (0.2, 0.4)),
        ],
        x_label="x",
        y_label="y",
    )
    assert "a&lt;b" in chart
    assert "nan" not in chart
    assert chart.count("<polygon") == 1
    whisker = interval_svg(Interval(0.5, 0.4, 0.6, paper=0.7), Axis.over([0.0, 1.0]))
    assert 'cx="50.00%"' in whisker
    assert "paper" in whisker
    assert stacked_bar([("held", 1), ("missed", 3)]).count("<rect") == 2


def test_kinds_tell_held_missed_and_faults_apart():
    seen = {
        kind_of(attempt)
        for _, attempt, _ in play("random", 0, np.random.default_rng(1), skill=0.5, tries=14)
    }
    assert {"held", "missed"} <= seen
    assert color_of("held") != color_of("missed")


def test_an_attempt_without_pictures_has_a_card_all_the_same():
    attempt = Attempt(
        "1-0-0",
        "s",
        0,
        0,
        0,
        "g",
        "random",
        ANYTHING,
        None,
        (),
        Outcome(False, 0.0, 0.0, 0.0, Fault.NO_IMAGE),
        None,
    )
    assert attempt_card(attempt, pixels=60).shape == (60, 120, 3)


def test_a_card_marks_where_judge_and_truth_disagree():
    _, attempt, labels = next(iter(play("random", 0, np.random.default_rng(0))))
    values = label_values(labels)
    agreed = attempt_card(attempt, values)
    disputed = attempt_card(attempt, {**values, "truth.grasped": not values["truth.grasped"]})
    assert (agreed[:, :208] == disputed[:, :208]).all()
    assert (agreed[:, 208:] != disputed[:, 208:]).any()


def test_pictures_that_asked_for_something_are_in_the_corner():
    _, attempt, _ = next(iter(play("random", 0, np.random.default_rng(0))))
    red, blue = (
        Goal(image=View.uncalibrated(np.full((20, 30, 3), color, np.uint8)))
        for color in ((250, 0, 0), (0, 0, 250))
    )
    for goal, shown in (
        (red, [(250, 0, 0)]),
        (Goal(any_of=(red, blue)), [(250, 0, 0), (0, 0, 250)]),
    ):
        asked = replace(attempt, goal=goal)
        for picture in (attempt_card(asked, pixels=100), attempt_frame(asked, pixels=100)):
            assert [tuple(picture[15, 15 + 32 * i].tolist()) for i in range(len(shown))] == shown
    plain, without = attempt_card(attempt, pixels=100), attempt_card(asked, pixels=100)
    assert (plain[40:] == without[40:]).all()


def played(policy: str, scene: int, rng: np.random.Generator, **how: object) -> list[Played]:
    return [
        Played(a, tuple(labels), (plan,)) for plan, a, labels in play(policy, scene, rng, **how)
    ]


def test_a_frame_shows_the_whole_look_with_the_grasp_in_the_colour_of_its_end():
    (one,) = played("random", 0, np.random.default_rng(1), tries=1)
    frame = attempt_frame(one.attempt, pixels=320)
    assert frame.shape == (320, 320, 3)
    seen = one.attempt.before.view()
    color, grasp = color_of(kind_of(one.attempt)), one.attempt.steps[-1].action
    drawn = np.argwhere((np.abs(frame.astype(int) - color) < 40).all(axis=-1))[:, ::-1]
    middle = project_world(grasp.world_from_tool[:3, 3], seen) * 320 / seen.size[0]
    assert np.linalg.norm(drawn - middle, axis=1).min() < 6


def test_cards_do_not_depend_on_the_order_of_attempts(tmp_path):
    attempts = [
        one
        for scene in range(2)
        for one in played("random", scene, np.random.default_rng(scene), tries=6, skill=0.5)
    ]
    stories = []
    for name, order in (("a", attempts), ("b", attempts[::-1])):
        options = StoryOptions(cards=2)
        with StoryRecorder(tmp_path / name, source="clear", options=options) as recorder:
            for one in order:
                recorder.add_attempt("random", one, SPEC)
        stories.append([card.to_json() for card in Story.read(tmp_path / name).cards])
    assert stories[0] == stories[1] != []


def test_a_score_map_is_of_the_plan_that_led_to_the_attempt(tmp_path):
    attempts = played("net", 0, np.random.default_rng(5), count=2, tries=3, with_heat=True)
    with StoryRecorder(tmp_path, source="clear") as recorder:
        recorder.add_scene("net", attempts, SPEC)
    story = Story.read(tmp_path)
    assert {one.id for one in story.heats} == {one.attempt.id for one in attempts[:2]}
    assert all(one.file.is_file() for one in story.heats)


def test_strips_are_of_the_first_scenes_and_end_where_enough_is_shown(tmp_path):
    options = StoryOptions(scenes=2, frames=4)
    with StoryRecorder(tmp_path, source="clear", options=options) as recorder:
        for scene in range(3):
            attempts = played("net", scene, np.random.default_rng(scene), count=9, tries=6)
            recorder.add_scene("net (run)", attempts, SPEC)
    story = Story.read(tmp_path)
    assert [(s.policy, s.scene, len(s.frames), s.attempts) for s in story.strips] == [
        ("net (run)", 0, 4, 6),
        ("net (run)", 1, 4, 6),
    ]
    assert story.strips[0].kinds == tuple(
        kind_of(one.attempt) for one in played("net", 0, np.random.default_rng(0), count=9, tries=4)
    )
    assert len(story.films) == len(story.scenes) == 1


def test_scenes_of_one_attempt_each_stand_in_one_row(tmp_path):
    options = StoryOptions(scenes=1, single_scenes=3)
    with StoryRecorder(tmp_path, source="isolated", options=options) as recorder:
        for scene in range(5):
            for policy in ("a", "b"):
                one = played(policy, scene, np.random.default_rng(scene), tries=1)
                recorder.add_scene(policy, one, SPEC)
    story = Story.read(tmp_path)
    assert [(s.policy, s.scene) for s in story.strips if s.policy == "a"] == [
        ("a", 0),
        ("a", 1),
        ("a", 2),
    ]
    rows = "".join(strip_rows(story.strips))
    assert (rows.count("<h3>"), rows.count("strip-row"), rows.count("<img")) == (1, 2, 6)


def test_a_scene_says_how_many_objects_were_lost(tmp_path):
    for lost in (2, None):
        with StoryRecorder(tmp_path, source="clear") as recorder:
            attempts = played("a", 0, np.random.default_rng(0), tries=3)
            recorder.add_scene("a", attempts, SPEC, lost=lost)
        (row,) = strip_rows(Story.read(tmp_path).strips)[1:]
        assert ("2 lost" in row, "lost" in row) == (lost == 2, lost == 2)


def test_a_record_is_of_the_kind_of_its_attempt():
    attempts = played("a", 0, np.random.default_rng(1), tries=9, skill=0.5)
    for one in attempts:
        record = AttemptRecord.of(one.attempt, one.plans, true=None, lifted=None, lost=None)
        assert kind_of_record(record) == kind_of(one.attempt)
    push = AttemptRecord(AttemptKind.PUSH, grasped=False)
    assert kind_of_record(push) == "pushed"


def test_a_stage_replaces_its_own_pictures_and_no_others(tmp_path):
    for source, policy in (("collect", "a"), ("clear", "b"), ("clear", "c")):
        with StoryRecorder(tmp_path, source=source) as recorder:
            recorder.add_scene(policy, played(policy, 0, np.random.default_rng(0), tries=2), SPEC)
    assert {(card.source, card.policy) for card in Story.read(tmp_path).cards} == {
        ("collect", "a"),
        ("clear", "c"),
    }


def test_a_story_reads_back_as_it_was_written(tmp_path):
    with StoryRecorder(tmp_path, source="clear") as recorder:
        attempts = played("net", 0, np.random.default_rng(0), tries=4, with_heat=True)
        recorder.add_scene("net", attempts, SPEC)
    once = Story.read(tmp_path)
    assert all(path.is_file() for path in once.paths)
    assert {path.name for path in once.paths} == {path.name for path in tmp_path.glob("*.webp")}
    once.write(tmp_path)
    assert Story.read(tmp_path) == once
