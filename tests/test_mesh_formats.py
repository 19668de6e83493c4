"""Mesh files as other programs write them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfgrasp.objects import gltf, mesh_cache
from selfgrasp.objects.mesh_file import UnusableMesh, open_mesh, read_triangles

trimesh = pytest.importorskip("trimesh")

CAPS = ((3, 2, 1, 0), (4, 5, 6, 7))
SIDES = tuple((i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4) for i in range(4))


def read(path: Path) -> Any:
    """What a file holds, as one mesh of trimesh."""
    meshes = read_triangles(open_mesh(path)).meshes
    return trimesh.util.concatenate(
        [trimesh.Trimesh(mesh.vertices, mesh.faces, process=False) for mesh in meshes]
    )


def corners() -> np.ndarray[Any, np.dtype[np.float64]]:
    square = np.array([(0, 0), (0.1, 0), (0.1, 0.03), (0, 0.03)])
    return np.concatenate([np.c_[square, np.full(4, z)] for z in (0.0, 0.06)])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("extra", ["", "before", "list"])
def test_a_binary_ply_of_triangles_and_quadrangles_is_read(
    tmp_path: Path, order: str, extra: str
) -> None:
    faces = [*CAPS, *SIDES[:2], *((a, b, c) for a, b, c, _ in SIDES[2:])]
    faces += [(a, c, d) for a, _, c, d in SIDES[2:]]
    properties = ["property list uchar int vertex_indices"]
    if extra == "before":
        properties.insert(0, "property ushort flags")
    if extra == "list":
        properties.append("property list uchar float texcoord")
    endian = "little" if order == "<" else "big"
    head = [
        "ply",
        f"format binary_{endian}_endian 1.0",
        "element vertex 8",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        *properties,
        "end_header\n",
    ]
    body = corners().astype(order + "f4").tobytes()
    for face in faces:
        body += struct.pack(order + "H", 9) if extra == "before" else b""
        body += struct.pack(f"{order}B{len(face)}i", len(face), *face)
        body += struct.pack(order + "B2f", 2, 0.5, 0.5) if extra == "list" else b""
    (tmp_path / "a.ply").write_bytes("\n".join(head).encode() + body)
    found = read(tmp_path / "a.ply")
    assert found.volume == pytest.approx(0.1 * 0.03 * 0.06)
    (tmp_path / "a.ply").write_bytes("\n".join(head).encode() + body[:-9])
    with pytest.raises(UnusableMesh):
        read(tmp_path / "a.ply")


def test_an_obj_may_have_comments_behind_numbers(tmp_path: Path) -> None:
    lines = ["v {:g} {:g} {:g} # corner 0".format(*corner) for corner in corners()]
    for a, b, c, d in (*CAPS, *SIDES):
        lines += [f"f {a + 1} {b + 1} {c + 1} {d + 1} # 0"]
    (tmp_path / "a.obj").write_text("\n".join(lines))
    assert read(tmp_path / "a.obj").volume == pytest.approx(0.1 * 0.03 * 0.06)


def test_what_follows_the_triangles_of_a_binary_stl_is_left_away(tmp_path: Path) -> None:
    box = trimesh.creation.box((0.1, 0.03, 0.06))
    (tmp_path / "a.stl").write_bytes(box.export(file_type="stl") + b"made by a scanner" * 9)
    assert len(read(tmp_path / "a.stl").faces) == 12


def test_a_hidden_node_of_a_gltf_is_not_there() -> None:
    hidden = {"KHR_node_visibility": {"visible": False}}
    nodes = [{"mesh": 0, "children": [1], "extensions": hidden}, {"mesh": 0}]
    plain = gltf.parse(gltf.plain(gltf.GltfFile({"nodes": nodes}, None), lambda _: b""))
    assert plain.tree["nodes"] == [{"extensions": hidden}, {"mesh": 0}]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"nodes": [{"children": [2]}, {"children": [2]}, {}]}, "hangs on two others"),
        ({"buffers": [{"byteLength": 9, "uri": "a.bin"}]}, "a buffer of 4 bytes, not of 9"),
    ],
)
def test_a_gltf_that_contradicts_itself_is_refused(tree: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gltf.plain(gltf.GltfFile(tree, None), lambda _: b"four")


def test_a_damaged_cache_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_cache, "user_cache", lambda: tmp_path)
    mesh_cache.keep("key", mesh_cache.Judged(scale=0.5, parts=(corners(),)))
    found = mesh_cache.find("key")
    assert found is not None
    assert found.scale == 0.5
    np.testing.assert_array_equal(found.parts[0], corners())
    kept = tmp_path / "meshes" / "key.json"
    whole = kept.read_bytes()
    for damaged in (whole.replace(b"0.06", b"0.01"), b'{"refused": 5}', b"[" * 200_000, b""):
        kept.write_bytes(damaged)
        assert mesh_cache.find("key") is None
