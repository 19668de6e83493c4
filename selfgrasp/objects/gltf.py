"""glTF files as their reader understands them: quantised positions become plain numbers of metres,
and what would be decoded wrongly is refused."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfgrasp.core.arrays import FloatArray

_INTEGERS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4"}
MOST_NUMBERS = 200_000_000
_FLOAT = 5126
_MAGIC = b"glTF"
Node = dict[str, Any]
"""An object of the file's JSON, as its writer made it: nothing in it is certain."""
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_COMPRESSED = ("EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_draco_mesh_compression")
"""Extensions that pack positions in a way of their own."""
_NOT_OF_SHAPE = re.compile(
    r"KHR_mesh_quantization|(KHR|EXT)_(materials|texture|lights)_?.*|KHR_(xmp.*|node_visibility)"
)
"""Extensions without which the shape is as it is."""


@dataclass(frozen=True)
class GltfFile:
    """A glTF document and the bytes of its own buffer, which only a GLB has."""

    tree: Node
    binary: bytes | None


def parse(data: bytes) -> GltfFile:
    """The document of a .glb or .gltf file.

    Raises:
        ValueError: neither.
    """
    if data[:4] != _MAGIC:
        return GltfFile(_document(data), None)
    tree: Node = {}
    binary, at = None, 12
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("<II", data, at)
        chunk = data[at + 8 : at + 8 + length]
        if len(chunk) < length:
            raise ValueError("the file is cut short")
        if kind == _JSON_CHUNK:
            tree = _document(chunk)
        elif kind == _BIN_CHUNK and binary is None:
            binary = chunk
        at += 8 + length
    return GltfFile(tree, binary)


def _document(text: bytes) -> Node:
    tree = json.loads(text)
    if not isinstance(tree, dict):
        raise ValueError("its document is no object of JSON")
    return tree


def plain(file: GltfFile, read: Callable[[str], bytes]) -> bytes:
    """The document as a .gltf file that holds its buffers, whose positions are plain floats.

    Normalised integers are divided by the largest of their kind (glTF 2.0, 3.6.2.2), and what a
    sparse accessor replaces is replaced.

    Args:
        file: what was parsed.
        read: gives the bytes of a file beside it.

    Raises:
        ValueError: positions are compressed, posed, morphed or placed by an extension, or an index
            leads nowhere.
    """
    tree = file.tree
    packed = [name for name in _COMPRESSED if name in tree.get("extensionsRequired", [])]
    if packed:
        raise ValueError(f"its positions are compressed by {packed[0]}; export it without")
    _check_shape(tree)
    # Only the first may be the file's own.
    owned = [file.binary, *(None for _ in tree.get("buffers", [])[1:])]
    buffers = [
        _buffer(buffer, own, read)
        for buffer, own in zip(tree.get("buffers", []), owned, strict=False)
    ]
    for buffer, raw in zip(tree.get("buffers", []), buffers, strict=True):
        if len(raw) < int(buffer["byteLength"]):
            raise ValueError(f"a buffer of {len(raw)} bytes, not of {buffer['byteLength']}")
    accessors = list(tree.get("accessors", []))
    views = list(tree.get("bufferViews", []))
    for index in _read_indices(tree):
        accessor = accessors[index]
        if not 0 <= int(accessor["count"]) <= MOST_NUMBERS:
            raise ValueError(f"an accessor of {accessor['count']} vertices or indices")
        if not accessor.get("normalized") and "sparse" not in accessor:
            continue
        values = _values(accessor, views, buffers)
        raw = values.astype("<f4" if values.dtype.kind == "f" else "<u4").tobytes()
        views.append({"buffer": len(buffers), "byteLength": len(raw)})
        buffers.append(raw)
        accessors[index] = {
            "bufferView": len(views) - 1,
            "componentType": _FLOAT if values.dtype.kind == "f" else 5125,
            "count": len(values),
            "type": accessor["type"],
        }
    embedded = [
        {
            "byteLength": len(raw),
            "uri": "data:application/octet-stream;base64," + base64.b64encode(raw).decode(),
        }
        for raw in buffers
    ]
    changed = {"accessors": accessors, "bufferViews": views, "buffers": embedded}
    if "nodes" in tree:
        changed["nodes"] = [_shown(node) for node in tree["nodes"]]
    return json.dumps({**tree, **changed}).encode()


