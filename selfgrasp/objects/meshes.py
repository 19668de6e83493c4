"""Objects from a folder of mesh files; a file that cannot be used is reported with its reason and
stops nothing."""

from __future__ import annotations

import colorsys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.objects import build
from selfgrasp.objects.decompose import Pieces, decompose, hull_volume, merge_pieces
from selfgrasp.objects.model import MAX_PARTS, ObjectModel, assemble, combined_mass

SUFFIXES: tuple[str, ...] = (".obj", ".stl", ".glb", ".gltf", ".ply", ".off")
UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_SMALLEST, _LARGEST = 0.01, 0.5
# STL and GLB keep single precision.
_ROUNDING = 1e-6
# A group's hull below this share of the whole is a sliver that only slows contacts down.
_SLIVER = 1e-6


@dataclass(frozen=True)
class MeshRules:
    """How files become objects.

    Attributes:
        scale: metres per unit of the file; None guesses m, cm or mm, so that the longest side lies
            within `guessed_side`.
        mass: kg; None takes `density` times the volume, clipped to `mass_range`.
        density: kg/m^3.
        mass_range: kg.
        guessed_side: m, from and to; below a factor of ten apart from each other, so that at most
            one unit fits.
        friction: sliding coefficient.
        max_parts: convex parts per object, 1 to 12.
    """

    scale: float | None = None
    mass: float | None = None
    density: float = 400.0
    mass_range: tuple[float, float] = (0.03, 0.5)
    guessed_side: tuple[float, float] = (0.03, 0.25)
    friction: float = 0.7
    max_parts: int = MAX_PARTS


@dataclass(frozen=True)
class LoadedMesh:
    """What was decided about a file: its name, metres per unit and where that number came from, how
    it was cut into convex parts."""

    file: str
    scale: float
    unit: str
    parts: str


@dataclass(frozen=True)
class RefusedMesh:
    """A file that gives no object, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class MeshReport:
    """The objects of a folder in the order of their files' names, with one note each in `loaded`,
    and the files refused."""

    objects: tuple[ObjectModel, ...]
    loaded: tuple[LoadedMesh, ...]
    refused: tuple[RefusedMesh, ...]


class _Unusable(Exception):
    """Why a file gives no object."""


def load_meshes(folder: str | Path, rules: MeshRules | None = None) -> MeshReport:
    """Every mesh file of a folder as an object named after it, family "mesh".

    An OBJ file with several `o` groups is taken as already cut: each group is one convex part.
    Anything else is one hull where it is nearly convex, and is cut by coacd where it is not.

    Raises:
        InputError: no such folder, or no mesh file in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(
            given=f"mesh folder {str(folder)!r}", wanted="a folder", exists=_beside(root)
        )
    files = sorted(path for path in root.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        names = ", ".join(sorted(path.name for path in root.iterdir())[:8]) or "nothing in it"
        raise InputError(
            given=f"mesh folder {str(folder)!r}",
            wanted=f"files ending in {' '.join(SUFFIXES)}",
            exists=names,
        )
    objects: list[ObjectModel] = []
    loaded: list[LoadedMesh] = []
    refused: list[RefusedMesh] = []
    for path in files:
        try:
            model, note = _load(path, rules or MeshRules())
        except (_Unusable, InputError) as error:
            refused.append(RefusedMesh(path.name, str(error)))
            continue
        objects.append(model)
        loaded.append(note)
    return MeshReport(tuple(objects), tuple(loaded), tuple(refused))


def _beside(path: Path) -> str:
    if not path.parent.is_dir():
        return f"not even {path.parent}"
    return (
        ", ".join(sorted(p.name for p in path.parent.iterdir() if p.is_dir())[:8])
        or f"no folder in {path.parent}"
    )


def _load(path: Path, rules: MeshRules) -> tuple[ObjectModel, LoadedMesh]:
    meshes = _read(path)
    vertices = np.concatenate([np.asarray(mesh.vertices, dtype=np.float64) for mesh in meshes])
    if not np.isfinite(vertices).all():
        raise _Unusable(
            f"{int((~np.isfinite(vertices)).any(axis=1).sum())} of {len(vertices)} vertices "
            "are not finite"
        )
    scale, unit = _scale(float(np.ptp(vertices, axis=0).max()), rules)
    for mesh in meshes:
        mesh.merge_vertices()
    pieces = _pieces(meshes, scale, rules, grouped=path.suffix.lower() == ".obj")
    color = np.array(colorsys.hsv_to_rgb(zlib.crc32(path.name.encode()) % 360 / 360.0, 0.6, 0.85))
    parts = assemble([build.hull(points, color) for points in pieces.points])
    mass = (
        float(np.clip(rules.density * combined_mass(parts).volume, *rules.mass_range))
        if rules.mass is None
        else rules.mass
    )
    model = ObjectModel(path.name, "mesh", None, parts, mass, rules.friction)
    return model, LoadedMesh(path.name, scale, unit, pieces.how)


def _read(path: Path) -> list[Any]:
    """The file's triangle meshes (`trimesh.Trimesh`), placed in one frame."""
    import trimesh

    # Readers raise whatever their format's parser stumbles over; each of it means the same here.
    try:
        # Without processing, because that drops vertices that are not finite and with them the
        # reason why a file is unusable.
        options: dict[str, Any] = (
            {"split_objects": True, "group_material": False}
            if path.suffix.lower() == ".obj"
            else {}
        )
        scene = trimesh.load_scene(path, process=False, **options)
        meshes = [
            mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)
        ]
    except Exception as error:
        raise _Unusable(f"unreadable: {type(error).__name__}: {error}") from error
    if not meshes:
        raise _Unusable("unreadable: no triangles in it")
    return meshes


