"""`selfgrasp demo grasp2vec`: what it asks for, what it says came of it, and its page."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers_attempts import make_attempt, make_session
from test_grasp2vec import TINY, built

from selfgrasp.common.interrupts import STOPPED
from selfgrasp.core import Attempt, Fault, Heat2D, InputError, Outcome, Verdict, View
from selfgrasp.core.places import Places
from selfgrasp.learn import save
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.papers.grasp2vec import demo
from selfgrasp.papers.grasp2vec.demo_goals import Wanted, cut_out
from selfgrasp.papers.grasp2vec.demo_page import headline
from selfgrasp.papers.grasp2vec.demo_steps import (
    GOAL,
    Fetched,
    Likeness,
    came_of,
    cosines,
    fetched,
)
from selfgrasp.papers.reaches import Reach

PICTURE = View.uncalibrated(np.zeros((20, 20, 3), np.uint8))
HEAT = Heat2D(np.ones((2, 2), np.float32), np.eye(2, 3))
SESSION = make_session()


def attempt(*, tried: bool = True) -> Attempt:
    made = make_attempt(np.random.default_rng(0), session=SESSION, scene=0, index=0, depth=False)
    held = replace(made, outcome=Outcome(True, 0.03, 10.0, 0.1), present=made.before.view())
    if tried:
        return held
    nothing = Outcome(False, 0.0, 0.0, 0.0, Fault.NOTHING)
    return replace(held, steps=(), outcome=nothing, after=None, present=None)


def done(
    name: str,
    there: bool | None,
    thing: str,
    *,
    tried: bool = True,
    accepted: bool = True,
    dropped: tuple[str, ...] = (),
) -> Fetched:
    wanted = Wanted("a picture in the hand", PICTURE, name, there)
    reach = Reach(attempt(tried=tried), (), "picture", (), (), thing)
    verdict = Verdict(accepted, 0.8) if thing else None
    return Fetched(wanted, reach, verdict, dropped, 1 + len(dropped), HEAT, 0.5, {})


@pytest.mark.parametrize(
    ("one", "right", "said"),
    [
        (done("mug-1", True, "mug-1"), True, "fetched"),
        (
            done("mug-1", True, "mug-1", dropped=("cup-2",)),
            True,
            "fetched, cup-2 dropped",
        ),
        (done("mug-1", True, "cup-2"), False, "cup-2 fetched"),
        (done("mug-1", True, ""), False, "nothing fetched in one attempt"),
        (
            done("mug-1", True, "mug-1", accepted=False, dropped=("cup-2", "mug-1")),
            False,
            "nothing fetched in 3 attempts, cup-2 and mug-1 dropped",
        ),
        (done("mug-1", True, "", tried=False), False, "not in the bin, but it is there"),
        (done("mug-1", False, "", tried=False), True, "not in the bin"),
        (done("mug-1", False, "cup-2"), False, "not there, but cup-2 fetched"),
        (done("mug-1", False, ""), True, "not there, and nothing fetched in one attempt"),
        (done("", None, "cup-2"), None, "cup-2 fetched"),
        (done("", None, "", tried=False), None, "not in the bin"),
    ],
)
def test_what_came_of_a_goal_is_said(one: Fetched, right: bool | None, said: str) -> None:
    assert one.right is right
    assert came_of(one) == said


def test_goals_of_which_nobody_knows_are_not_counted() -> None:
    all_of_them = [done("a", True, "a"), done("b", True, "a"), done("", None, "a")]
    assert headline(all_of_them) == "1 of 2 goals done right"


def test_an_object_is_cut_out_around_its_pixels() -> None:
    color = np.full((60, 80, 3), 90, np.uint8)
    shown = np.full((60, 80), -1, np.int32)
    shown[20:40, 30:46] = 1
    color[20:40, 30:46] = 250
    cut = cut_out(View.uncalibrated(color), Places(("other", "mug"), shown), "mug")
    assert not cut.is_calibrated
    assert cut.size == (25, 25)
    assert cut.color[12, 12].tolist() == [250] * 3
    assert cut.color[0, 0].tolist() == [90] * 3
    bright = (cut.color[..., 0] > 170).sum()
    assert bright == pytest.approx(20 * 16, abs=40)


def test_cosines_are_of_vectors_of_any_length() -> None:
    others = np.array([[0.0, 5.0], [3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert cosines(np.array([0.0, 2.0]), others) == pytest.approx([1, 0, np.sqrt(0.5), 0])


class Vectors:
    """Scenes are (1, 2) and (0, 2), so that (1, 0) was taken; objects are as their first pixel."""

    name, privileged = "vectors", ()

    def scenes(self, views, spec):
        assert len(views) == 2
        return np.array([[1.0, 2.0], [0.0, 2.0]])

    def objects(self, views, spec):
        return np.array([view.color[0, 0, :2].astype(float) + 1e-9 for view in views])

    def features(self, vectors):
        return vectors

    def heat(self, view, vector, spec):
        return Heat2D(np.full((1, 1), 6.0, np.float32), np.eye(2, 3))


def colored(x: int, y: int) -> View:
    return View.uncalibrated(np.full((9, 9, 3), (x, y, 0), np.uint8))


def test_the_arithmetic_compares_the_goal_and_all_that_lay_there() -> None:
    held = replace(attempt(), present=colored(3, 4))
    wanted = Wanted("a picture in the hand", colored(2, 0), "mug", True)
    reach = Reach(held, (), "picture", (), (), "cup")
    tries = [(reach, Verdict(False, 0.1)), (replace(reach, thing=""), None), (reach, None)]
    one = fetched(
        Vectors(), SESSION.spec, {"mug": colored(7, 0), "cup": colored(0, 5)}, wanted, tries
    )
    assert one is not None
    assert one.similarity == pytest.approx(3.0)
    assert (one.dropped, one.tries, one.accepted) == (("cup",), 3, False)
    assert list(one.likeness) == [GOAL, "mug", "cup"]
    assert one.likeness[GOAL].difference == pytest.approx(1.0)
    assert one.likeness[GOAL].held == pytest.approx(0.6)
    assert one.likeness["cup"] == Likeness(pytest.approx(0.0, abs=1e-6), pytest.approx(0.8))
    empty = replace(reach, attempt=attempt(tried=False))
    nothing = fetched(Vectors(), SESSION.spec, {}, wanted, [(empty, None)])
    assert nothing is not None
    assert nothing.likeness == {}
    blind = replace(empty, attempt=replace(empty.attempt, before=None))
    assert fetched(Vectors(), SESSION.spec, {}, wanted, [(blind, None)]) is None


def test_a_policy_of_another_kind_is_refused(tmp_path: Path) -> None:
    args = demo.Args(policy="heuristic", out=tmp_path / "out")
    with pytest.raises(InputError, match="--policy heuristic; wanted: grasp2vec, or the path"):
        demo.run(args)
    assert not args.out.exists()


@pytest.fixture
def args(tmp_path: Path) -> demo.Args:
    """Of an untrained policy, a bin of three, and a picture of one's own."""
    run, mine = tmp_path / "run.safetensors", tmp_path / "mine.jpg"
    save(run, built(TINY))
    picture = np.full((50, 70, 3), 200, np.uint8)
    picture[10:40, 20:50] = (20, 30, 220)
    cv2.imwrite(str(mine), picture)
    options = {"count": 3, "picture_px": 96, "renderer": "rays", "noise": "none"}
    return demo.Args("validation", mine, str(run), tmp_path / "out", options=options)


