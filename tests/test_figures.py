"""A run's own tables, charts and pictures on its page, and what makes those of the paper: patches,
failures, objects, attempts."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session
from PIL import Image
from test_report import EVIL, checked, report
from vision_scenes import Box, camera, context, render

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.core import Fault, Grasp, InputError, Label, Outcome
from selfgrasp.core.pose import top_down
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.learn import save
from selfgrasp.methods import registry
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.supersizing.attempts_table import attempts_table
from selfgrasp.papers.supersizing.figure_patches import figure_patches, patches
from selfgrasp.report.axis import Axis
from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.data import joined, read_run
from selfgrasp.report.run_page import write_report
from selfgrasp.report.tables.failures import failure_gallery
from selfgrasp.report.tables.objects import lifts, object_table, scene_objects
from selfgrasp.report.tables.outcomes import outcome_counts
from selfgrasp.rollout.collect import make_session as collection_session
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.scene import SceneTask, play_scene
from selfgrasp.viz.kinds import kind_of
from selfgrasp.viz.patches import Ranked, patches_picture, score_color
from selfgrasp.viz.picture import encode_webp
from selfgrasp.workcell.cells.simulated import make_cell
from selfgrasp.workcell.cells.tabletop import TabletopConfig

OPTIONS = TabletopConfig(count=4, picture_px=48)
SCENES, TRIES = 3, 6

TABLE = {
    "title": f"Table II {EVIL}",
    "note": "A note.",
    "columns": ["method", "ours", "paper"],
    "rows": [["net", 0.78, 0.795], ["kNN", None, 0.694]],
}
CHART = {
    "title": "Amount of data",
    "note": "Fig. 8.",
    "x": "attempts",
    "y": "accuracy",
    "log_x": True,
    "percent": True,
    "series": [
        {
            "name": "net",
            "paper": False,
            "points": [{"x": x, "y": 0.6, "low": 0.5, "high": 0.7} for x in (1000, 10_000, 40_000)],
        },
        {
            "name": "net",
            "paper": True,
            "points": [{"x": 40_000, "y": 0.795, "low": None, "high": None}],
        },
    ],
}


def a_run(folder: Path, **parts: object) -> Path:
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "a.webp").write_bytes(encode_webp(np.full((20, 30, 3), 90, np.uint8)))
    (folder / "report.json").write_text(json.dumps(report(**parts)))
    return folder


def shown(names: list[str]) -> dict[str, object]:
    return {
        "title": "Patches",
        "note": "",
        "files": names,
        "captions": [f"of {name}" for name in names],
    }


def test_the_page_shows_tables_then_charts_then_pictures_after_the_rows(tmp_path):
    page = write_report(
        [a_run(tmp_path / "run", tables=[TABLE], charts=[CHART], pictures=[shown(["a.webp"])])]
    ).read_text()
    parser = checked(page)
    assert "script" not in parser.tags
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "How good it is",
        "In tables",
        "In charts",
        "In pictures",
        "How it was made",
    ]
    assert EVIL not in page
    for words in (
        "0.780",
        '<span class="theirs">0.795</span>',
        "net (the paper): 79.5 % at 40 k",
        'alt="of a.webp"',
        "data:image/webp",
        "<figcaption>of a.webp<",
    ):
        assert words in page


def test_pictures_that_are_gone_are_counted_and_those_of_all_runs_shown(tmp_path):
    runs = [
        read_run(a_run(tmp_path / name, pictures=[shown(["a.webp", "gone.webp"])]))
        for name in ("one", "two")
    ]
    assert [entry.captions for entry in runs[0].story.galleries] == [("of a.webp",)]
    assert "1 pictures that the run names" in runs[0].missing
    assert [entry.files[0].parent.parent.name for entry in joined(runs).story.galleries] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"tables": [{"title": "t", "rows": []}]}, "without columns"),
        (
            {"tables": [{**TABLE, "rows": [["net", 1.0]]}]},
            "a row of 2 cells.*wanted: 3: method, ours, paper",
        ),
        (
            {"charts": [{**CHART, "series": [{"name": "a", "points": [{"x": 0, "y": 1}]}]}]},
            "a point at 0 .*places above 0",
        ),
        ({"charts": [{"title": "t", "series": []}]}, "without x, y"),
    ],
)
def test_a_garbled_entry_says_what_was_wanted(tmp_path, parts, message):
    with pytest.raises(InputError, match=message):
        write_report([a_run(tmp_path / "run", **parts)])


def test_a_logarithmic_axis_ends_at_round_numbers_and_halves_at_the_geometric_mean():
    axis = Axis.log_over([500.0, 40_000.0])
    assert axis.ticks == pytest.approx((500, 1000, 2000, 5000, 10_000, 20_000, 50_000))
    assert axis.share(math.sqrt(500 * 50_000)) == pytest.approx(0.5)
    assert (axis.share(0.0), axis.share(1e9)) == (0.0, 1.0)
    assert [axis.text(tick) for tick in axis.ticks[:2]] == ["500", "1 k"]
    assert Axis.log_over([1e-3, 1e4]).ticks == pytest.approx([10.0**n for n in range(-3, 5)])
    assert Axis.log_over([7.0, 7.0]).low <= 7.0 < Axis.log_over([7.0, 7.0]).high


def test_the_papers_figures_look_unlike_ours_and_are_called_theirs():
    chart = line_chart(
        [Series("net", (1.0, 2.0), (0.1, 0.2)), Series("net", (1.0, 2.0), (0.3, 0.4), paper=True)],
        x_label="x",
        y_label="y",
    )
    assert (chart.count("<circle"), chart.count('class="theirs')) == (2, 2)
    assert "net (the paper)</li>" in chart
    alone = line_chart([Series("theirs", (1.0,), (0.1,), paper=True)], x_label="x", y_label="y")
    assert "theirs (the paper)</li>" in alone


def test_an_interval_around_one_place_is_a_whisker_and_gaps_break_nothing():
    nan = math.nan
    one = line_chart(
        [Series("a", (1.0, 2.0), (0.1, 0.2), (0.0, nan), (0.2, nan))], x_label="x", y_label="y"
    )
    assert ("<polygon" in one, one.count("whisker"), "nan" in one) == (False, 3, False)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random attempts on validation objects, and the objects that the simulator really dropped, by
    scene, in dropped.json."""
    folder = tmp_path_factory.mktemp("figures") / "data"
    args = CollectJob(
        folder, objects="validation", seed=5, attempts_per_scene=TRIES, options=OPTIONS
    )
    session = collection_session(args)
    dropped = {}
    cell = make_cell("tabletop", objects_named("validation"), OPTIONS)
    with cell.cell as workcell, DatasetWriter.create_or_open(folder, session) as writer:
        for scene in range(SCENES):
            task = SceneTask(session_key(session), args.seed, scene, TRIES)
            workcell.reset(task.scene_seed)
            dropped[scene] = sorted(placed.model.name for placed in cell.world.placed)
            writer.append(play_scene(cell, RandomPolicy(), task).attempts)
    (folder.parent / "dropped.json").write_text(json.dumps(dropped))
    return folder


