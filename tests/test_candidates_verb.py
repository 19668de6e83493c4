"""`selfgrasp candidates`: the same grasps for any number of workers, and others are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selfgrasp.cli import main
from selfgrasp.common.split import SplitRule
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset, check
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.quality.scenes import LABELS, Lying, SceneRecipe, make_scene
from selfgrasp.objects.stable import stable_poses
from selfgrasp.rollout.candidates import _scene, make_candidates
from selfgrasp.rollout.heaps import Heaps
from selfgrasp.rollout.jobs import CandidatesJob
from selfgrasp.workcell.cells.config import GRIPPER
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig

FEW = {"shapes": 6, "heaps": 0.1, "most": 4, "per_pose": 6, "pictures": 2, "samples": 5}


def made(out: Path, grasps: int, workers: int = 1) -> dict[str, np.ndarray]:
    make_candidates(CandidatesJob(out, grasps=grasps, workers=workers, **FEW))
    with Dataset.open(out) as data:
        table = data.candidates()
        read = table.read(np.arange(len(table)), {name: table.label(name) for name in LABELS})
    return {"depth": read.depth, "tools": read.world_from_tool, **read.labels}


def test_any_number_of_workers_and_any_interruption_make_the_same(tmp_path: Path):
    whole = made(tmp_path / "whole", 150)
    assert len(whole["tools"]) >= 150
    made(tmp_path / "parts", 40, workers=2)
    parts = made(tmp_path / "parts", 150, workers=2)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, parts[name])
    assert check(tmp_path / "parts").problems == ()


def test_labels_agree_with_each_other():
    rng, labels = np.random.default_rng(0), []
    for item in train_objects(12):
        alone = Lying(item, stable_poses(item)[0].table_from_object)
        scene = make_scene([alone], GRIPPER, rng, SceneRecipe(pictures=1))
        labels.append(np.stack([scene.labels[name] for name in LABELS], axis=1))
        assert scene.depth.shape[0] <= 1
        tips = scene.world_from_tool[:, 2, 3]
        assert tips.min(initial=1.0) >= 0.004 - 1e-9
        assert (scene.world_from_tool[:, 2, 2] == -1.0).all()
    epsilon, closure, free, resist = np.concatenate(labels).T
    assert set(np.unique(free)) == {0.0, 1.0}
    assert (epsilon[free == 0] == 0).all()
    assert (resist[free == 0] == 0).all()
    assert (closure[epsilon > 0] > 0).all()
    assert 0.05 < (epsilon > 0.002).mean() < 0.5


def test_others_need_another_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made(tmp_path / "data", 20)
    with pytest.raises(InputError, match="made otherwise"):
        make_candidates(CandidatesJob(tmp_path / "data", grasps=20, friction=0.7, **FEW))
    given = ["candidates", "--out", str(tmp_path / "data"), "--grasps", "20", "--workers", "1"]
    options = [
        "--shapes",
        "6",
        "--heaps",
        "0.1",
        "--most",
        "4",
        "--per-pose",
        "6",
        "--pictures",
        "2",
        "--samples",
        "5",
    ]
    assert main([*given, *options]) == 0
    assert "are there already" in capsys.readouterr().out


def test_objects_that_nothing_can_hold_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trimesh = pytest.importorskip("trimesh")
    (tmp_path / "meshes").mkdir()
    trimesh.creation.box((0.2, 0.2, 0.2)).export(tmp_path / "meshes" / "large.stl")
    monkeypatch.setattr("selfgrasp.rollout.candidates._IDLE", 5)
    with pytest.raises(InputError, match="narrower than 85 mm"):
        make_candidates(CandidatesJob(tmp_path / "out", 10, str(tmp_path / "meshes"), workers=1))


def test_what_lies_beside_is_in_the_way(tmp_path: Path):
    job = CandidatesJob(tmp_path, grasps=1, shapes=8, heaps=1.0, most=6, samples=5)
    _, heap = _scene(job, 0)
    assert len(set(heap.objects)) > 1
    assert (heap.labels["others"] == len(set(heap.objects)) - 1).all()
    assert 0.0 < heap.labels["free"].mean() < 0.95
    assert (heap.labels["epsilon"][heap.labels["free"] == 0] == 0).all()
    assert heap.labels["moved"].mean() == pytest.approx(0.2, abs=0.1)
    _, again = _scene(job, 0)
    np.testing.assert_array_equal(heap.depth, again.depth)


def test_a_heap_holds_objects_of_one_part_alone():
    rule, heaps = SplitRule(), Heaps(train_objects(24), 8)
    for index in range(6):
        names = [one.item.name for one in heaps.drop(index, np.random.default_rng(index))]
        assert len({rule.part_of(f"object|{name}") for name in names}) == 1


def test_pictures_are_those_of_the_simulator():
    objects = train_objects(5)
    with tabletop(objects, TabletopConfig(count=5, noise="none", renderer="rays")) as cell:
        seen = cell.reset(3).view("overhead")
        placed = [
            (part, cell.world.object_pose(one.slot))
            for one in cell.world.placed
            for part in one.model.parts
        ]
    placed += [(part, np.eye(4)) for part in Heaps(objects, 2).walls]
    depth = depth_picture(placed, seen.world_from_camera, seen.intrinsics, seen.depth.shape)
    hand_free = np.isfinite(seen.depth)
    assert hand_free.mean() > 0.95
    assert np.quantile(np.abs(depth - seen.depth)[hand_free], 0.99) < 1e-3
