"""Meshes judged as they are built: unused vertices, copies, levels of detail, floaters, quantised
and sparse glTF."""

from __future__ import annotations

import json
import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfgrasp.core.errors import InputError
from selfgrasp.objects import gltf, shells
from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.objects.decompose import decompose, merge_pieces, without_contained
from selfgrasp.objects.meshes import load_meshes
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.shells import Surface, surface_of
from selfgrasp.objects.triangles import Shell, coarsened, inside

trimesh = pytest.importorskip("trimesh")


def box(sides: tuple[float, float, float], at: tuple[float, float, float] = (0, 0, 0)) -> Any:
    mesh = trimesh.creation.box(sides)
    mesh.apply_translation(at)
    return mesh


def bracket() -> Any:
    """An L of arms 12 mm thick, which fills 38 % of its hull."""
    p = np.array([(0, 0), (0.1, 0), (0.1, 0.012), (0.012, 0.012), (0.012, 0.09), (0, 0.09)])
    v = np.vstack([np.c_[p, np.zeros(6)], np.c_[p, np.full(6, 0.03)]])
    caps = np.array([(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)])
    sides = [
        t
        for i in range(6)
        for t in ((i, (i + 1) % 6, (i + 1) % 6 + 6), (i, (i + 1) % 6 + 6, i + 6))
    ]
    return trimesh.Trimesh(v, np.vstack([caps[:, ::-1], caps + 6, sides]), process=False)


def surface(*meshes: Any) -> Surface:
    return surface_of((np.asarray(mesh.vertices), np.asarray(mesh.faces)) for mesh in meshes)


def write_gltf(path: Path, accessor: dict[str, Any], raw: bytes, scale: float) -> None:
    """A .glb or .gltf of a box's triangles, whose positions are `accessor` over `raw`."""
    faces = box((1, 1, 1)).faces.astype("<u2").tobytes()
    views = [
        {"buffer": 0, "byteOffset": 0, "byteLength": len(faces)},
        {"buffer": 0, "byteOffset": len(faces), "byteLength": len(raw)},
    ]
    document = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "scale": [scale] * 3}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 1}, "indices": 0}]}],
        "buffers": [{"byteLength": len(faces) + len(raw)}],
        "bufferViews": views,
        "accessors": [
            {"bufferView": 0, "componentType": 5123, "count": 36, "type": "SCALAR"},
            {"count": 8, "type": "VEC3", **accessor},
        ],
    }
    if path.suffix == ".gltf":
        (path.parent / "box.bin").write_bytes(faces + raw)
        document["buffers"][0]["uri"] = "box.bin"  # type: ignore[index]
        path.write_text(json.dumps(document))
        return
    text, blob = json.dumps(document).encode(), faces + raw
    text, blob = text + b" " * (-len(text) % 4), blob + b"\0" * (-len(blob) % 4)
    path.write_bytes(
        b"glTF"
        + struct.pack("<II", 2, 28 + len(text) + len(blob))
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(blob), b"BIN\0")
        + blob
    )


@pytest.mark.parametrize("suffix", ["glb", "gltf"])
@pytest.mark.parametrize(
    ("kind", "dtype"), [(5120, "i1"), (5121, "u1"), (5122, "<i2"), (5123, "<u2")]
)
def test_normalised_integers_are_divided_by_their_range(
    tmp_path: Path, kind: int, dtype: str, suffix: str
) -> None:
    corners = box((1.0, 0.3, 0.6)).vertices
    if "u" in dtype:
        corners = corners + 0.5
    numbers = np.rint(corners * np.iinfo(dtype).max).astype(dtype)
    accessor = {"bufferView": 1, "componentType": kind, "normalized": True}
    write_gltf(tmp_path / f"box.{suffix}", accessor, numbers.tobytes(), scale=0.1)
    (item,) = load_meshes(tmp_path).objects
    assert item.extents.max() == pytest.approx(0.1, rel=0.01)


def test_what_a_sparse_accessor_replaces_is_replaced(tmp_path: Path) -> None:
    corners = box((0.1, 0.03, 0.06)).vertices.astype("<f4")
    raw = corners.tobytes() + np.arange(8, dtype="<u2").tobytes()
    sparse = {
        "count": 8,
        "indices": {"bufferView": 1, "byteOffset": 96, "componentType": 5123},
        "values": {"bufferView": 1},
    }
    write_gltf(tmp_path / "box.glb", {"componentType": 5126, "sparse": sparse}, raw, scale=1.0)
    (item,) = load_meshes(tmp_path).objects
    assert item.extents.max() == pytest.approx(0.1)


