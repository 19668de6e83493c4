"""`selfgrasp candidates`: the same grasps for any number of workers, and others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from selfgrasp.cli import main
from selfgrasp.common.split import SplitRule
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset, check
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.lying import Lying
from selfgrasp.objects.quality.labels import LABELS
from selfgrasp.objects.quality.scaling import scaled
from selfgrasp.objects.quality.scenes import SceneRecipe, joined, make_scene
from selfgrasp.objects.stable import stable_poses
from selfgrasp.rollout.candidate_objects import choose_objects, models_of
from selfgrasp.rollout.candidates import _scene, make_candidates, make_session
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
    made(tmp_path, 40)
    parts = made(tmp_path, 150, workers=2)
    job = CandidatesJob(tmp_path, grasps=150, **FEW)
    scenes = []
    while sum(map(len, scenes)) < 150:
        scenes.append(_scene(job, choose_objects(job), len(scenes))[1])
    assert any(len(set(one.objects)) > 1 for one in scenes)
    whole = joined(scenes)
    np.testing.assert_array_equal(parts["tools"], whole.world_from_tool.astype(np.float32))
    np.testing.assert_allclose(parts["depth"], whole.depth, atol=2e-4)
    for name in LABELS:
        np.testing.assert_array_equal(parts[name], whole.labels[name])
    assert check(tmp_path).problems == ()


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
    with pytest.raises(InputError, match=r"exists: recipe.unknown.friction 0.5 instead of 0.7$"):
        make_candidates(CandidatesJob(tmp_path / "data", grasps=20, friction=0.7, **FEW))
    with Dataset.open(tmp_path / "data") as data:
        assert len(data.sessions) == 1
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


def boxes(folder: Path, **sides: tuple[float, float, float]) -> str:
    trimesh = pytest.importorskip("trimesh")
    folder.mkdir()
    for name, extents in sides.items():
        trimesh.creation.box(extents).export(folder / f"{name}.stl")
    return str(folder)


def test_objects_that_nothing_can_hold_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    large, small = (0.2, 0.2, 0.2), (0.04, 0.05, 0.06)
    one = boxes(tmp_path / "one", large=large)
    with pytest.raises(InputError, match=r"large.stl \(200 mm\).*narrower than 85 mm"):
        make_candidates(CandidatesJob(tmp_path / "out", 10, one, workers=1, scale="none"))
    assert not (tmp_path / "out").exists()
    two = boxes(tmp_path / "two", large=large, small=small)
    job = CandidatesJob(tmp_path / "two-out", 10, two, workers=1, heaps=0, scale="none", samples=2)
    make_candidates(job)
    assert "no candidates, of 1 objects: large.stl (200 mm)" in capsys.readouterr().err


def test_a_folder_is_scaled_where_nothing_fits_and_as_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    sides = {"large": (0.1, 0.12, 0.2), "plate": (0.16, 0.18, 0.003), "small": (0.04, 0.05, 0.06)}
    folder = boxes(tmp_path / "meshes", **sides)

    def mm(scale: Literal["auto", "none", "published"]) -> dict[str, list[float]]:
        chosen = choose_objects(CandidatesJob(tmp_path / "out", objects=folder, scale=scale))
        return {
            item.name.partition(".")[0]: sorted(np.round(1e3 * item.extents, 1).tolist())
            for item in models_of(chosen)
        }

    assert mm("none") == {
        "large": [100.0, 120.0, 200.0],
        "plate": [3.0, 160.0, 180.0],
        "small": [40.0, 50.0, 60.0],
    }
    # 0.8 of 85 mm are 68. The plate hardly ever stands, so what counts is its width as it lies.
    assert mm("auto") == {
        "large": [68.0, 81.6, 136.0],
        "plate": [1.3, 68.0, 76.5],
        "small": [40.0, 50.0, 60.0],
    }
    assert "scaled 2 objects: large.stl x 0.68, plate.stl x 0.425" in capsys.readouterr().err
    # A plate of 68 mm would be 4 m long.
    assert mm("published") == {
        "large": [68.0, 81.6, 136.0],
        "plate": [8.3, 444.4, 500.0],
        "small": [68.0, 85.0, 102.0],
    }


def test_the_scale_is_recorded_where_there_is_one(tmp_path: Path):
    for scale, options in (("none", {}), ("auto", {}), ("published", {"scale": "published"})):
        job = CandidatesJob(tmp_path, objects="household", scale=scale)
        recorded = make_session(job, choose_objects(job)).options
        assert {k: v for k, v in recorded.items() if k == "scale"} == options


def test_a_scaled_object_is_of_the_same_material():
    item = train_objects(1)[0]
    twice = scaled(item, 2.0)
    assert twice.mass == pytest.approx(8 * item.mass)
    assert twice.volume == pytest.approx(8 * item.volume)
    np.testing.assert_allclose(twice.bounds, 2 * item.bounds)


def test_what_lies_beside_is_in_the_way(tmp_path: Path):
    job = CandidatesJob(tmp_path, grasps=1, shapes=8, heaps=1.0, most=6, samples=5)
    chosen = choose_objects(job)
    _, heap = _scene(job, chosen, 0)
    assert len(set(heap.objects)) > 1
    assert (heap.labels["others"] == len(set(heap.objects)) - 1).all()
    assert 0.0 < heap.labels["free"].mean() < 0.95
    assert (heap.labels["epsilon"][heap.labels["free"] == 0] == 0).all()
    assert heap.labels["moved"].mean() == pytest.approx(0.2, abs=0.1)
    _, again = _scene(job, chosen, 0)
    np.testing.assert_array_equal(heap.depth, again.depth)


def test_a_heap_holds_objects_of_one_part_alone():
    rule, heaps = SplitRule(), Heaps(train_objects(24), 8)
    for index in range(6):
        names = [one.item.name for one in heaps.drop(index, np.random.default_rng(index))]
        assert len({rule.part_of(f"object|{name}") for name in names}) == 1


def test_a_heap_does_not_hang_on_what_was_dropped_before():
    objects = train_objects(12)
    used = Heaps(objects, 6)
    for index in (3, 8):
        used.drop(index, np.random.default_rng(index))
    heaps = [one.drop(5, np.random.default_rng(5)) for one in (Heaps(objects, 6), used)]
    fresh, again = ([(one.item.name, one.table_from_object) for one in heap] for heap in heaps)
    assert len(fresh) > 1
    for (name, lies), (other, placed) in zip(fresh, again, strict=True):
        assert name == other
        np.testing.assert_array_equal(lies, placed)


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