def test_scenes_drawn_again_are_those_that_the_simulator_dropped(collected: Path):
    dropped = json.loads((collected.parent / "dropped.json").read_text())
    with Dataset.open(collected) as data:
        again = {
            str(scene): sorted(item.name for item in items)
            for (_, scene), items in scene_objects(data).items()
        }
    assert again.keys() == dropped.keys()
    for scene, names in dropped.items():
        assert set(names) <= set(again[scene]), (
            "what fell off the table is gone, and nothing else is there"
        )
    assert sum(map(len, dropped.values())) > 0.8 * sum(map(len, again.values()))


def test_every_lift_is_counted_once_in_every_table(collected: Path):
    with Dataset.open(collected) as data:
        lifted = Counter(name for name in data.label("truth.object").values() if name)
        found = {one.name: one for one in lifts(data, scene_objects(data))}
    assert {name: one.total for name, one in found.items() if one.total} == lifted
    assert sum(len(one.by_scene) for one in found.values()) == SCENES * OPTIONS.count
    most, least, families = object_table(collected)
    assert sum(row[3] for row in families.rows) == lifted.total()
    assert sum(row[1] for row in families.rows) == len(found)
    assert f"never lifted: {len(found) - len(lifted)}" in most.note
    assert most.rows[0][4] >= most.rows[-1][4] >= least.rows[-1][4] >= least.rows[0][4]
    assert {len(row) for table in (most, least, families) for row in table.rows} == {6}


