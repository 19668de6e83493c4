"""What the whole reproduction stands on: looks that serve twice, kept examples, an arm that misses,
variants of a policy, objects for the stages."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from selfgrasp.core import InputError
from selfgrasp.core.pose import top_down
from selfgrasp.dataset import Dataset
from selfgrasp.learn import Examples
from selfgrasp.learn import gathered as kept_examples
from selfgrasp.learn.gathered import data_of
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.methods.registry import build
from selfgrasp.objects.catalogue import (
    objects_by_name,
    stage_objects,
    test_objects,
    train_objects,
    validation_objects,
)
from selfgrasp.papers.supersizing.repeats import Repeat, balanced_agreement, repeat_scene
from selfgrasp.papers.supersizing.scores import mean_by_scene, one_sided
from selfgrasp.papers.supersizing.sizes import Sizes, scaled
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.policies import load_policy
from selfgrasp.rollout.scene import SceneTask, play_scene
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.drivers import Control


def test_the_look_after_an_empty_handed_attempt_is_the_look_before_the_next():
    cell = tabletop(train_objects(12), TabletopConfig(count=5))
    played = play_scene(cell, RandomPolicy(), SceneTask("t", 0, 3, 6))
    plains = [attempt.plain for attempt in played.attempts]
    empty = 0
    for plain, following in itertools.pairwise(plains):
        same = plain["after"]["views"][0]["color"] == following["before"]["views"][0]["color"]
        assert same == (not plain["outcome"]["grasped"])
        empty += same
    assert empty, "some attempt came back with empty hands"


def test_an_imprecise_arm_misses_without_feeling_it_and_another_way_each_time():
    control = Control(Event())
    for noise, misses in (("realistic", False), ("imprecise", True)):
        cell = tabletop(train_objects(3), TabletopConfig(count=1, noise=noise))
        cell.cell.reset(0)
        arm, there = cell.cell.drivers.arm, []
        for _ in range(6):
            arm.move(top_down((0.05, -0.02, 0.3), 0.4), speed=1.0, control=control)
            np.testing.assert_allclose(arm.pose()[:3, 3], (0.05, -0.02, 0.3), atol=1e-6)
            there.append(cell.world.data.qpos[:2].copy())
            arm.away(control=control)
        spread = np.std(there, axis=0)
        assert (spread > 5e-4).all() == misses
        assert (np.abs(there - np.array([0.05, -0.02])).max() < 1e-6) != misses


def test_ctrl_c_ends_trainings_at_once_and_those_that_wait_never_begin(tmp_path: Path):
    collect(CollectJob(out=tmp_path / "data", attempts=24, workers=1, attempts_per_scene=4))
    script = """
import sys
from pathlib import Path
from selfgrasp.papers import steps
from selfgrasp.papers.jobs import ReproduceJob
from selfgrasp.papers.registry import reproduction_named
from selfgrasp.papers.reproduce import work_of
from selfgrasp.rollout.jobs import TrainJob
root = Path(sys.argv[1])
jobs = [
    TrainJob("supersizing:small", (root / "data",), run, epochs=100_000, threads=1)
    for run in [root / "runs" / str(index) for index in range(6)]
]
job = ReproduceJob("supersizing", root, device="cpu")
steps.train_all(work_of(job, reproduction_named("supersizing")), jobs)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while (
            len(list(tmp_path.glob("runs/*/log.jsonl"))) < 2
            and process.poll() is None
            and time.monotonic() < until
        ):
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "KeyboardInterrupt" in said
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"0", "1"}


def test_examples_are_gathered_once_until_the_dataset_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    args = CollectJob(out=tmp_path / "data", attempts=40, workers=1, attempts_per_scene=4, seed=5)
    collect(args)
    method = build("supersizing")
    first = data_of(method, [args.out], workers=1)
    gather = kept_examples._gather
    monkeypatch.setattr(kept_examples, "_gather", lambda *_: pytest.fail("gathered again"))
    again = data_of(method, [args.out], workers=1)
    assert again.identity.fingerprint == first.identity.fingerprint
    np.testing.assert_array_equal(again.train["color"], first.train["color"])
    some = data_of(method, [args.out], first=8, workers=1)
    assert (len(some.train), len(some.validation)) == (8, 1)
    assert some.identity.fingerprint != first.identity.fingerprint
    monkeypatch.setattr(kept_examples, "_gather", gather)
    collect(replace(args, attempts=48))
    grown = data_of(method, [args.out], workers=1)
    assert len(grown.train) + len(grown.validation) > len(first.train) + len(first.validation)
    both = data_of(method, [args.out, args.out], workers=1)
    assert len(both.train) == 2 * len(grown.train)


