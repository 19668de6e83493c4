"""Meshes from files: cutting, scale, mass, and files that cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from selfgrasp.core.errors import InputError
from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.objects.decompose import hull_volume, merge_pieces
from selfgrasp.objects.meshes import MeshRules, load_meshes
from selfgrasp.objects.model import Shape

trimesh = pytest.importorskip("trimesh")

RANDOM_OBJECTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "random_objects"


def write_groups(
    path: Path, boxes: list[tuple[tuple[float, float, float], tuple[float, float, float]]]
) -> None:
    """An OBJ with one `o` group per box (sides, middle)."""
    lines: list[str] = []
    for index, (sides, middle) in enumerate(boxes):
        mesh = trimesh.creation.box(
            sides, transform=trimesh.transformations.translation_matrix(middle)
        )
        lines += [
            f"o part_{index}",
            *("v {} {} {}".format(*v) for v in mesh.vertices),
            *("f {} {} {}".format(*(f + 1 + 8 * index)) for f in mesh.faces),
        ]
    path.write_text("\n".join(lines) + "\n")


def l_mesh() -> trimesh.Trimesh:
    """A watertight L, 6 by 6 by 2 cm with arms 2 cm wide, in metres: volume 40 cm^3."""
    outline = np.array([(0, 0), (6, 0), (6, 2), (2, 2), (2, 6), (0, 6)]) / 100.0
    caps = np.array([(0, 1, 2), (0, 2, 3), (0, 3, 5), (3, 4, 5)])
    low, high = (
        np.column_stack([outline, np.zeros(6)]),
        np.column_stack([outline, np.full(6, 0.02)]),
    )
    sides = [
        f
        for i in range(6)
        for f in ((i, (i + 1) % 6, 6 + (i + 1) % 6), (i, 6 + (i + 1) % 6, 6 + i))
    ]
    return trimesh.Trimesh(
        np.concatenate([low, high]), np.concatenate([caps[:, ::-1], caps + 6, sides]), process=False
    )


@pytest.mark.parametrize("suffix", ["obj", "stl", "glb", "ply", "off"])
def test_a_box_is_one_hull_in_every_format(tmp_path: Path, suffix: str) -> None:
    trimesh.creation.box((0.06, 0.04, 0.02)).export(tmp_path / f"brick.{suffix}")
    report = load_meshes(tmp_path, MeshRules(mass=0.12))
    (brick,) = report.objects
    assert (len(brick.parts), brick.parts[0].shape, brick.name, brick.family) == (
        1,
        Shape.MESH,
        f"brick.{suffix}",
        "mesh",
    )
    assert brick.volume == pytest.approx(0.06 * 0.04 * 0.02, rel=1e-5)
    assert np.allclose(
        brick.inertia,
        0.01 * np.array([0.06**2 + 0.04**2, 0.06**2 + 0.02**2, 0.04**2 + 0.02**2]),
        rtol=1e-4,
    )
    assert (report.loaded[0].parts, report.loaded[0].unit) == ("one hull", "guessed m")


@pytest.mark.parametrize(("size", "unit"), [(0.06, "m"), (6.0, "cm"), (60.0, "mm")])
def test_the_unit_is_guessed_from_the_longest_side(tmp_path: Path, size: float, unit: str) -> None:
    trimesh.creation.box((size, size / 2, size / 3)).export(tmp_path / "brick.stl")
    report = load_meshes(tmp_path)
    assert report.loaded[0].unit == f"guessed {unit}"
    assert report.objects[0].extents.max() == pytest.approx(0.06, rel=1e-5)


def test_mass_is_density_times_volume_within_the_range(tmp_path: Path) -> None:
    trimesh.creation.box((0.05, 0.05, 0.04)).export(tmp_path / "a.stl")
    trimesh.creation.box((0.03, 0.01, 0.01)).export(tmp_path / "b.stl")
    assert [
        item.mass for item in load_meshes(tmp_path, MeshRules(density=1000.0)).objects
    ] == pytest.approx([0.1, 0.03])


def test_groups_of_an_obj_are_convex_parts(tmp_path: Path) -> None:
    write_groups(
        tmp_path / "t.obj",
        [((0.06, 0.02, 0.02), (0.0, 0.0, 0.0)), ((0.02, 0.04, 0.02), (0.0, 0.03, 0.0))],
    )
    report = load_meshes(tmp_path)
    (tee,) = report.objects
    assert report.loaded[0].parts == "2 groups"
    assert sorted(hull_volume(part.hull.vertices) for part in tee.parts) == pytest.approx(
        [16e-6, 24e-6]
    )


def test_many_groups_merge_into_twelve_where_it_costs_least(tmp_path: Path) -> None:
    write_groups(
        tmp_path / "rod.obj",
        [((0.005, 0.01, 0.01), (0.005 * index, 0.0, 0.0)) for index in range(30)],
    )
    report = load_meshes(tmp_path)
    assert report.loaded[0].parts == "30 groups merged into 12"
    assert report.objects[0].volume == pytest.approx(30 * 0.005 * 1e-4, rel=1e-6)


def test_merging_joins_the_neighbours_that_fit() -> None:
    boxes = [
        trimesh.creation.box(
            (1, 1, 1), transform=trimesh.transformations.translation_matrix(at)
        ).vertices
        for at in ((0, 0, 0), (1, 0, 0), (0, 9, 0))
    ]
    assert sorted(hull_volume(points) for points in merge_pieces(boxes, 2)) == pytest.approx(
        [1.0, 2.0]
    )


def test_a_hollow_shape_is_cut_by_coacd(tmp_path: Path) -> None:
    pytest.importorskip("coacd")
    l_mesh().export(tmp_path / "l.stl")
    report = load_meshes(tmp_path)
    (item,) = report.objects
    assert "by coacd" in report.loaded[0].parts
    assert 2 <= len(item.parts) <= 12
    assert item.volume == pytest.approx(40e-6, rel=0.1)


def test_without_coacd_a_hollow_shape_is_one_hull_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "coacd", None)
    l_mesh().export(tmp_path / "l.stl")
    report = load_meshes(tmp_path)
    assert (len(report.objects[0].parts), report.loaded[0].parts) == (
        1,
        "one hull, though it is not convex: coacd is not installed",
    )
    assert "l.stl: one hull, though it is not convex" in report.words("meshes")


def test_a_detailed_hull_is_simplified(tmp_path: Path) -> None:
    trimesh.creation.icosphere(subdivisions=3, radius=0.03).export(tmp_path / "ball.stl")
    (ball,) = load_meshes(tmp_path).objects
    assert len(ball.parts[0].hull.vertices) <= 64
    assert ball.volume == pytest.approx(4.0 / 3.0 * np.pi * 0.03**3, rel=0.15)


def test_unusable_files_are_refused_with_a_reason_and_stop_nothing(tmp_path: Path) -> None:
    trimesh.creation.box((0.05, 0.05, 0.05)).export(tmp_path / "good.stl")
    trimesh.creation.box((5000.0, 1.0, 1.0)).export(tmp_path / "huge.stl")
    (tmp_path / "nan.obj").write_text("v nan nan nan\nv nan nan nan\nv nan nan nan\nf 1 2 3\n")
    (tmp_path / "flat.obj").write_text(
        "v 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0.1 0.1 0\nf 1 2 3\nf 2 4 3\n"
    )
    (tmp_path / "noise.glb").write_bytes(bytes(range(200)))
    (tmp_path / "cut.stl").write_bytes((tmp_path / "good.stl").read_bytes()[:150])
    (tmp_path / "empty.obj").write_text("")
    (tmp_path / "notes.txt").write_text("not a mesh")
    report = load_meshes(tmp_path)
    assert [item.name for item in report.objects] == ["good.stl"]
    reasons = {r.file: r.reason for r in report.refused}
    assert set(reasons) == {"huge.stl", "nan.obj", "flat.obj", "noise.glb", "cut.stl", "empty.obj"}
    assert "give a scale" in reasons["huge.stl"]
    assert "not finite" in reasons["nan.obj"]
    assert "one plane" in reasons["flat.obj"]
    assert all("unreadable" in reasons[name] for name in ("noise.glb", "cut.stl", "empty.obj"))


@pytest.mark.parametrize(("size", "words"), [(10.0, "exceeds 0.5 m"), (0.005, "below 0.01 m")])
def test_a_given_scale_is_held_to_the_size_of_things(
    tmp_path: Path, size: float, words: str
) -> None:
    trimesh.creation.box((size, size, size)).export(tmp_path / "brick.stl")
    report = load_meshes(tmp_path, MeshRules(scale=1.0))
    assert not report.objects
    assert words in report.refused[0].reason
    with pytest.raises(
        InputError, match=rf"1 usable meshes; exists: 0 usable; brick.stl: .*{words}"
    ):
        objects_by_name(tmp_path, rules=MeshRules(scale=1.0))


def test_a_missing_or_empty_folder_says_what_exists(tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    with pytest.raises(InputError, match=r"given: mesh folder .*mehses.* exists: meshes"):
        load_meshes(tmp_path / "mehses")
    (tmp_path / "meshes" / "readme.txt").write_text("hello")
    with pytest.raises(InputError, match=r"files ending in \.obj .* exists: readme.txt"):
        load_meshes(tmp_path / "meshes")


@pytest.mark.skipif(not RANDOM_OBJECTS.is_dir(), reason=f"no {RANDOM_OBJECTS}")
def test_the_random_objects_of_the_grasping_papers_load(tmp_path: Path) -> None:
    for path in sorted(RANDOM_OBJECTS.glob("*.obj"))[::4]:
        shutil.copy(path, tmp_path)
    report = load_meshes(tmp_path, MeshRules(scale=0.015, mass=0.1))
    assert (len(report.objects), report.refused) == (8, ())
    assert not [note.file for note in report.loaded if note.notes]
    assert all(item.mass == 0.1 and 0.02 < item.extents.max() < 0.3 for item in report.objects)
    smallest = np.array([item.extents.min() for item in report.objects])
    assert 0.3 < (smallest < 0.085).mean() <= 1.0