def test_objects_of_another_collection_are_refused(collected: Path):
    with Dataset.open(collected) as data:
        with pytest.raises(
            InputError, match=r"objects test as they are now.*those of the collection, validation:"
        ):
            scene_objects(data, "test")
        dropped = {key: items[:0] for key, items in scene_objects(data).items()}
        with pytest.raises(InputError, match="where it was not dropped"):
            lifts(data, dropped)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty attempts: ten blocked, six slipped, four missed, two unreachable, three successes with
    two objects, fifteen with one."""
    folder = tmp_path_factory.mktemp("failed") / "data"
    ends = (
        [Fault.BLOCKED] * 10
        + [Fault.SLIPPED] * 6
        + [None] * 4
        + [Fault.UNREACHABLE] * 2
        + ["two"] * 3
        + ["one"] * 15
    )
    encoded = []
    for (attempt, _), end in zip(make_attempts(len(ends), size=64), ends, strict=True):
        held = {"one": 1, "two": 2}.get(end, 0)
        outcome = Outcome(
            held > 0, 0.02 if held else 0.0, 9.0, 0.1, end if isinstance(end, Fault) else None
        )
        encoded.append(
            encode_attempt(
                replace(attempt, outcome=outcome),
                [Label(attempt.id, "truth.held", held, "simulator")],
            )
        )
    with DatasetWriter.create_or_open(folder, make_session()) as writer:
        writer.append(encoded)
    return folder


def test_every_attempt_is_of_one_kind_and_kinds_have_examples(failed: Path, tmp_path: Path):
    table, pictures = failure_gallery(failed, tmp_path)
    assert {row[0]: row[2] for row in table.rows} == {
        "held": 15,
        "two objects": 3,
        "blocked": 10,
        "slipped": 6,
        "missed": 4,
        "unreachable": 2,
    }
    assert table.rows[2][3] == "25.0 %"
    assert [(entry.title, len(entry.files)) for entry in pictures] == [
        ("Two objects at once", 3),
        ("Failures: blocked", 8),
        ("Failures: slipped", 6),
        ("Failures: missed", 4),
    ]
    for entry in pictures:
        for file in entry.files:
            with Image.open(tmp_path / file) as card:
                assert card.size[0] == 2 * card.size[1]
    assert all("blocked on the way up" in caption for caption in pictures[1].captions), (
        "these reached their goal"
    )


def test_outcomes_of_a_dataset_are_those_of_its_attempts(failed: Path):
    with Dataset.open(failed) as data:
        expected = Counter(kind_of(attempt) for attempt in data.attempts())
        counts = outcome_counts(data)
        assert sum(counts.values(), Counter()) == expected
        assert set(counts) == {(a.policy, a.round) for a in data.attempts()}


def test_without_the_simulators_count_nothing_is_said_of_two_objects(tmp_path: Path):
    with DatasetWriter.create_or_open(tmp_path / "data", make_session()) as writer:
        writer.append([encode_attempt(attempt) for attempt, _ in make_attempts(8)])
    table, _ = failure_gallery(tmp_path / "data", tmp_path / "pictures")
    assert "two objects" not in [row[0] for row in table.rows]
    assert sum(row[2] for row in table.rows) == 8


def test_attempts_are_counted_beside_the_papers(failed: Path):
    paper = {"Random Trials": (3245, 37042, 40287), "Test Set": (214, 2759, 2973)}
    rows = attempts_table({"Random Trials": failed, "Twice": [failed, failed]}, paper).rows
    assert list(map(list, rows)) == [
        ["Random Trials", 18, 22, 40, "45.00 %", 3245, 37042, 40287, "8.05 %"],
        ["Twice", 36, 44, 80, "45.00 %", None, None, None, None],
        ["Test Set", None, None, None, None, 214, 2759, 2973, "7.20 %"],
        ["all", 54, 66, 120, "45.00 %", 3459, 39801, 43260, "8.00 %"],
    ]
    with pytest.raises(InputError, match="add up to the total"):
        attempts_table({}, {"Random Trials": (1, 2, 4)})


@pytest.mark.parametrize("yaw", [0.0, 0.6, 2.5])
def test_a_patch_shows_what_lies_along_the_closing_direction_to_the_right_and_is_no_mirror_image(
    yaw,
):
    along, across = (
        np.array([math.cos(yaw), math.sin(yaw)]),
        np.array([-math.sin(yaw), math.cos(yaw)]),
    )
    red = Box(tuple(0.04 * along), (0.02, 0.02, 0.01), yaw, color=(255, 0, 0))
    blue = Box(tuple(0.04 * across), (0.02, 0.02, 0.01), yaw, color=(0, 0, 255))
    seen = context(render([red, blue], world_from_camera=camera(5.0)))
    (patch,) = patches(
        registry.build("supersizing"), seen, [Grasp(top_down((0, 0, 0.02), yaw), 0.08)]
    ).astype(int)
    middle = (len(patch) - 1) / 2
    pixels = len(patch) / (1.5 * 0.085)
    places = [
        np.argwhere(patch[..., channel] - patch[..., 1] > 120).mean(axis=0) - middle
        for channel in (0, 2)
    ]
    assert np.allclose(places[0], (0, 0.04 * pixels), atol=1.5)
    assert np.allclose(places[1], (-0.04 * pixels, 0), atol=1.5)


def test_best_patches_lie_apart_and_are_sorted(tmp_path: Path):
    save(tmp_path / "small.safetensors", registry.build("supersizing"))
    small = figure_patches(
        {"untrained": str(tmp_path / "small.safetensors")},
        tmp_path,
        seed=0,
        scenes=1,
        options=TabletopConfig(count=4, picture_px=96),
    )
    assert len(small) == 1
    entries = figure_patches(
        {"stage 0": "supersizing", "again": "supersizing"},
        tmp_path,
        seed=0,
        scenes=1,
        options=TabletopConfig(count=4, picture_px=96),
    )
    assert [entry.title.split(": ")[1] for entry in entries] == ["stage 0", "again"]
    files = [entry.files[0] for entry in entries]
    assert len(set(files)) == 2
    assert entries[0].captions == entries[1].captions
    own, random = map(int, re.findall(r"(\d+) %", entries[0].captions[0]))
    assert own > random, (
        "what a trained network likes best it likes better than what was drawn at random"
    )
    with pytest.raises(InputError, match="at least one of each"):
        figure_patches({}, tmp_path, seed=0, scenes=1)
    with pytest.raises(InputError, match="one of supersizing"):
        figure_patches({"stage 0": "heuristic"}, tmp_path, seed=0, scenes=1)


def test_a_picture_of_patches_has_room_for_all_and_colours_them_by_score():
    view = render([], width=120, height=120)
    grasps = [Grasp(top_down((0, 0, 0.02), 0.3), 0.06)] * 7
    scores = np.linspace(1.0, 0.0, 7)
    ranked = Ranked("seven", grasps, scores, np.full((7, 9, 9, 3), 128, np.uint8))
    empty = Ranked("none", [], np.zeros(0), np.zeros((0, 9, 9, 3), np.uint8))
    picture = patches_picture(view, (ranked, empty), side=0.13)
    assert picture.shape[1] == 2 * 360 + 18
    for score in (1.0, 0.5, 0.0):
        assert (picture[: picture.shape[0] - 44] == score_color(score)).all(axis=-1).any()
    assert score_color(math.nan) == score_color(0.0)
