"""Meshes that explode are mended or refused; what a file is is found once, by its content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from selfgrasp.common.user_cache import user_cache
from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects import build, meshes
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.hulls import simplified_hull
from selfgrasp.objects.meshes import MeshRules, load_meshes
from selfgrasp.objects.model import ObjectModel, assemble
from selfgrasp.workcell.cells import trial

trimesh = pytest.importorskip("trimesh")

BLOCKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "vpg" / "blocks"
CUBE = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "selfgrasp" / "meshes"


def folder_of(tmp_path: Path, **shapes: FloatArray) -> Path:
    """A folder with the hull of each shape's points (N, 3) as an STL file of that name."""
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name, points in shapes.items():
        faces = ConvexHull(points).simplices
        trimesh.Trimesh(points, faces, process=False).export(folder / f"{name}.stl")
    return folder


def block() -> FloatArray:
    """A block of 50 x 50 x 66 mm with bevels of 4 mm, two corners along each edge of its faces, all
    of them about 0.01 mm off: as toy blocks come out of an editor."""
    half, bevel = np.array([0.028, 0.025, 0.03]), 0.004
    corners = []
    for axis in range(3):
        face = CUBE * (half - bevel)
        face[:, axis] = CUBE[:, axis] * half[axis]
        corners.append(face)
        for side in (-1, 1):
            a, b, c, d = face[CUBE[:, axis] == side]
            for start, end in ((a, b), (b, d), (d, c), (c, a)):
                corners += [(start + (end - start) * share)[None] for share in (1 / 3, 2 / 3)]
    points = np.concatenate(corners)
    return points + np.random.default_rng(1).normal(size=points.shape) * 1e-5


def as_object(points: FloatArray) -> ObjectModel:
    parts = assemble([build.hull(points, np.full(3, 0.5))])
    return ObjectModel("block", "mesh", None, parts, 0.1, 0.7)


def test_corners_along_an_edge_explode_and_are_left_out(tmp_path: Path) -> None:
    assert trial.fault_of(as_object(block()))
    report = load_meshes(folder_of(tmp_path, block=block()))
    (item,) = report.objects
    assert len(item.parts[0].hull.vertices) == 24
    assert item.volume == pytest.approx(ConvexHull(block()).volume, rel=0.005)
    assert not trial.fault_of(item)


def test_a_thin_plate_keeps_its_thickness() -> None:
    plate = CUBE * (0.05, 0.03, 0.0002)
    left = simplified_hull(np.concatenate([plate, plate * (0.5, 1.0, 1.0)]), 0.01)
    assert len(left) == 8
    assert np.ptp(left, axis=0) == pytest.approx((0.1, 0.06, 0.0004))


def test_a_hull_of_few_corners_is_left_as_it_is() -> None:
    ball = trimesh.creation.icosphere(subdivisions=1, radius=0.03).vertices
    assert {tuple(p) for p in simplified_hull(ball, 0.004)} == {tuple(p) for p in ball}
    assert len(simplified_hull(trimesh.creation.icosphere(subdivisions=4).vertices, 1e-6)) == 64


def test_an_object_stands_on_its_steadiest_faces() -> None:
    stands = trial.attitudes(as_object(CUBE * (0.02, 0.03, 0.05)))
    assert [pose[2, 3] for pose in stands[:2]] == pytest.approx([0.02, 0.02])
    assert sorted(pose[2, 3] for pose in stands) == pytest.approx(
        [0.02, 0.02, 0.03, 0.03, 0.05, 0.05]
    )
    assert all(np.linalg.det(pose[:3, :3]) == pytest.approx(1.0) for pose in stands)


def test_what_fails_is_mended_by_fewer_corners_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault_of(item: ObjectModel) -> str:
        return "it flies off" if len(item.parts[0].hull.vertices) > 20 else ""

    monkeypatch.setattr(trial, "fault_of", fault_of)
    bevels = np.concatenate([CUBE * s for s in ((25.5, 25, 25), (25, 25.5, 25), (25, 25, 25.5))])
    ball = trimesh.creation.icosphere(subdivisions=2, radius=30.0).vertices
    folder = folder_of(tmp_path, bevelled=bevels, ball=ball)
    report = load_meshes(folder)
    assert report.refused[0].reason == "it flies off"
    assert len(report.objects[0].parts[0].hull.vertices) <= 20
    said = report.words(str(folder)).splitlines()
    how = "mended, by leaving out corners within 1.0% of its size"
    assert said[1] == f"bevelled.stl: {how}: it flies off"
    assert said[2] == "refused ball.stl: it flies off"


@pytest.mark.skipif(not BLOCKS.is_dir(), reason=f"no {BLOCKS}")
def test_public_toy_blocks_neither_explode_nor_drift(tmp_path: Path) -> None:
    for name in ("2.obj", "6.obj"):
        shutil.copy(BLOCKS / name, tmp_path)
    report = load_meshes(tmp_path, MeshRules(scale=1.0))
    assert [(note.parts, note.notes) for note in report.loaded] == [("one hull", ())] * 2


def test_a_folder_is_judged_once_and_by_its_content(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path, block=CUBE * (0.02, 0.03, 0.05), flat=CUBE * (1.0, 2.0, 3.0))
    first = load_meshes(folder)
    assert "meshes: 2/2 files" in capsys.readouterr().err
    (folder / "block.stl").touch()
    with monkeypatch.context() as patched:
        patched.setattr(meshes, "_judge", None)
        again = load_meshes(folder)
    assert capsys.readouterr().err == ""
    assert catalogue_hash(again.objects) == catalogue_hash(first.objects)
    assert (again.loaded, again.refused) == (first.loaded, first.refused)
    assert len(list(cache.iterdir())) == 2
    trimesh.creation.box((0.05, 0.05, 0.05)).export(folder / "block.stl")
    assert catalogue_hash(load_meshes(folder).objects) != catalogue_hash(first.objects)
    assert load_meshes(folder, MeshRules(mass=0.2)).objects[0].mass == 0.2


def test_a_damaged_or_unwritable_cache_costs_only_time(tmp_path: Path, cache: Path) -> None:
    folder = folder_of(tmp_path, block=CUBE * (0.02, 0.03, 0.05))
    first = catalogue_hash(load_meshes(folder).objects)
    (kept,) = cache.iterdir()
    for damage in ("[]", '{"parts": [[[null, 0, 0]]]}'):
        kept.write_text(damage)
        assert catalogue_hash(load_meshes(folder).objects) == first
    cache.parent.rename(tmp_path / "away")
    cache.parent.write_text("a file where the folder should be")
    assert catalogue_hash(load_meshes(folder).objects) == first


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(user_cache()) == os.path.join(os.environ["XDG_CACHE_HOME"], "selfgrasp")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/somewhere")
    assert user_cache() == Path("/somewhere/.cache/selfgrasp")
