"""`selfgrasp demo vpg`: its page, what it says of its actions, and what it refuses."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from selfgrasp.common.interrupts import STOPPED
from selfgrasp.core import (
    ANYTHING,
    Attempt,
    Grasp,
    Hand,
    InputError,
    Observation,
    Outcome,
    Plan,
    Push,
    Step,
)
from selfgrasp.core.pose import top_down
from selfgrasp.core.record import ObjectRef
from selfgrasp.learn import checkpoint
from selfgrasp.methods import registry
from selfgrasp.methods.vpg.method import VPG
from selfgrasp.objects.arrangements import own_cases
from selfgrasp.papers.vpg import demo, demo_case, demo_film, demo_run
from selfgrasp.papers.vpg.demo_case import USUAL, chosen_case
from selfgrasp.papers.vpg.demo_maps import SCALE, map_picture, view_of_map
from selfgrasp.papers.vpg.demo_steps import why
from selfgrasp.papers.vpg.demo_words import came_of
from selfgrasp.protocols import clearing
from selfgrasp.vision import Heightmap
from selfgrasp.vision.project import project_world
from selfgrasp.viz.heat import CHOSEN_COLOR
from selfgrasp.workcell.attempt import Played
from selfgrasp.workcell.cells.registry import cell_kind

CASE = "01_three_bricks"
OPTIONS = {"picture_px": 96, "renderer": "rays", "noise": "none"}
GRASP = Grasp(top_down((0.0, 0.0, 0.03), 0.0), 0.06)
PUSH = Push(np.array([-0.06, 0.02, 0.008]), np.pi / 6, 0.1)


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A checkpoint that has learned nothing, short runs and small films."""
    monkeypatch.setattr(clearing, "CAP_PER_OBJECT", 1)
    monkeypatch.setattr(clearing, "CAP_MORE", 0)
    monkeypatch.setattr(demo_film, "WIDTH", 64)
    monkeypatch.setattr(demo_film, "HEIGHT", 48)
    monkeypatch.setattr(demo_film, "_SAMPLES", 1)
    monkeypatch.setattr(demo_film, "MOST_FRAMES", 20)
    path = tmp_path / "untrained.safetensors"
    checkpoint.save(path, registry.build("vpg"))
    return str(path)


def args(policy: str, out: Path, **changes: object) -> demo.Args:
    given = {"case": CASE, "policy": policy, "out": out, "options": OPTIONS, **changes}
    return demo.Args(**given)  # type: ignore[arg-type]


def test_the_page_shows_film_and_every_action_with_both_heats(untrained, tmp_path, capsys):
    assert demo.run(args(untrained, tmp_path / "run")) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert " of 3 blocks lifted in 3 actions, " in said
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("Best grasp: ") == page.count("Best push: ") == 3
    assert page.count("data:image/webp") == 3 * 3 + 1
    assert (tmp_path / "run" / "pictures" / "clearing.webp").exists()
    assert page.count("best push 0.") + page.count("best grasp 0.") == 4 * 3
    rows = page[page.index("The same table") :]
    assert "<td>heuristic</td>" in rows
    assert "<td>heuristic+push</td>" in rows
    assert "it was stopped" not in page


def test_an_interrupted_run_keeps_what_was_done(untrained, tmp_path, capsys, monkeypatch):
    plan, asked = VPG.plan, []

    def interrupted(self, context):
        asked.append(1)
        if len(asked) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return plan(self, context)

    monkeypatch.setattr(VPG, "plan", interrupted)
    assert demo.run(args(untrained, tmp_path / "run")) == STOPPED
    assert capsys.readouterr().out.startswith("stopped: ")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Stopped after 1 action." in page
    assert page.count("Best grasp: ") == 1
    assert "No film: it was stopped" in page