def test_variants_follow_a_plus_and_unknown_ones_list_the_known():
    assert load_policy("supersizing+sample").name == "supersizing-sampled"
    assert load_policy("supersizing+rerank").config.rerank == 10  # type: ignore[attr-defined]
    assert load_policy("supersizing").config.rerank == 0  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"variant of supersizing 'luck'.*explore"):
        load_policy("supersizing+luck")
    with pytest.raises(InputError, match="random\\+explore"):
        load_policy("random+explore")


def test_the_stages_meet_training_objects_and_new_ones_but_none_that_is_tested_on():
    stage = [item.name for item in stage_objects()]
    assert stage[:150] == [item.name for item in train_objects()]
    others = {item.name for item in (*validation_objects(), *test_objects())}
    assert len(stage) == len(set(stage)) == 200
    assert not others & set(stage)
    assert [item.name for item in objects_by_name("stage", 3)] == stage[:3]


def test_two_tries_without_offset_agree_and_with_a_large_one_they_need_not():
    cell = tabletop(train_objects(20), TabletopConfig(count=6))
    exact = repeat_scene(cell, RandomPolicy(), Repeat(4, 0.0, 0.0))
    assert all(a == b for a, b in exact)
    assert balanced_agreement([[(True, True)], [(False, False)]]).value == 1.0
    assert balanced_agreement([[(True, False), (False, True)]]).value == 0.0
    mixed = balanced_agreement([[(True, True), (True, False)], [(False, False), (False, True)]])
    assert mixed.value == 0.5
    assert (mixed.low, mixed.high) != (0.5, 0.5)


def test_attempts_that_share_a_scene_do_not_narrow_the_interval():
    right = np.arange(20) % 4 != 0
    alone = mean_by_scene(right[None], np.arange(20).astype(str))
    shared = mean_by_scene(np.repeat(right, 10)[None], np.repeat(np.arange(20), 10).astype(str))
    apart = mean_by_scene(np.repeat(right, 10)[None], np.arange(200).astype(str))
    assert alone.value == shared.value == apart.value == 0.75
    assert (shared.low, shared.high) == (alone.low, alone.high)
    assert apart.high - apart.low < 0.5 * (shared.high - shared.low)


def test_a_collection_that_must_be_alone_refuses_another(tmp_path: Path):
    args = CollectJob(out=tmp_path / "data", attempts=4, workers=1, attempts_per_scene=4, seed=5)
    collect(args, alone=True)
    assert collect(args, alone=True).new == 0
    with pytest.raises(InputError, match=r"given: seed = 6; .*exists: seed = 5"):
        collect(replace(args, seed=6), alone=True)
    with Dataset.open(args.out) as data:
        assert len(data) == 4
        assert len(data.sessions) == 1
    assert collect(replace(args, seed=6)).new == 4


def test_sizes_shrink_with_the_random_attempts():
    small = scaled(Sizes(), 4_000)
    assert (small.random, small.stage, small.amounts) == (4_000, 240, (500, 1_000, 2_000))
    assert (small.test, small.trials) == (Sizes().test, Sizes().trials)


def test_what_rests_on_nothing_says_so_and_is_no_error():
    nothing = mean_by_scene(np.zeros((3, 0), dtype=bool), np.zeros(0, dtype=np.str_))
    assert nothing.n == 0
    assert nothing.cells() == (None, "no data")
    assert nothing.text() == "no data"
    some, none = (
        Examples({"grasped": np.array(held)}, np.ones(2)) for held in ([0.0, 1.0], [0.0, 0.0])
    )
    assert one_sided({"training": some, "test": some}) == ""
    assert one_sided({"training": some, "test": none}) == "of 2 test attempts 0 held"
