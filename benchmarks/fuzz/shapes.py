"""A box as a mesh in three formats, and a six-axis arm in two, as users' programs write them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

_CORNERS = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]) * 0.02
_FACES = np.array(
    [
        (0, 2, 1), (1, 2, 3), (4, 5, 6), (5, 7, 6), (0, 1, 4), (1, 5, 4),
        (2, 6, 3), (3, 6, 7), (0, 4, 2), (2, 4, 6), (1, 3, 5), (3, 7, 5),
    ]
)  # fmt: skip
_JOINTS = (
    # Where it is in the link before, its axis, where its own link ends.
    ("0 0 0.163", "0 0 1", "0 0.138 0"),
    ("0 0.138 0", "0 1 0", "0 0 0.425"),
    ("0 -0.131 0.425", "0 1 0", "0 0 0.392"),
    ("0 0 0.392", "0 1 0", "0 0.127 0"),
    ("0 0.127 0", "0 0 1", "0 0 0.1"),
    ("0 0 0.1", "0 1 0", "0 0.07 0"),
)
_TURNED = (1, 3)
"""Joints whose frame is turned by a quarter about y."""


def write_meshes(folder: Path) -> None:
    """OBJ, binary STL and GLB."""
    folder.mkdir()
    lines = [f"v {x:g} {y:g} {z:g}" for x, y, z in _CORNERS]
    lines += [f"f {a} {b} {c}" for a, b, c in _FACES + 1]
    (folder / "a.obj").write_text("\n".join(lines) + "\n")
    triangles = b"".join(
        struct.pack("<12fH", 0, 0, 0, *_CORNERS[face].ravel(), 0) for face in _FACES
    )
    (folder / "b.stl").write_bytes(bytes(80) + struct.pack("<I", len(_FACES)) + triangles)
    corners, faces = _CORNERS.astype("<f4").tobytes(), _FACES.astype("<u2").tobytes()
    scene = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(_CORNERS),
                "type": "VEC3",
                "min": _CORNERS.min(0).tolist(),
                "max": _CORNERS.max(0).tolist(),
            },
            {"bufferView": 1, "componentType": 5123, "count": _FACES.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(corners)},
            {"buffer": 0, "byteOffset": len(corners), "byteLength": len(faces)},
        ],
        "buffers": [{"byteLength": len(corners) + len(faces)}],
    }
    write_glb(folder / "c.glb", scene, corners + faces)


def write_glb(path: Path, scene: object, binary: bytes) -> None:
    """A scene and its numbers as one file."""
    text = json.dumps(scene).encode()
    parts = [
        (text + b" " * (-len(text) % 4), b"JSON"),
        (binary + bytes(-len(binary) % 4), b"BIN\0"),
    ]
    chunks = b"".join(struct.pack("<I4s", len(part), kind) + part for part, kind in parts)
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def write_arms(folder: Path) -> None:
    """MJCF and URDF of one arm; its flange is `attachment_site` and `tool0`."""
    bodies, ends = "", ""
    links = '<link name="base"/>'
    for number, (place, axis, end) in enumerate(_JOINTS):
        quat = ' quat="1 0 1 0"' if number in _TURNED else ""
        rpy = "0 1.570796 0" if number in _TURNED else "0 0 0"
        bodies += (
            f'<body name="b{number}" pos="{place}"{quat}><joint name="j{number}" type="hinge" '
            f'axis="{axis}" range="-6.28 6.28" limited="true" armature="0.1"/>'
            f'<geom type="capsule" fromto="0 0 0 {end}" size="0.03" mass="1"/>\n'
        )
        ends += "</body>"
        parent = f"b{number - 1}" if number else "base"
        links += (
            f'<link name="b{number}"><inertial><mass value="1"/><inertia ixx="0.01" ixy="0" '
            f'ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial></link>\n<joint name="j{number}" '
            f'type="revolute"><parent link="{parent}"/><child link="b{number}"/><origin '
            f'xyz="{place}" rpy="{rpy}"/><axis xyz="{axis}"/><limit lower="-6.28" upper="6.28" '
            'effort="150" velocity="3"/></joint>\n'
        )
    site = '<site name="attachment_site" pos="0 0.08 0" quat="-1 1 0 0"/>'
    (folder / "arm.xml").write_text(
        '<mujoco model="six"><compiler angle="radian"/><worldbody><body name="base">\n'
        f'<geom type="cylinder" size="0.07 0.04" mass="4"/>{bodies}{site}{ends}\n'
        "</body></worldbody></mujoco>\n"
    )
    links += (
        '<link name="tool0"/><joint name="tip" type="fixed"><parent link="b5"/><child '
        'link="tool0"/><origin xyz="0 0.08 0" rpy="-1.570796 0 0"/></joint>'
    )
    (folder / "arm.urdf").write_text(f'<?xml version="1.0"?><robot name="six">{links}</robot>\n')