def test_compressed_positions_and_outside_buffers_are_refused(tmp_path: Path) -> None:
    required = {"extensionsRequired": ["EXT_meshopt_compression"]}
    (tmp_path / "a.gltf").write_text(json.dumps({"asset": {"version": "2.0"}, **required}))
    (tmp_path / "b.gltf").write_text(json.dumps({"buffers": [{"uri": "../b.bin"}]}))
    (tmp_path.parent / "b.bin").write_bytes(b"")
    reasons = {one.file: one.reason for one in load_meshes(tmp_path).refused}
    assert "EXT_meshopt_compression; export it without" in reasons["a.gltf"]
    assert "no file of its folder" in reasons["b.gltf"]


@pytest.mark.parametrize("stray", [(5.0, 0.0, 0.0), (np.nan, 0.0, 0.0)])
def test_a_vertex_that_no_triangle_uses_has_no_say(
    tmp_path: Path, stray: tuple[float, float, float]
) -> None:
    mesh = box((0.10, 0.03, 0.06))
    lines = ["v {} {} {}".format(*v) for v in [*mesh.vertices, stray]]
    lines += ["f {} {} {}".format(*(f + 1)) for f in mesh.faces] + ["f 9 9 9"]
    (tmp_path / "scan.obj").write_text("\n".join(lines))
    report = load_meshes(tmp_path)
    assert report.loaded[0].unit == "guessed m"
    assert report.objects[0].extents.max() == pytest.approx(0.1)


def test_floaters_of_a_scan_have_no_say_and_are_named(tmp_path: Path) -> None:
    bits = [box((0.01 * i, 0.002, 0.002), (0.4 + 0.1 * i, 0, 0)) for i in range(1, 4)]
    knob = box((0.004, 0.004, 0.004), (0.0, 0.0, 0.031))
    scan = trimesh.util.concatenate([box((0.10, 0.03, 0.06)), knob, *bits])
    scan.export(tmp_path / "scan.ply")
    report = load_meshes(tmp_path)
    assert report.loaded[0].notes == ("left out 3 floaters",)
    assert sorted(report.objects[0].extents) == pytest.approx([0.03, 0.063, 0.1], abs=1e-4)


def test_copies_inside_out_ones_and_coarse_ones_are_one_surface() -> None:
    shape = bracket()
    fine = shape.subdivide().subdivide()
    turned = trimesh.Trimesh(shape.vertices, shape.faces[:, ::-1], process=False)
    for meshes in ((shape, shape, shape), (shape, turned), (fine, shape, turned)):
        assert len(surface(*meshes).shells) == 1
        assert surface(*meshes).volume() == pytest.approx(shape.volume, rel=1e-6)


def test_overlapping_shells_count_once() -> None:
    cross = box((0.1, 0.02, 0.02)), box((0.02, 0.1, 0.02))
    for meshes in (cross, [trimesh.util.concatenate(cross)]):
        assert len(surface(*meshes).shells) == 2
        assert surface(*meshes).volume() == pytest.approx(7.2e-5, rel=0.05)


def test_what_a_holed_surface_encloses_is_still_known() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    holed = Shell(ball.vertices, ball.faces[ball.triangles_center[:, 2] > -0.4])
    assert not holed.closed
    points = np.random.default_rng(3).uniform(-0.5, 0.5, (300, 3))
    right = inside([holed], points) == (np.linalg.norm(points, axis=1) < 0.49)
    assert right.mean() > 0.93


def test_a_coarsened_shell_stays_closed_and_keeps_its_shape() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.5)
    coarse = coarsened(Shell(ball.vertices, ball.faces), 5000)
    assert len(coarse.faces) <= 5000
    assert coarse.closed
    assert Surface((coarse,)).volume() == pytest.approx(ball.volume, rel=0.03)


@pytest.mark.parametrize("names", [("lod0", "lod1", "collision"), ("a", "b", "c")])
def test_a_file_with_copies_is_cut_as_one_copy_is(tmp_path: Path, names: tuple[str, ...]) -> None:
    pytest.importorskip("coacd")
    scene = trimesh.Scene()
    for name in names:
        scene.add_geometry(bracket(), node_name=name, geom_name=name)
    scene.export(tmp_path / "bracket.glb")
    bracket().export(tmp_path / "single.stl")
    report = load_meshes(tmp_path)
    several, single = report.objects
    left_out = {
        "lod0": "left out, as stand-ins by their names: collision, lod1",
        "a": "left out 2 shells that others cover",
    }
    assert report.loaded[0].notes == (left_out[names[0]],)
    assert len(several.parts) == len(single.parts) > 1
    assert several.volume == pytest.approx(single.volume, rel=0.05)


