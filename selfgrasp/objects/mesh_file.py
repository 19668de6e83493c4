"""Mesh files of several formats as triangles in one frame: only vertices that triangles use."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects import gltf, ply

SUFFIXES: tuple[str, ...] = (".obj", ".stl", ".glb", ".gltf", ".ply", ".off")
MOST_BYTES = 1 << 30
_GLTF = (".glb", ".gltf")
_STAND_IN = re.compile(r"(^|[^a-z])(ucx|ubx|usp|ucp|collision|collider|lod[_ ]?[1-9])([^a-z]|$)")
"""Names, in small letters, of what only stands for another mesh of the same file: collision shapes
and coarser levels of detail."""
_ZERO_IN_FACE = re.compile(rb"^[ \t]*f[ \t][^\r\n]*?(?<=[ \t])-?0+(?=[/\s]|\Z)", re.MULTILINE)
_OBJ_COMMENT = re.compile(rb"^([ \t]*[vf][^#\r\n]*)#[^\r\n]*", re.MULTILINE)
_STL_HEAD, _STL_ROW = 84, 50
"""Bytes before the triangles of a binary STL, and of each."""


class UnusableMesh(Exception):
    """Why a file gives no object."""


@dataclass(frozen=True, eq=False)
class Triangles:
    """A mesh: its name, vertices (V, 3) float64 in the file's unit, and faces (F, 3) int64."""

    name: str
    vertices: FloatArray
    faces: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FileMeshes:
    """The meshes of a file, and the names of those that only stand for others and were left out."""

    meshes: tuple[Triangles, ...]
    stand_ins: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MeshFile:
    """What a file holds.

    Attributes:
        suffix: of its name, in small letters.
        data: its bytes; of a glTF, with all buffers in it and plain positions.
        digest: SHA-256, in hex, of what the geometry hangs on.
    """

    suffix: str
    data: bytes
    digest: str