def test_an_interruption_before_the_first_action_leaves_nothing(untrained, tmp_path, monkeypatch):
    def interrupted(*_):
        os.kill(os.getpid(), signal.SIGINT)
        return demo_case.cell_for(*_)

    monkeypatch.setattr(demo_run, "cell_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.run(args(untrained, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_reason_compares_the_best_of_both():
    actions = (GRASP, PUSH, GRASP)
    assert why(Plan(actions, np.array([0.1, 0.71, 0.32]))) == "best push 0.71 > best grasp 0.32"
    assert why(Plan(actions, np.array([0.9, 0.71, 0.32]))) == "best grasp 0.90 > best push 0.71"
    close = Plan(actions, np.array([0.1, 0.7123, 0.7116]))
    assert why(close) == "best push 0.7123 > best grasp 0.7116"
    assert why(Plan.only(PUSH, 0.4)) == "best push 0.40, nothing can be grasped"
    assert why(Plan.only(GRASP, 0.4)) == "best grasp 0.40, nothing can be pushed"
    assert why(Plan.nothing("an empty table")) == "an empty table"


def a_map() -> Heightmap:
    height = np.zeros((112, 112), np.float32)
    height[70:80, 20:40] = 0.05
    shift = np.eye(4)
    shift[:2, 3] = -0.224
    size = height.shape
    color = np.full((*size, 3), 200, np.uint8)
    return Heightmap(color, height, np.ones(size, bool), shift, 0.004)


def test_a_map_is_drawn_with_x_to_the_right_and_y_up():
    top = a_map()
    view = view_of_map(top)
    points = np.array([[0.1, 0.05, 0.0], [-0.15, 0.2, 0.05], [0.0, -0.1, 0.008]])
    columns, rows = top.cells(points[:, :2]).T
    np.testing.assert_allclose(
        project_world(points, view), np.stack([columns, 112 - rows], axis=1), atol=0.3
    )


def test_an_arrow_begins_at_the_push_and_points_along_it():
    top = a_map()
    plain = map_picture(top, None, breadth=0.02).astype(int)
    drawn = map_picture(top, PUSH, breadth=0.02)
    green = np.argwhere((drawn == CHOSEN_COLOR).all(axis=2))
    places = top.world_xy(np.stack([green[:, 1], 112 * SCALE - green[:, 0]], axis=1) / SCALE)
    along = (places - PUSH.start[:2]) @ [np.cos(PUSH.yaw), np.sin(PUSH.yaw)]
    assert -0.01 < along.min() < 0.002
    assert along.max() == pytest.approx(PUSH.length, abs=0.004)
    # The head is wider than the shaft, and at the end.
    across = (places - PUSH.start[:2]) @ [-np.sin(PUSH.yaw), np.cos(PUSH.yaw)]
    assert along[np.abs(across) > 0.008].min() > 0.7 * PUSH.length
    assert (drawn != plain).any()


@pytest.mark.parametrize("seed", [0, 3])
def test_every_case_is_found_by_name(seed):
    for index, case in enumerate(own_cases()):
        found = chosen_case(demo.Args(case=case.name, seed=seed))
        assert found.arrangement is case
        assert found.scene % len(own_cases()) == index
    assert chosen_case(demo.Args()).arrangement.name == USUAL


def test_cases_of_a_folder_are_offered(tmp_path, capsys):
    folder = Path(demo.__file__).parents[2] / "objects" / "arrangements" / "cases"
    (tmp_path / "mine.txt").write_text((folder / "05_books.txt").read_text())
    assert chosen_case(demo.Args(cases=tmp_path)).arrangement.name == "mine"
    assert demo.run(demo.Args(case="list", cases=tmp_path)) == 0
    assert capsys.readouterr().out == "mine: 5 blocks\n"
    with pytest.raises(InputError, match=r"given: --case 'books'; .*exists: mine"):
        chosen_case(demo.Args(case="books", cases=tmp_path))


def test_wrong_inputs_say_what_was_given_and_wanted(tmp_path):
    with pytest.raises(InputError, match=r"--case 'nine'.*01_three_bricks.*13_parallelogram"):
        demo.run(demo.Args(case="nine", out=tmp_path))
    with pytest.raises(InputError, match=r"--options.layout; wanted: --case"):
        demo.run(demo.Args(options={"layout": "packed"}, out=tmp_path))
    with pytest.raises(InputError, match=r"--meshes .* without --cases"):
        demo.run(demo.Args(meshes=tmp_path, out=tmp_path))
    with pytest.raises(InputError, match="--policy heuristic; wanted: vpg, or the path"):
        demo.run(demo.Args(policy="heuristic", out=tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_cell_of_the_arm_has_the_same_options():
    assert cell_kind("ur5_table").config is cell_kind(demo.CELL).config


@pytest.mark.parametrize(
    ("worth", "said"),
    [
        ((False, True), "the push helped"),
        ((False, False), "would not have held before the push, and does not after"),
        ((True, True), "no push was needed"),
        ((True, False), "the push did harm"),
    ],
)
def test_what_a_push_was_worth_is_said(worth, said):
    pushed = played(PUSH, grasped=False)
    words = " ".join(came_of(replace(pushed, worth=worth), 0.005, 0))
    assert words.startswith("The push changed the table: 50 cm²")
    assert "tried and undone" in words
    assert said in words


def test_what_came_of_an_action_is_said():
    (words,) = came_of(played(PUSH, grasped=False), 0.0002, 0)
    assert words.startswith("The push did not change the table: 2 cm²")
    held = replace(played(GRASP, grasped=True), lifted=(ObjectRef("toy_cube-red", "toy_cube"),))
    assert came_of(held, 0.003, 0) == ["The grasp held: 31 mm between the fingers (toy_cube-red)."]
    missed = came_of(played(GRASP, grasped=False), 0.003, 1)
    assert missed[0] == "The fingers closed on nothing."
    assert missed[1].startswith("The grasp changed the table: 30 cm²")
    assert missed[2] == "1 block left the workspace."


def played(action: Grasp | Push, *, grasped: bool) -> Played:
    hand = Hand(top_down((0.0, 0.6, 0.4), 0.0), 0.065, 0.0)
    seen = Observation(0.0, {"static": view_of_map(a_map())}, hand)
    attempt = Attempt(
        id="demo-000001-000",
        session="demo",
        scene=1,
        index=0,
        round=0,
        goal=ANYTHING,
        state_group="demo-000001-000",
        policy="vpg",
        before=seen,
        steps=(Step(None, action, action, hand, 0.5, 1.0),),
        outcome=Outcome(grasped, 0.031 if grasped else 0.0, 20.0, 0.1),
        after=seen,
    )
    return Played(attempt, (), ())