def test_groups_that_are_copies_count_once_and_a_bent_one_is_cut(tmp_path: Path) -> None:
    pytest.importorskip("coacd")
    for name, meshes in {
        "bent": (bracket(), box((0.02, 0.02, 0.03), (0.05, 0.02, 0.0))),
        "twice": (box((0.06, 0.02, 0.02)), box((0.06, 0.02, 0.02)), box((0.02, 0.06, 0.02))),
    }.items():
        lines, first = [], 1
        for index, mesh in enumerate(meshes):
            lines += [f"o part{index}", *("v {} {} {}".format(*v) for v in mesh.vertices)]
            lines += ["f {} {} {}".format(*(f + first)) for f in mesh.faces]
            first += len(mesh.vertices)
        (tmp_path / f"{name}.obj").write_text("\n".join(lines))
    bent, twice = load_meshes(tmp_path).objects
    assert bent.volume < 1.3e-4
    assert len(twice.parts) == 2


def test_pieces_inside_others_are_left_out() -> None:
    pieces = [box((1, 1, 1)).vertices, box((0.5, 0.5, 0.5)).vertices, box((1, 1, 1)).vertices]
    assert len(without_contained([*pieces, box((0.5, 0.5, 2)).vertices])) == 2


def test_a_thousand_pieces_merge_in_seconds() -> None:
    rng = np.random.default_rng(0)
    pieces = [rng.normal(size=(8, 3)) * 0.02 + rng.uniform(size=3) for _ in range(1000)]
    assert len(merge_pieces(pieces, 12)) == 12


def test_a_hash_mark_is_a_letter_unless_it_ends_a_part(tmp_path: Path) -> None:
    folder = tmp_path / "C# parts" / "no#train"
    folder.mkdir(parents=True)
    for index in range(6):
        box((0.05, 0.03, 0.01 * (index + 1))).export(folder / f"box{index}.stl")
    assert len(objects_named(str(folder))) == 6
    train, test = (objects_named(f"{folder}#{part}") for part in ("train", "test"))
    assert (len(train), len(test)) == (4, 2)
    assert not {item.name for item in train} & {item.name for item in test}
    with pytest.raises(InputError, match="its parts are FOLDER#train and FOLDER#test"):
        objects_named(f"{folder}#trian")


def test_refused_meshes_and_guessed_units_are_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box((0.05, 0.03, 0.06)).export(tmp_path / "brick.stl")
    box((50, 30, 60)).export(tmp_path / "block.stl")
    box((0.4, 0.4, 0.9)).export(tmp_path / "chair.stl")
    for _ in range(2):
        objects_by_name(tmp_path)
    said = capsys.readouterr().err
    units = "unit guessed mm: block.stl; unit guessed m: brick.stl"
    assert f"2 objects from {tmp_path}, 1 refused; {units}" in said
    assert said.count("refused chair.stl: longest side") == 1


def test_convex_shells_of_one_file_are_taken_as_they_are(tmp_path: Path) -> None:
    cross = trimesh.util.concatenate([box((0.1, 0.02, 0.02)), box((0.02, 0.1, 0.02))])
    cross.export(tmp_path / "cross.stl")
    report = load_meshes(tmp_path)
    assert report.loaded[0].parts == "2 convex shells"
    assert report.objects[0].extents == pytest.approx((0.1, 0.1, 0.02))


def test_a_handle_that_overlaps_a_convex_body_is_cut_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("coacd")
    handle = bracket()
    handle.apply_translation((0.03, -0.02, -0.015))
    trimesh.util.concatenate([box((0.08, 0.08, 0.08)), handle]).export(tmp_path / "mug.stl")
    report = load_meshes(tmp_path)
    assert report.loaded[0].parts.startswith("1 convex shells, ")
    bodies = [part for part in report.objects[0].parts if np.ptp(part.hull.vertices) > 0.079]
    assert any(len(part.hull.vertices) == 8 for part in bodies)


def test_a_large_mesh_is_made_coarser_and_keeps_its_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "MOST_TRIANGLES", 5000)
    trimesh.creation.icosphere(subdivisions=5, radius=0.04).export(tmp_path / "ball.stl")
    (item,) = load_meshes(tmp_path).objects
    assert item.extents == pytest.approx([0.08] * 3, rel=0.05)


def test_files_that_lie_about_their_size_are_refused_at_once(tmp_path: Path) -> None:
    accessor = {"componentType": 5122, "normalized": True, "count": 10**11}
    write_gltf(tmp_path / "a.glb", accessor, b"", scale=1.0)
    (tmp_path / "b.gltf").write_text("[" * 100_000)
    (tmp_path / "c.stl").write_bytes(bytes(80) + b"\xff" * 4 + bytes(50))
    os.mkfifo(tmp_path / "d.stl")
    report = load_meshes(tmp_path)
    assert [one.file for one in report.refused] == ["a.glb", "b.gltf", "c.stl", "d.stl"]
    assert all(one.reason.startswith("unreadable: ") for one in report.refused)


