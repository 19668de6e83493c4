"""Arrangements from folders of files, the project's own among them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from selfgrasp.core.errors import InputError
from selfgrasp.objects.arrangements.arrangement import Arrangement
from selfgrasp.objects.arrangements.case_file import lines_of, read_case_file
from selfgrasp.objects.arrangements.mesh_case import (
    MeshLine,
    is_mesh_case,
    load_case_meshes,
    read_mesh_lines,
)

CASES = Path(__file__).parent / "cases"


@cache
def own_cases() -> tuple[Arrangement, ...]:
    """The project's hard cases, by name: 3 to 6 toy blocks packed so that a hand whose fingers are
    20 mm wide and open to 65 mm finds hardly a place. Nothing may learn from them."""
    return read_cases(CASES)


def read_cases(folder: str | Path, meshes: str | Path | None = None) -> tuple[Arrangement, ...]:
    """The arrangements of a folder's text files, in the order of their names.

    A file is of the project's own format (`case_file`), or of that of the public cases of Zeng et
    al. 2018 (`mesh_case`), as its first line says. Objects of the latter weigh 400 kg/m^3 and have
    a friction of 0.7.

    Args:
        folder: with files that end in .txt.
        meshes: the folder of the meshes that they name; the same folder by default.

    Raises:
        InputError: no such file, a line that is none of the format, objects that overlap, hang in
            the air or stand outside the workspace, or a mesh that lacks or cannot be simulated.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(given=f"cases {str(folder)!r}", wanted="a folder of arrangements")
    files = sorted(path for path in root.iterdir() if path.suffix == ".txt")
    if not files:
        names = ", ".join(sorted(path.name for path in root.iterdir())[:8])
        raise InputError(
            given=f"cases {str(folder)!r}",
            wanted="files ending in .txt",
            exists=names or "nothing in it",
        )
    of_meshes = {path: read_mesh_lines(path) for path in files if _names_meshes(path)}
    loaded = _meshes(root if meshes is None else Path(meshes), of_meshes)
    return tuple(loaded[path] if path in loaded else read_case_file(path) for path in files)


def _names_meshes(path: Path) -> bool:
    lines = lines_of(path)
    return bool(lines) and is_mesh_case(lines[0][1])


def _meshes(folder: Path, of_meshes: dict[Path, tuple[MeshLine, ...]]) -> dict[Path, Arrangement]:
    if not of_meshes:
        return {}
    wanted = {line.mesh: path for path, lines in of_meshes.items() for line in lines}
    found = load_case_meshes(folder, wanted)
    return {path: found.arrangement(path, lines) for path, lines in of_meshes.items()}
