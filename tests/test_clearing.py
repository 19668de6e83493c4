"""`declutter` and `arrangements`: when a run ends, figures counted by hand, and what plays them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from helpers_play import episode, record

from selfgrasp.core import AttemptKind, Grasp, InputError, Plan, Push
from selfgrasp.core.attempt import Fault
from selfgrasp.core.pose import top_down
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.played import played
from selfgrasp.evaluation.policies import resolve_all
from selfgrasp.evaluation.protocol import Measurement
from selfgrasp.objects.arrangements import own_cases
from selfgrasp.objects.catalogue import block_objects
from selfgrasp.papers.bench import bench
from selfgrasp.protocols import clearing
from selfgrasp.protocols.arrangements import ARRANGEMENTS, by_case
from selfgrasp.protocols.clear import COMPLETION
from selfgrasp.protocols.declutter import DECLUTTER
from selfgrasp.protocols.heap import CLEARED
from selfgrasp.protocols.metric import DOUBLE_LIFTS, LOST
from selfgrasp.rollout.policies import load_policy
from selfgrasp.workcell.cells.flat_table import HALF_SIZE, FlatTableConfig
from selfgrasp.workcell.cells.simulated import SimCell, cell_files, make_cell
from selfgrasp.workcell.play import Stop, Task

SMALL = FlatTableConfig(picture_px=120, renderer="rays", noise="none")
HELD, MISSED = record(True), record(False, changed=0.05)
PUSHED = record(False, changed=0.05, kind=AttemptKind.PUSH)
STILL = record(False, changed=clearing.LEAST_CHANGE / 2)


def flat_table(**options) -> SimCell:
    """A small cell of toy blocks without noise."""
    return make_cell("flat_table", block_objects(), replace(SMALL, **options))


def poses(cell: SimCell) -> np.ndarray:
    """(N, 4, 4) of every object."""
    return np.array([cell.world.object_pose(p.slot) for p in cell.world.placed])


class Nowhere:
    """Grasps where nothing is."""

    name, privileged = "nowhere", ()

    def plan(self, context):
        return Plan.only(Grasp(top_down((0.2, 0.2, 0.1), 0.0), 0.06))


def test_figures_by_hand():
    fast = episode([MISSED, HELD, PUSHED, HELD, HELD], left=0, placed=3)
    slow = episode([HELD, PUSHED, PUSHED, PUSHED, HELD], left=0, placed=2)
    failed = episode([HELD, MISSED, MISSED, PUSHED], left=1, placed=2)
    found = {metric: one.value for metric, one in clearing.metrics([fast, slow, failed]).items()}
    assert found[COMPLETION] == pytest.approx(2 / 3)
    assert found[clearing.EMPTIED] == pytest.approx(2 / 3)
    assert found[clearing.WITHIN_2N] == pytest.approx(1 / 3)
    # Over completed runs, as published: the mean of 3 of 4 and 2 of 2; of 3 and 2 objects in 5.
    assert found[clearing.GRASP_SUCCESS] == pytest.approx((3 / 4 + 1) / 2)
    assert found[clearing.ACTION_EFFICIENCY] == pytest.approx((3 / 5 + 2 / 5) / 2)
    assert found[clearing.GRASP_SUCCESS_ALL] == pytest.approx(6 / 9)
    assert found[clearing.ACTION_EFFICIENCY_ALL] == pytest.approx(6 / 14)
    assert found[clearing.PUSHES] == pytest.approx(5 / 14)
    assert found[CLEARED] == pytest.approx(6 / 7)


def test_two_objects_in_one_grasp_are_both_lifted_and_told():
    both = episode([record(True, lifted=["a cube", "a tile"]), HELD], left=0, placed=3)
    found = {metric: one.value for metric, one in clearing.metrics([both]).items()}
    assert (found[COMPLETION], found[clearing.WITHIN_2N], found[CLEARED]) == (1.0, 1.0, 1.0)
    assert found[clearing.ACTION_EFFICIENCY] == pytest.approx(3 / 2)
    assert found[DOUBLE_LIFTS] == pytest.approx(1 / 2)


def test_a_lost_object_makes_a_run_incomplete():
    lost = episode([HELD, record(False, kind=AttemptKind.PUSH, lost=1)], left=0, placed=2)
    found = {metric: one.value for metric, one in clearing.metrics([lost]).items()}
    assert (found[COMPLETION], found[clearing.WITHIN_2N]) == (0.0, 0.0)
    assert found[clearing.EMPTIED] == 1.0, "as published, what fell off does not count"
    assert found[LOST] == pytest.approx(1 / 2)
    assert clearing.GRASP_SUCCESS not in found


def test_a_table_tells_which_cases_are_always_and_never_completed():
    runs = [
        replace(episode([HELD, PUSHED, HELD], left=0, placed=2), arranged="easy"),
        replace(episode([MISSED, HELD, HELD, HELD], left=0, placed=3), arranged="mixed"),
        replace(episode([MISSED, HELD, PUSHED], left=2, placed=3), arranged="mixed"),
        replace(episode([MISSED] * 9, left=3, placed=3), arranged="hard"),
    ]
    table = by_case("someone", runs)
    assert table.note == "Always completed: easy. Never completed: hard."
    assert [row[0] for row in table.rows] == ["easy", "hard", "mixed"]
    mixed = dict(zip(table.columns, table.rows[2], strict=True))
    assert (mixed["runs"], mixed["completion"], mixed["within 2 N"]) == (2, 0.5, 0.5)
    assert (mixed["grasp success"], mixed["actions"]) == (pytest.approx(4 / 6), 3.5)


def test_more_than_ten_actions_in_a_row_without_change_end_a_run():
    stop = Stop(unchanged=clearing.UNCHANGED, least_change=clearing.LEAST_CHANGE)
    assert not stop.reached([STILL] * 10, None)
    assert not stop.reached([STILL] * 10 + [PUSHED] + [STILL] * 10, None)
    assert not stop.reached([STILL] * 10 + [record(True)] + [STILL] * 10, None)
    assert stop.reached([STILL] * 11, None)


@pytest.fixture(scope="module")
def cases():
    with flat_table(layout="cases") as cell:
        yield cell


def test_a_policy_that_changes_nothing_is_stopped_and_no_run_is_longer_than_its_cap(
    cases, monkeypatch
):
    run = clearing.play("arrangements", cases.cell, Nowhere(), Task(0))
    assert len(run.attempts) == clearing.UNCHANGED
    assert run.arranged == own_cases()[0].name
    monkeypatch.setattr(clearing, "LEAST_CHANGE", 0.0)
    run = clearing.play("arrangements", cases.cell, Nowhere(), Task(0))
    assert run.placed is not None
    assert len(run.attempts) == 3 * len(run.placed) + 15


def test_it_pushes_only_after_a_miss_and_grasps_after_a_push(cases):
    policy = load_policy("heuristic+push")
    run = clearing.play("arrangements", cases.cell, policy, Task(3))
    for before, now in pairwise(run.attempts):
        missed = before.kind is AttemptKind.GRASP and not before.grasped
        assert (now.kind is AttemptKind.PUSH) == missed
    kinds = [(one.kind, one.grasped) for one in run.attempts]
    assert (AttemptKind.PUSH, False) in kinds
    assert (AttemptKind.GRASP, True) in kinds


def test_random_pushes_and_grasps_stay_inside_and_meet_something(cases):
    policy = load_policy("random_push_grasp")
    spec, kinds, moved = cases.cell.spec, [], 0
    cases.reset(2)
    for _ in range(12):
        attempt = cases.attempt(policy)
        (step,) = attempt.steps
        assert attempt.outcome.fault is not Fault.UNREACHABLE
        if isinstance(step.action, Push):
            ends = (
                step.action.start,
                step.action.start
                + 0.1 * np.array([np.cos(step.action.yaw), np.sin(step.action.yaw), 0.0]),
            )
            assert all(spec.workspace.contains(end) for end in ends)
            moved += attempt.outcome.changed > clearing.LEAST_CHANGE
        kinds.append(type(step.action))
    assert {*kinds} == {Push, Grasp}
    assert moved >= kinds.count(Push) / 2


def test_all_scattered_blocks_stay_inside():
    assert DECLUTTER.config.count == 30
    with flat_table(count=20) as cell:
        cell.reset(0)
        assert cell.remaining() == 20
        assert np.abs(poses(cell)[:, :2, 3]).max() < HALF_SIZE


@pytest.mark.parametrize("layout", ["scattered", "packed"])
def test_seeds_repeat(layout):
    with flat_table(count=5, layout=layout) as cell:
        found = []
        for seed in (3, 4, 3):
            cell.reset(seed)
            found.append(poses(cell))
        assert np.array_equal(found[0], found[2])
        assert found[0].shape != found[1].shape or not np.array_equal(found[0], found[1])


def test_mixed_scenes_are_scattered_or_packed():
    with flat_table(layout="mixed", count=8) as cell:
        truth = cell.cell.drivers.truth
        counts = {"": set(), "packed": set()}
        for seed in range(8):
            cell.reset(seed)
            counts["packed" if truth.arranged() else ""].add(cell.remaining())
    assert counts[""] == {8}
    assert counts["packed"] <= {2, 3, 4, 5, 6}
    assert counts["packed"]


def test_a_restored_state_gives_the_same_push(cases):
    cases.reset(4)
    scene = cases.cell.drivers.scene
    state = scene.save()
    push = Push(np.array([-0.12, 0.0, 0.008]), 0.0, 0.1)
    after = []
    for _ in range(2):
        cases.cell.do(push)
        after.append(poses(cases))
        scene.restore(state)
    assert np.array_equal(after[0], after[1])
    assert np.abs(after[0] - poses(cases)).max() > 0.01


def written(folder: Path, **cases: str) -> Path:
    """A folder of arrangements."""
    folder.mkdir()
    for name, text in cases.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def job(**given) -> BenchJob:
    options = {"picture_px": 64, "renderer": "rays", "noise": "none"}
    return BenchJob("arrangements", ("heuristic",), options=options, **given)


def test_every_case_is_played_equally_often_and_as_often_as_the_protocol_says(tmp_path):
    assert ARRANGEMENTS.trials == 30
    two = "cube red 0 0 0\ntile blue 0.1 0 0\n"
    folder = written(tmp_path / "cases", one="cube red 0 0 0\n", two=two)
    protocol = played(replace(ARRANGEMENTS, trials=2))
    policies = resolve_all(["heuristic"])
    found = protocol.measure(Measurement(job(cases=folder), policies, tmp_path / "out", workers=1))
    (episodes,) = found.episodes.values()
    assert sorted(e.arranged for e in episodes) == ["one", "one", "two", "two"]
    (table,) = found.tables
    assert [row[:2] for row in table.rows] == [("one", 2), ("two", 2)]


def test_a_file_that_changed_is_another_cell(tmp_path):
    folder = written(tmp_path / "cases", one="cube red 0 0 0\n")
    config = FlatTableConfig(layout="cases", cases=str(folder))
    before = cell_files("flat_table", config)
    assert cell_files("flat_table", config) == before
    (folder / "one.txt").write_text("cube red 0 0.01 0\n")
    assert cell_files("flat_table", config) != before
    assert cell_files("flat_table", FlatTableConfig()) == {}


def test_a_case_that_does_not_stay_is_refused_before_anything_is_played(tmp_path):
    tips = "plank green 0 0.06 0\ncube red 0.07 0.06 0 flat 0.025\n"
    folder = written(tmp_path / "cases", a_good="cube red 0 0 0\n", b_tips=tips)
    with pytest.raises(InputError, match=r"b_tips\.txt: .*object 2 \(toy_cube-red\) moved by"):
        bench(job(cases=folder), out=tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_arrangements_are_for_their_protocol_alone(tmp_path):
    for name in ("heap", "prediction"):
        wrong = replace(job(cases=tmp_path), protocol=name, options={})
        with pytest.raises(InputError, match=f"--cases {tmp_path} for {name}; wanted: a protocol"):
            measure(wrong, out=tmp_path / "out")
    with pytest.raises(InputError, match=f"--meshes {tmp_path} without --cases"):
        measure(job(meshes=tmp_path), out=tmp_path / "out")