def test_a_face_of_corner_zero_is_refused_and_negative_corners_count_from_the_last(
    tmp_path: Path,
) -> None:
    mesh = box((0.03, 0.04, 0.05))
    corners = ["v {} {} {}".format(*v) for v in mesh.vertices]
    for name, first in {"zero": 0, "negative": -len(mesh.vertices)}.items():
        faces = ["f {}/1 {}/1 {}/1".format(*(f + first)) for f in mesh.faces]
        (tmp_path / f"{name}.obj").write_text("\n".join([*corners, *faces]))
    report = load_meshes(tmp_path)
    assert [(one.file, "corner 0" in one.reason) for one in report.refused] == [("zero.obj", True)]
    assert report.objects[0].extents == pytest.approx(mesh.extents)


def test_an_open_box_is_cut_in_seconds_and_keeps_its_outside(tmp_path: Path) -> None:
    pytest.importorskip("coacd")
    mesh = box((0.03, 0.04, 0.05))
    began = time.process_time()
    surface = surface_of([(mesh.vertices, np.vstack([mesh.faces[:-3], [[0, 1, 6]]]))])
    pieces = decompose(surface, 12)
    assert "coacd" in pieces.how
    corners = np.concatenate(pieces.points)
    assert np.ptp(corners, axis=0) == pytest.approx(mesh.extents, rel=0.1)
    assert time.process_time() - began < 15.0


BOX_FACES = "\n".join(
    f"f {a} {b} {c}"
    for a, b, c in (
        (1, 2, 4),
        (1, 4, 3),
        (5, 7, 8),
        (5, 8, 6),
        (1, 5, 6),
        (1, 6, 2),
        (3, 4, 8),
        (3, 8, 7),
        (1, 3, 7),
        (1, 7, 5),
        (2, 6, 8),
        (2, 8, 4),
    )
)


def corner_lines(start: str) -> str:
    """Corners of a box, a line each."""
    return "\n".join(f"{start}{x} {y} {z}" for x in (0, 0.1) for y in (0, 0.03) for z in (0, 0.06))


def test_an_obj_may_have_tabs_and_names_in_another_encoding(tmp_path: Path) -> None:
    plain = f"o Gr\xfcn\n{corner_lines('v ')}\n{BOX_FACES}\n"
    (tmp_path / "latin.obj").write_bytes(plain.encode("latin-1"))
    (tmp_path / "tabs.obj").write_text(plain.replace("f ", "f\t").replace("v ", "v\t"))
    report = load_meshes(tmp_path)
    assert not report.refused
    for item in report.objects:
        assert np.ptp(item.parts[0].hull.vertices, axis=0).max() == pytest.approx(0.1)


@pytest.mark.parametrize("corner", [-3, 99])
def test_a_triangle_of_a_vertex_that_is_not_there_is_refused(tmp_path: Path, corner: int) -> None:
    faces = [line.split()[1:] for line in BOX_FACES.splitlines()]
    head = "ply\nformat ascii 1.0\nelement vertex 8\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += "element face 13\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"3 {' '.join(str(int(index) - 1) for index in face)}" for face in faces]
    rows.append(f"3 0 1 {corner}")
    (tmp_path / "a.ply").write_text(head + corner_lines("") + "\n" + "\n".join(rows) + "\n")
    assert f"vertex {corner}, of 8" in load_meshes(tmp_path).refused[0].reason


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"extensionsRequired": ["VENDOR_positions"]}, "requires VENDOR_positions"),
        ({"nodes": [{"mesh": 0, "skin": 0}]}, "a skeleton poses it"),
        ({"nodes": [{"mesh": 0, "weights": [0.0, 1.0]}]}, "morph targets"),
        ({"nodes": [{"extensions": {"EXT_mesh_gpu_instancing": {}}}]}, "places copies"),
    ],
)
def test_a_gltf_of_another_shape_than_its_positions_say_is_refused(
    more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gltf.plain(gltf.GltfFile(more, None), lambda _: b"")
    harmless = {"extensionsRequired": ["KHR_materials_unlit", "KHR_mesh_quantization"]}
    assert gltf.plain(gltf.GltfFile(harmless, None), lambda _: b"")


def test_many_convex_shells_are_merged_and_not_cut() -> None:
    boxes = [box((0.01, 0.01, 0.01), (0.02 * i, 0.0, 0.0)) for i in range(20)]
    pieces = decompose(surface(*boxes), 12)
    assert (len(pieces.points), pieces.how) == (12, "20 convex shells")
