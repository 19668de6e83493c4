"""The format of the public test cases of Zeng et al. 2018, a mesh a line:

    MESH.obj R G B X Y Z ALPHA BETA GAMMA

in the frame of the original simulator's robot; m, rad and colors from 0 to 1. The original
simulator turned each mesh's frame when it imported it; `_AS_IMPORTED` does the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import pose
from selfgrasp.objects.arrangements.arrangement import HALF_SIDE, Arrangement, Standing
from selfgrasp.objects.arrangements.case_file import lines_of
from selfgrasp.objects.arrangements.checks import OF_MESHES, check_standing
from selfgrasp.objects.arrangements.palette import painted
from selfgrasp.objects.mesh_file import SUFFIXES
from selfgrasp.objects.meshes import MeshRules, load_meshes
from selfgrasp.objects.model import ObjectModel

MIDDLE = np.array([-0.5, 0.0, 0.001])
"""(3,) m: the middle of the workspace on the table, in the frame of the files."""
RULES = MeshRules(scale=1.0, density=400.0, mass_range=(1e-3, 10.0), friction=0.7, concavity=0.03)
_LAID_DOWN = 0.003
"""m. What stands so close above the table, or so deep in it, is put on it."""
_WANTED = "MESH.obj R G B X Y Z ALPHA BETA GAMMA"
_UPRIGHT = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
_CYCLED = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_AS_IMPORTED: Mapping[str, FloatArray] = {
    "0.obj": _UPRIGHT,
    "1.obj": _UPRIGHT,
    "2.obj": Rotation.from_euler("x", -15.37, degrees=True).as_matrix(),
    "7.obj": _CYCLED,
    "8.obj": _CYCLED,
}
"""(3, 3) rotation of a mesh's frame as it was imported; of others, none."""


@dataclass(frozen=True, eq=False)
class MeshLine:
    """A line of a file: its number, the mesh's name, sRGB (3,) in 0..1, and
    table_from_mesh (4, 4)."""

    number: int
    mesh: str
    color: FloatArray
    table_from_mesh: FloatArray


def is_mesh_case(words: list[str]) -> bool:
    """Whether a line of these words is of this format."""
    return words[0].lower().endswith(SUFFIXES)


def read_mesh_lines(path: Path) -> tuple[MeshLine, ...]:
    """The lines of a file whose objects are in the workspace; others were parked beside it.

    Raises:
        InputError: a line that is none of the format, or none in the workspace.
    """
    found = []
    for number, words in lines_of(path):
        line = _line(path.name, number, words)
        x, y, z = line.table_from_mesh[:3, 3]
        if max(abs(x), abs(y)) <= HALF_SIDE and z + MIDDLE[2] >= 0.0:
            found.append(line)
    if not found:
        raise InputError(
            given=f"{path.name} without an object in the workspace",
            wanted=f"x from {MIDDLE[0] - HALF_SIDE:.3f} to {MIDDLE[0] + HALF_SIDE:.3f} m, y from "
            f"{-HALF_SIDE:g} to {HALF_SIDE:g} m, z of at least 0",
        )
    return tuple(found)


def _line(file: str, number: int, words: list[str]) -> MeshLine:
    at = f"{file} line {number}, {' '.join(words)!r}"
    if len(words) != 10:
        raise InputError(given=f"{at}: {len(words)} words", wanted=_WANTED)
    if not is_mesh_case(words):
        raise InputError(given=f"{at}: {words[0]!r}", wanted=f"a file of {' '.join(SUFFIXES)}")
    try:
        numbers = np.array([float(word) for word in words[1:]])
    except ValueError as error:
        raise InputError(given=f"{at}: {error}", wanted="nine numbers behind the mesh") from error
    if not np.isfinite(numbers).all():
        raise InputError(given=f"{at}: not finite", wanted="nine numbers behind the mesh")
    color, position, angles = numbers.reshape(3, 3)
    if color.min() < 0.0 or color.max() > 1.0:
        raise InputError(given=f"{at}: color {color}", wanted="three numbers from 0 to 1")
    turn = Rotation.from_euler("XYZ", angles).as_matrix() @ _AS_IMPORTED.get(words[0], np.eye(3))
    return MeshLine(number, words[0], color, pose(rotation=turn, translation=position - MIDDLE))


@dataclass(frozen=True, eq=False)
class Meshes:
    """The meshes that cases name, by their files' names: objects, and their centers of mass (3,) m
    in their files' frames."""

    objects: Mapping[str, ObjectModel]
    centers: Mapping[str, tuple[float, float, float]]

    def arrangement(self, path: Path, lines: Iterable[MeshLine]) -> Arrangement:
        """The arrangement of a file's lines.

        Raises:
            InputError: objects that overlap or hang in the air.
        """
        lines = tuple(lines)
        standing = tuple(self._standing(line) for line in lines)
        names = [f"{path.name} line {line.number} ({line.mesh})" for line in lines]
        check_standing(standing, names, OF_MESHES)
        return Arrangement(path.stem, standing)

    def _standing(self, line: MeshLine) -> Standing:
        color = tuple(round(255.0 * value) for value in line.color.tolist())
        model = _painted(self.objects[line.mesh], color)
        mesh_from_object = pose(translation=self.centers[line.mesh])
        stands = Standing(model, line.table_from_mesh @ mesh_from_object)
        lowest = float(stands.corners[:, 2].min())
        if abs(lowest) > _LAID_DOWN:
            return stands
        return Standing(model, pose(translation=(0.0, 0.0, -lowest)) @ stands.world_from_object)


@cache
def _painted(item: ObjectModel, color: tuple[int, ...]) -> ObjectModel:
    """The same object each time, named after its mesh and its color."""
    name = f"{item.name}-{bytes(color).hex()}"
    return painted(item, name, np.array(color) / 255.0)


def load_case_meshes(folder: Path, wanted: Mapping[str, Path]) -> Meshes:
    """The meshes of a folder that cases name, each simulable.

    Args:
        folder: with the meshes.
        wanted: names of meshes, and a case that has each.

    Raises:
        InputError: meshes that the folder lacks, or that cannot be simulated.
    """
    if not folder.is_dir():
        raise InputError(given=f"meshes {str(folder)!r}", wanted="a folder of the cases' meshes")
    lacking = [name for name in sorted(wanted) if not (folder / name).is_file()]
    if lacking:
        has = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
        raise InputError(
            given=f"cases with meshes that {str(folder)!r} lacks: "
            + ", ".join(f"{name} ({wanted[name].name})" for name in lacking),
            wanted="a folder with all of them",
            exists=", ".join(has) or "no mesh",
        )
    report = load_meshes(folder, RULES, only=wanted)
    if report.refused:
        raise InputError(
            given="; ".join(f"mesh {one.file}: {one.reason}" for one in report.refused),
            wanted="meshes that can be simulated",
        )
    filled = [one.file for one in report.loaded if "coacd is not installed" in one.parts]
    if filled:
        raise InputError(
            given=f"hollow meshes that cannot be cut without coacd: {', '.join(filled)}",
            wanted="the extra `meshes`, pip install 'selfgrasp[meshes]'",
        )
    return Meshes(
        {item.name: item for item in report.objects},
        {one.file: one.center for one in report.loaded},
    )
