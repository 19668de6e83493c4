"""Binary PLY files as their reader understands them: faces of several sizes become triangles."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

_FORMATS = {"binary_little_endian": "<", "binary_big_endian": ">"}
_CODES = {
    **{"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I"},
    **{"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"},
    **{"float": "f", "double": "d", "float32": "f", "float64": "d"},
}
_INDICES = ("vertex_indices", "vertex_index")
MOST_FACES = 3_000_000
"""Of several sizes, which are read one by one."""


@dataclass
class _Element:
    """Rows of one kind: how many, and of each property its name and the codes of its types, the
    first of two being that of a list's length."""

    name: str
    count: int
    properties: list[tuple[str, str]] = field(default_factory=list)


def plain(data: bytes) -> bytes:
    """The file with triangles alone, where it is binary and has faces of several sizes; any other
    as it is.

    Raises:
        ValueError: more than 3 million such faces, or a file that ends within them.
    """
    head, mark, body = data.partition(b"end_header")
    lines = head.decode("latin-1").splitlines()
    order = next((_FORMATS.get(one.split()[1]) for one in lines if one.startswith("format ")), None)
    if not mark or order is None:
        return data
    start = len(head) + len(mark) + (2 if body[:2] == b"\r\n" else 1)
    elements = _elements(lines)
    for number, element in enumerate(elements):
        codes = [code for _, code in element.properties]
        if element.name == "face":
            return _triangles(data, start, order, elements[: number + 1])
        if any(len(code) > 1 for code in codes):
            return data
        start += element.count * struct.calcsize(order + "".join(codes))
    return data


def _elements(lines: list[str]) -> list[_Element]:
    elements: list[_Element] = []
    for words in map(str.split, lines):
        if words[:1] == ["element"]:
            elements.append(_Element(words[1], int(words[2])))
        elif words[:1] == ["property"]:
            types = words[2:4] if words[1] == "list" else words[1:2]
            elements[-1].properties.append((words[-1], "".join(_CODES[one] for one in types)))
    return elements


def _triangles(data: bytes, start: int, order: str, elements: list[_Element]) -> bytes:
    faces = elements[-1]
    if not any(name in _INDICES and len(code) > 1 for name, code in faces.properties):
        return data
    if _of_one_size(data, start, order, faces):
        return data
    if faces.count > MOST_FACES:
        raise ValueError(f"{faces.count} faces of several sizes; export it as triangles")
    corners: list[tuple[int, int, int]] = []
    at = start
    try:
        for _ in range(faces.count):
            for name, code in faces.properties:
                length = 1
                if len(code) > 1:
                    (length,) = struct.unpack_from(order + code[0], data, at)
                    at += struct.calcsize(code[0])
                values = struct.unpack_from(f"{order}{length}{code[-1]}", data, at)
                at += length * struct.calcsize(code[-1])
                if name in _INDICES:
                    corners += [(values[0], values[i], values[i + 1]) for i in range(1, length - 1)]
    except struct.error as error:
        raise ValueError("the file is cut short") from error
    return _written(data[:start], corners, order)


def _of_one_size(data: bytes, start: int, order: str, faces: _Element) -> bool:
    """Whether every face has as many corners as the first, as its reader takes for granted."""
    lists = [i for i, (_, code) in enumerate(faces.properties) if len(code) > 1]
    if len(lists) > 1:
        return False
    sizes = [struct.calcsize(code[-1]) for _, code in faces.properties]
    start += sum(sizes[: lists[0]])
    code = faces.properties[lists[0]][1]
    length = np.dtype(order + code[0])
    if len(data) < start + length.itemsize:
        return True
    first = int(np.frombuffer(data, length, 1, start)[0])
    row = length.itemsize + (first - 1) * struct.calcsize(code[1]) + sum(sizes)
    if first < 3 or len(data) < start + faces.count * row - sum(sizes[lists[0] + 1 :]):
        return False
    return bool((np.ndarray(faces.count, length, data, start, (row,)) == first).all())


def _written(head: bytes, corners: list[tuple[int, int, int]], order: str) -> bytes:
    before = head[: head.index(b"element face")]
    vertices = head[head.index(b"end_header") :].partition(b"\n")[2]
    told = f"element face {len(corners)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = np.zeros(len(corners), [("length", "u1"), ("corners", order + "i4", (3,))])
    rows["length"], rows["corners"] = 3, np.array(corners, np.int64).reshape(-1, 3)
    return before + told.encode() + vertices + rows.tobytes()
