"""URDF text as MuJoCo reads it: meshes by the paths where they lie, no link melted into another."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

from selfgrasp.core.errors import InputError

READ = (".stl", ".obj", ".msh")
"""Kinds of mesh that MuJoCo reads."""
_MOST_BYTES = 64 << 20
_MOST_JOINTS = 500
_OBJECT_OR_GROUP = re.compile(rb"^[ \t]*[og](?=\s|\Z)[^\r\n]*", re.MULTILINE)
"""A line of an OBJ that begins another object."""
_VECTORS = frozenset(("xyz", "rpy", "scale", "size", "radius", "length"))
"""Attributes that hold one or more numbers."""


@dataclass(frozen=True)
class Urdf:
    """A URDF file, ready for MuJoCo.

    Attributes:
        text: with a name of its own for each mesh file, since MuJoCo takes files of one name in
            several folders for one.
        meshes: what these files hold, by that name.
        speeds: rad/s, by joint, where the file says so.
        torques: N m, likewise.
        left_away: names of the mesh files of other kinds, which no picture shows.
        stiff: names of joints that turn by the file's type but not by its limits, which are zero;
            MuJoCo takes these for joints without limits.
        followers: by joint that mimics another one, the other's name.
    """

    text: str
    meshes: dict[str, bytes] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    torques: dict[str, float] = field(default_factory=dict)
    left_away: tuple[str, ...] = ()
    stiff: frozenset[str] = frozenset()
    followers: dict[str, str] = field(default_factory=dict)


def read_xml(path: Path) -> ET.Element:
    """The root of an XML file.

    Raises:
        InputError: no regular file, one of more than 64 MiB, or no XML.
    """
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise InputError(given=f"{path}", wanted="an MJCF or URDF file of an arm")
    try:
        return ET.fromstring(path.read_bytes())
    except ET.ParseError as error:
        raise InputError(
            given=f"{path} ({error})", wanted="an MJCF or URDF file that MuJoCo can compile"
        ) from error


def read_urdf(path: Path, root: ET.Element) -> Urdf:
    """A URDF file whose meshes are found: package://NAME/REST in a folder NAME above or beside the
    file, file:// and other paths as they are, or beside the file.

    Raises:
        InputError: a mesh that is nowhere, a joint whose limits are no range, a vector that is not
            finite numbers, more than 500 joints, or a xacro file that nobody has expanded.
    """
    if any("xacro" in element.tag for element in root.iter()):
        raise InputError(
            given=f"{path}, which holds xacro", wanted="the URDF that `xacro FILE` makes of it"
        )
    left_away = []
    names: dict[Path, str] = {}
    for link in root.iter("link"):
        for kind in ("visual", "collision"):
            for shape in link.findall(kind):
                mesh = shape.find("geometry/mesh")
                if mesh is None:
                    continue
                name = mesh.get("filename", "")
                if not name or Path(name).suffix.lower() in READ:
                    file = _found(name, path)
                    names.setdefault(file, f"mesh{len(names)}_{file.name}")
                    mesh.set("filename", names[file])
                else:
                    left_away.append(Path(name).name)
                    link.remove(shape)
    joints = root.findall("joint")
    if len(joints) > _MOST_JOINTS:
        raise InputError(
            given=f"{path}, of {len(joints)} joints", wanted=f"an arm of at most {_MOST_JOINTS}"
        )
    _check_numbers(path, root)
    _check_limits(path, joints)
    limits = {joint.get("name", ""): joint.find("limit") for joint in joints}
    _tell_compiler(root)
    return Urdf(
        ET.tostring(root, encoding="unicode"),
        {name: _whole(file) for file, name in names.items()},
        _numbers(limits, "velocity"),
        _numbers(limits, "effort"),
        tuple(dict.fromkeys(left_away)),
        _stiff(joints),
        {
            joint.get("name", ""): mimic.get("joint", "")
            for joint in joints
            if (mimic := joint.find("mimic")) is not None
        },
    )


def _whole(file: Path) -> bytes:
    """What a mesh file holds; of an OBJ all objects as one, since MuJoCo reads the first alone.

    Raises:
        InputError: more than 64 MiB.
    """
    if file.stat().st_size > _MOST_BYTES:
        raise InputError(given=f"{file}, of more than 64 MiB", wanted="a smaller mesh")
    content = file.read_bytes()
    if file.suffix.lower() != ".obj":
        return content
    return _OBJECT_OR_GROUP.sub(b"", content)


def _tell_compiler(root: ET.Element) -> None:
    extension = root.find("mujoco")
    if extension is None:
        extension = ET.SubElement(root, "mujoco")
    compiler = extension.find("compiler")
    if compiler is None:
        compiler = ET.SubElement(extension, "compiler")
    for name in ("meshdir", "assetdir"):
        compiler.attrib.pop(name, None)
    # Links without an inertia get a small one, and impossible ones are balanced, since MuJoCo moves
    # none such; the arm is carried against gravity, so that little hangs on them.
    compiler.attrib.update(
        strippath="false",
        discardvisual="false",
        fusestatic="false",
        boundmass="0.01",
        boundinertia="0.0001",
        balanceinertia="true",
    )


def _check_numbers(path: Path, root: ET.Element) -> None:
    """MuJoCo takes the rest of a vector for zeros where one of its numbers is none."""
    for element in [*root.findall("link"), *root.findall("joint")]:
        for part in element.iter():
            for name in _VECTORS.intersection(part.attrib):
                said = part.attrib[name]
                try:
                    finite = all(math.isfinite(float(number)) for number in said.split())
                except ValueError:
                    finite = False
                if not finite:
                    raise InputError(
                        given=f"{path}, whose {element.tag} {element.get('name')} has "
                        f"{name}={said[:80]!r}",
                        wanted="finite numbers",
                    )


def _check_limits(path: Path, joints: list[ET.Element]) -> None:
    """MuJoCo takes a joint whose lower limit is above the upper one for a joint without limits."""
    for joint in joints:
        limit = joint.find("limit")
        if limit is None or joint.get("type") not in ("revolute", "prismatic"):
            continue
        said = limit.get("lower", "0"), limit.get("upper", "0")
        try:
            lower, upper = map(float, said)
        except ValueError:
            continue  # MuJoCo says what is wrong.
        if not -math.inf < lower <= upper < math.inf:
            raise InputError(
                given=f"{path}, whose joint {joint.get('name')} goes from {said[0]} to {said[1]}",
                wanted="a lower limit that is not above the upper one",
            )


def _stiff(joints: list[ET.Element]) -> frozenset[str]:
    limits = {
        joint.get("name", ""): joint.find("limit")
        for joint in joints
        if joint.get("type") == "revolute"
    }
    return frozenset(
        name
        for name, limit in limits.items()
        if limit is None or limit.get("lower", "0") == limit.get("upper", "0")
    )


def _numbers(limits: dict[str, ET.Element | None], name: str) -> dict[str, float]:
    found = {}
    for joint, limit in limits.items():
        try:
            value = float(limit.get(name, "0")) if limit is not None else 0.0
        except ValueError:
            continue
        if 0.0 < value < 1e6:
            found[joint] = value
    return found


def _found(name: str, path: Path) -> Path:
    """Where the mesh of that name lies.

    Raises:
        InputError: nowhere.
    """
    places = [place.resolve() for place in _places(name, path.resolve())]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        given=f"{path}, whose mesh {name!r} is not there",
        wanted=f"the file {places[0]}",
    )


def _places(name: str, path: Path) -> list[Path]:
    scheme, rest = urlparse(name).scheme, unquote(name.partition("://")[2])
    if scheme in ("package", "model"):
        package, _, inside = rest.partition("/")
        homes = [folder for folder in path.parents if folder.name == package]
        beside = [folder / package for folder in path.parents]
        return [home / inside for home in (*homes, *beside)] or [path.parent / inside]
    if scheme == "file":
        return [Path(unquote(urlparse(name).path))]
    name = name.replace("\\", "/")
    return [path.parent / name, path.parent / Path(name).name]