def open_mesh(path: Path) -> MeshFile:
    """The bytes of a mesh file, and of those it refers to.

    Raises:
        UnusableMesh: no file that can be read, or a glTF that is none.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UnusableMesh("unreadable: not a regular file")
    if path.stat().st_size > MOST_BYTES:
        raise UnusableMesh(f"larger than {MOST_BYTES >> 20} MB")
    try:
        data = path.read_bytes()
        if suffix in _GLTF:
            data = _plain_gltf(path, data)
    # The document is a stranger's: whatever is wrong inside it means the same here.
    except Exception as error:
        raise UnusableMesh(f"unreadable: {type(error).__name__}: {error}") from error
    return MeshFile(suffix, data, hashlib.sha256(data).hexdigest())


def _plain_gltf(path: Path, data: bytes) -> bytes:
    def beside(name: str) -> bytes:
        found = (path.parent / unquote(name)).resolve()
        if not found.is_relative_to(path.parent.resolve()) or not found.is_file():
            raise ValueError(f"it asks for {name!r}, which is no file of its folder")
        return found.read_bytes()

    return gltf.plain(gltf.parse(data), beside)


def read_triangles(file: MeshFile) -> FileMeshes:
    """The meshes of a file; of an OBJ each `o` group is one.

    Raises:
        UnusableMesh: unreadable, without triangles, or with corners that are not finite.
    """
    found = [_without_unused(mesh) for mesh in _read(file)]
    found = [mesh for mesh in found if len(mesh.faces)]
    if not found:
        raise UnusableMesh("unreadable: no triangles in it")
    shown = [mesh for mesh in found if not _STAND_IN.search(mesh.name.lower())]
    left_out = [mesh.name for mesh in found if mesh not in shown] if shown else []
    found = shown or found
    vertices = np.concatenate([mesh.vertices for mesh in found])
    infinite = int((~np.isfinite(vertices)).any(axis=1).sum())
    if infinite:
        raise UnusableMesh(f"{infinite} of {len(vertices)} vertices are not finite")
    return FileMeshes(tuple(found), tuple(left_out))


def _read(file: MeshFile) -> list[Triangles]:
    import trimesh

    # Without processing, because that drops vertices that are not finite and with them the reason
    # why a file is unusable; without materials, whose pictures nobody needs here.
    options: dict[str, Any] = {}
    try:
        data = _PLAIN[file.suffix](file.data) if file.suffix in _PLAIN else file.data
    except Exception as error:
        raise UnusableMesh(f"unreadable: {type(error).__name__}: {error}") from error
    if file.suffix == ".obj":
        if _ZERO_IN_FACE.search(data):
            raise UnusableMesh("unreadable: a face of corner 0, where an OBJ counts from 1")
        options = {"split_objects": True, "group_material": False, "skip_materials": True}
    elif file.suffix in _GLTF:
        options = {"skip_materials": True}
    kind = "gltf" if file.suffix in _GLTF else file.suffix[1:]
    # Readers raise whatever their format's parser stumbles over; each of it means the same here.
    try:
        scene = trimesh.load_scene(io.BytesIO(data), file_type=kind, process=False, **options)
        nodes = sorted(scene.graph.nodes_geometry)
        return [one for node in nodes for one in _placed(scene, node)]
    except ImportError as error:
        # The reader looks for a package that guesses the encoding of text, where it finds neither.
        wanted = f"neither binary nor text of a {file.suffix} file"
        raise UnusableMesh(f"unreadable: {wanted}") from error
    except Exception as error:
        raise UnusableMesh(f"unreadable: {type(error).__name__}: {error}") from error


def _plain_obj(data: bytes) -> bytes:
    """As its reader wants it: UTF-8, whatever a name in it was written in, blanks for tabs, and no
    comments behind numbers."""
    try:
        data.decode()
    except UnicodeDecodeError:
        data = data.decode("latin-1").encode()
    return _OBJ_COMMENT.sub(rb"\1", data).replace(b"\t", b" ")


def _plain_stl(data: bytes) -> bytes:
    """Without what follows the triangles of a binary file."""
    if len(data) < _STL_HEAD:
        return data
    end = _STL_HEAD + _STL_ROW * int.from_bytes(data[_STL_HEAD - 4 : _STL_HEAD], "little")
    return data[:end] if _STL_HEAD < end < len(data) else data


_PLAIN: dict[str, Callable[[bytes], bytes]] = {
    ".obj": _plain_obj,
    ".stl": _plain_stl,
    ".ply": ply.plain,
}


def _placed(scene: Any, node: str) -> list[Triangles]:
    """The mesh of a node in the scene's frame; none where it is made of lines or points."""
    matrix, name = scene.graph[node]
    if not np.isfinite(matrix).all():
        raise ValueError(f"the place of {name!r} is not finite")
    mesh = scene.geometry[name]
    if not hasattr(mesh, "faces"):
        return []
    faces = np.asarray(mesh.faces, dtype=np.int64).reshape(-1, 3)
    wrong = faces[(faces < 0) | (faces >= len(mesh.vertices))]
    if len(wrong):
        raise ValueError(f"a triangle of vertex {wrong[0]}, of {len(mesh.vertices)} from 0 on")
    vertices = np.asarray(mesh.vertices, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    if np.linalg.det(matrix[:3, :3]) < 0.0:
        faces = faces[:, ::-1]
    return [Triangles(name if name in node else f"{node} {name}", vertices, faces)]


def _without_unused(mesh: Triangles) -> Triangles:
    """The same triangles without those that are points, and without vertices that none uses."""
    a, b, c = mesh.faces.T
    faces = mesh.faces[(a != b) & (b != c) & (c != a)]
    used, index = np.unique(faces, return_inverse=True)
    return replace(mesh, vertices=mesh.vertices[used], faces=index.reshape(faces.shape))