def _scale(side: float, rules: MeshRules) -> tuple[float, str]:
    """Metres per unit for a mesh whose longest side is `side` units, and a word on how it was
    chosen."""
    low, high = rules.guessed_side
    if rules.scale is None:
        for unit, scale in UNITS.items():
            if low * (1.0 - _ROUNDING) <= side * scale <= high * (1.0 + _ROUNDING):
                return scale, f"guessed {unit}"
        raise _Unusable(
            f"longest side of {side:g} units is not {low:g} to {high:g} m as m, cm or mm; "
            "give a scale"
        )
    if side * rules.scale > _LARGEST:
        raise _Unusable(
            f"longest side of {side * rules.scale:.3g} m at scale {rules.scale:g} exceeds "
            f"{_LARGEST:g} m"
        )
    if side * rules.scale < _SMALLEST:
        raise _Unusable(
            f"longest side of {side * rules.scale:.3g} m at scale {rules.scale:g} is below "
            f"{_SMALLEST:g} m"
        )
    return rules.scale, "given"


def _pieces(meshes: list[Any], scale: float, rules: MeshRules, *, grouped: bool) -> Pieces:
    points: list[FloatArray] = [
        np.asarray(mesh.vertices, dtype=np.float64) * scale for mesh in meshes
    ]
    whole = hull_volume(np.concatenate(points))
    if whole <= 0.0:
        raise _Unusable("no volume: all vertices lie in one plane")
    if grouped and len(meshes) > 1:
        solid = [p for p in points if hull_volume(p) > _SLIVER * whole]
        if not solid:
            raise _Unusable("no volume: every group is flat")
        merged = merge_pieces(solid, rules.max_parts)
        return Pieces(
            merged,
            f"{len(meshes)} groups"
            + (f" merged into {len(merged)}" if len(merged) < len(meshes) else ""),
        )
    offsets = np.cumsum([0, *(len(p) for p in points[:-1])])
    faces = np.concatenate(
        [
            np.asarray(mesh.faces, dtype=np.int64) + offset
            for mesh, offset in zip(meshes, offsets, strict=True)
        ]
    )
    return decompose(np.concatenate(points), faces, rules.max_parts)