def _check_shape(tree: Node) -> None:
    """Raises: ValueError, where the shape is another one than the positions in the file say."""
    for name in tree.get("extensionsRequired", []):
        if not _NOT_OF_SHAPE.fullmatch(name):
            raise ValueError(f"it requires {name}, which is not read; export it without")
    meshes, nodes = tree.get("meshes", []), tree.get("nodes", [])
    children = [child for node in nodes for child in node.get("children", [])]
    if len(set(children)) < len(children):
        raise ValueError("a node hangs on two others; export copies")
    if any("skin" in node and "mesh" in node for node in nodes):
        raise ValueError("a skeleton poses it; export the posed mesh without its skin")
    if any("EXT_mesh_gpu_instancing" in node.get("extensions", {}) for node in nodes):
        raise ValueError("it places copies by EXT_mesh_gpu_instancing; export it without")
    if any(weight for one in [*meshes, *nodes] for weight in one.get("weights", [])):
        raise ValueError("morph targets change it; export the mesh that they make")


def _shown(node: Node) -> Node:
    """A node, or where it is hidden one without its mesh and all below."""
    visibility = node.get("extensions", {}).get("KHR_node_visibility", {})
    hidden = visibility.get("visible", True) is False
    return {k: v for k, v in node.items() if not hidden or k not in ("mesh", "children")}


def _buffer(buffer: Node, binary: bytes | None, read: Callable[[str], bytes]) -> bytes:
    uri = buffer.get("uri")
    if uri is None:
        if binary is None:
            raise ValueError("a buffer without data")
        return binary
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2])
    return read(uri)


def _read_indices(tree: Node) -> set[int]:
    """Accessors that hold positions or indices of triangles."""
    primitives = [p for mesh in tree.get("meshes", []) for p in mesh.get("primitives", [])]
    positions = {p["attributes"]["POSITION"] for p in primitives if "POSITION" in p["attributes"]}
    return positions | {p["indices"] for p in primitives if "indices" in p}


def _values(accessor: Node, views: list[Node], buffers: list[bytes]) -> FloatArray:
    """(count, 3) floats of positions, or (count,) integers of indices."""
    width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
    kind = accessor["componentType"]
    dtype = np.dtype(_INTEGERS.get(kind, "<f4"))
    count = int(accessor["count"])
    values = np.zeros((count, width), dtype)
    if "bufferView" in accessor:
        values = _strided(accessor, views, buffers, dtype, count, width)
    if sparse := accessor.get("sparse"):
        places, replaced = sparse["indices"], int(sparse["count"])
        integers = np.dtype(_INTEGERS[places["componentType"]])
        at = _strided(places, views, buffers, integers, replaced, 1).ravel()
        values = values.copy()
        values[at] = _strided(sparse["values"], views, buffers, dtype, replaced, width)
    if accessor["type"] == "SCALAR":
        return values.ravel()
    floats = values.astype(np.float64)
    if accessor.get("normalized") and kind in _INTEGERS:
        floats = np.maximum(floats / np.iinfo(dtype).max, -1.0)
    return floats


def _strided(
    place: Node,
    views: list[Node],
    buffers: list[bytes],
    dtype: np.dtype[Any],
    count: int,
    width: int,
) -> Any:
    """(count, width) numbers that lie `byteStride` bytes apart."""
    view = views[place["bufferView"]]
    start = int(view.get("byteOffset", 0)) + int(place.get("byteOffset", 0))
    row = dtype.itemsize * width
    stride = int(view.get("byteStride", row))
    raw = buffers[view["buffer"]]
    if min(start, stride - row) < 0 or start + (count - 1) * stride + row > len(raw):
        raise ValueError("an accessor reaches beyond its buffer")
    return np.ndarray((count, width), dtype, raw, start, (stride, dtype.itemsize))