@pytest.mark.slow
def test_the_page_shows_each_goal_with_heat_reach_and_arithmetic(
    args: demo.Args, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.run(args) == 0
    said = capsys.readouterr().out.splitlines()
    assert " of 4 goals done right; " in said[-1]
    asked = [
        "a picture in the hand of ",
        "a picture in the hand of ",
        "a crop of the first picture of ",
        "mine.jpg: ",
        "a picture in the hand of ",
    ]
    assert all(line.startswith(one) for line, one in zip(said[:-1], asked, strict=True))
    page = (args.out / "report.html").read_text()
    assert len(list((args.out / "pictures").glob("fetch-*.webp"))) == 5
    assert page.count("<figcaption>The goal: ") == 5
    assert page.count("<figcaption>Where it is thought to be: ") == 5
    assert page.count(">cosine with<") + page.count("Nothing was held") == 5
    assert "it always tries" in page
    assert "It was stopped" not in page


@pytest.mark.slow
def test_an_interrupted_demo_leaves_the_page_of_what_was_fetched(
    args: demo.Args, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, plan = replace(TINY, not_found_threshold=1.0), Grasp2Vec.plan
    save(Path(args.policy), built(config))
    asked: list[int] = []

    def interrupted(self, context, **more):
        asked.append(1)
        if len(asked) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return plan(self, context, **more)

    monkeypatch.setattr(Grasp2Vec, "plan", interrupted)
    assert demo.run(args) == STOPPED
    assert "stopped: 0 of 2 goals done right" in capsys.readouterr().out
    page = (args.out / "report.html").read_text()
    assert "It was stopped: 3 of 5 goals are missing." in page
    assert page.count("Not in the bin: nothing was tried.") == 2
