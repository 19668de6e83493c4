"""Objects from a folder of mesh files; a file that cannot be used is reported with its reason and
stops nothing."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np

from selfgrasp.common.progress import Progress
from selfgrasp.core.errors import InputError
from selfgrasp.objects import build, mesh_cache
from selfgrasp.objects.decompose import (
    NEARLY_CONVEX,
    Pieces,
    decompose,
    hull_volume,
    merge_pieces,
    nearly_convex,
    without_contained,
)
from selfgrasp.objects.hulls import polyhedron_mass, simplified_hull
from selfgrasp.objects.mesh_cache import Judged, cache_key
from selfgrasp.objects.mesh_file import SUFFIXES, Triangles, UnusableMesh, open_mesh, read_triangles
from selfgrasp.objects.model import MAX_PARTS, ObjectModel, Part, assemble, combined_mass
from selfgrasp.objects.shells import Surface, surface_of

UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_SMALLEST, _LARGEST = 0.01, 0.5
# STL and GLB keep single precision.
_ROUNDING = 1e-6
# A group's hull below this share of the whole is a sliver that only slows contacts down.
_SLIVER = 1e-6
_NAMED = 6
_TOLERANCES = (0.004, 0.01, 0.025)
"""Of a hull's longest side: corners that stand out less are left out; the larger ones where an
object fails the trial."""


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
        concavity: how much a part may fill that is hollow, as coacd counts it; None takes what is
            found quickly.
    """

    scale: float | None = None
    mass: float | None = None
    density: float = 400.0
    mass_range: tuple[float, float] = (0.03, 0.5)
    guessed_side: tuple[float, float] = (0.03, 0.25)
    friction: float = 0.7
    max_parts: int = MAX_PARTS
    concavity: float | None = None


@dataclass(frozen=True)
class LoadedMesh:
    """What was decided about a file: its name, metres per unit and where that number came from, how
    it was cut into convex parts, what was left out or mended, and the object's center of mass
    (3,) m in the file's frame."""

    file: str
    scale: float
    unit: str
    parts: str
    notes: tuple[str, ...]
    center: tuple[float, float, float]


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

    def words(self, folder: str) -> str:
        """What was found in the folder and which units were guessed; a line each, what was left
        out, mended or refused, and why."""
        by_unit: dict[str, list[str]] = {}
        for note in self.loaded:
            by_unit.setdefault(note.unit, []).append(note.file)
        units = "; ".join(f"unit {unit}: {_listed(files)}" for unit, files in by_unit.items())
        found = f"{len(self.objects)} objects from {folder}, {len(self.refused)} refused"
        lines = [found + (f"; {units}" if units else "")]
        lines += [f"{one.file}: {note}" for one in self.loaded for note in one.notes]
        lines += [f"refused {one.file}: {one.reason}" for one in self.refused]
        return "\n".join(lines)


def _listed(files: Sequence[str]) -> str:
    more = len(files) - _NAMED
    return ", ".join(files[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def load_meshes(
    folder: str | Path, rules: MeshRules | None = None, only: Collection[str] | None = None
) -> MeshReport:
    """Every mesh file of a folder, or those called as in `only`, as an object named after it,
    family "mesh".

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
    rules = rules or MeshRules()
    judged = _judged([path for path in files if only is None or path.name in only], rules)
    objects = [_model(path, one, rules) for path, one in judged.items() if not one.refused]
    loaded = [
        LoadedMesh(path.name, one.scale, one.unit, one.how, one.notes, _center(one))
        for path, one in judged.items()
        if not one.refused
    ]
    refused = [RefusedMesh(path.name, one.refused) for path, one in judged.items() if one.refused]
    return MeshReport(tuple(objects), tuple(loaded), tuple(refused))


def _judged(files: Sequence[Path], rules: MeshRules) -> dict[Path, Judged]:
    """What each file is: as it was judged before, or judged now, with progress."""
    keys = {path: _key(path, rules) for path in files}
    found = {path: mesh_cache.find(key) for path, key in keys.items() if key}
    new = [path for path in files if found.get(path) is None]
    judged = {path: one for path, one in found.items() if one is not None}
    if new:
        with Progress("meshes", len(new), unit="files") as progress:
            for count, path in enumerate(new):
                progress.update(count, path.name)
                judged[path] = _judge(path, rules)
                if keys[path]:
                    mesh_cache.keep(keys[path], judged[path])
            progress.update(len(new))
    return {path: judged[path] for path in files}


def _key(path: Path, rules: MeshRules) -> str:
    """The cache's name for a file; empty where it cannot be opened."""
    try:
        return cache_key(open_mesh(path).digest, path.suffix.lower(), repr(rules))
    except UnusableMesh:
        return ""


def _beside(path: Path) -> str:
    if not path.parent.is_dir():
        return f"not even {path.parent}"
    return (
        ", ".join(sorted(p.name for p in path.parent.iterdir() if p.is_dir())[:8])
        or f"no folder in {path.parent}"
    )


def _judge(path: Path, rules: MeshRules) -> Judged:
    try:
        return _usable(path, rules)
    except (UnusableMesh, InputError) as error:
        return Judged(refused=str(error))
    # Other people's geometry finds every corner of Qhull and CoACD; the other files are still good.
    except Exception as error:
        return Judged(refused=f"cannot be cut: {type(error).__name__}: {error}")


def _usable(path: Path, rules: MeshRules) -> Judged:
    read = read_triangles(open_mesh(path))
    grouped = path.suffix.lower() == ".obj" and len(read.meshes) > 1
    whole = surface_of((mesh.vertices, mesh.faces) for mesh in read.meshes)
    if not whole.shells:
        raise UnusableMesh("no surface: all triangles are lines or points")
    scale, unit = _scale(float(np.ptp(whole.joined.vertices, axis=0).max()), rules)
    groups = _groups(read.meshes, whole, rules) if grouped else None
    pieces = groups or _cut(whole, rules)
    notes = []
    if read.stand_ins:
        notes.append(f"left out, as stand-ins by their names: {_listed(read.stand_ins)}")
    if whole.floaters:
        notes.append(f"left out {whole.floaters} floaters")
    if whole.covered and not groups:
        notes.append(f"left out {whole.covered} shells that others cover")
    if pieces.filled:
        notes.append(pieces.how)
    exact = Judged(scale=scale, unit=unit, how=pieces.how, notes=tuple(notes), parts=pieces.points)
    return _simulable(path, exact, rules)


def _simulable(path: Path, exact: Judged, rules: MeshRules) -> Judged:
    """The same object with hulls that have as few corners as it takes to pass the trial.

    Raises:
        UnusableMesh: it passes with none.
    """
    # By name, because rooms import one way, and because MuJoCo may be loaded only where it has been
    # chosen how it renders.
    trial = import_module("selfgrasp.workcell.cells.trial")
    first = ""
    for tolerance in _TOLERANCES:
        parts = tuple(simplified_hull(exact.scale * points, tolerance) for points in exact.parts)
        judged = replace(exact, parts=parts)
        fault = trial.fault_of(_model(path, judged, rules))
        if not fault:
            mended = f"mended, by leaving out corners within {tolerance:.1%} of its size: {first}"
            return replace(judged, notes=(*judged.notes, mended)) if first else judged
        first = first or fault
    raise UnusableMesh(first)


def _model(path: Path, judged: Judged, rules: MeshRules) -> ObjectModel:
    color = np.array(colorsys.hsv_to_rgb(zlib.crc32(path.name.encode()) % 360 / 360.0, 0.6, 0.85))
    parts = assemble([build.hull(points, color) for points in judged.parts])
    return ObjectModel(path.name, "mesh", None, parts, mesh_mass(parts, rules), rules.friction)


def _center(judged: Judged) -> tuple[float, float, float]:
    hulls = [build.hull(points, np.ones(3)) for points in judged.parts]
    x, y, z = combined_mass(hulls).center.tolist()
    return x, y, z


def mesh_mass(parts: Sequence[Part], rules: MeshRules | None = None) -> float:
    """kg of an object of these parts, by the rules for meshes."""
    rules = rules or MeshRules()
    if rules.mass is not None:
        return rules.mass
    return float(np.clip(rules.density * combined_mass(parts).volume, *rules.mass_range))


def _scale(side: float, rules: MeshRules) -> tuple[float, str]:
    """Metres per unit for a mesh whose longest side is `side` units, and a word on how it was
    chosen."""
    low, high = rules.guessed_side
    if rules.scale is None:
        for unit, scale in UNITS.items():
            if low * (1.0 - _ROUNDING) <= side * scale <= high * (1.0 + _ROUNDING):
                return scale, f"guessed {unit}"
        raise UnusableMesh(
            f"longest side of {side:g} units is not {low:g} to {high:g} m as m, cm or mm; "
            "give a scale"
        )
    if side * rules.scale > _LARGEST:
        raise UnusableMesh(
            f"longest side of {side * rules.scale:.3g} m at scale {rules.scale:g} exceeds "
            f"{_LARGEST:g} m"
        )
    if side * rules.scale < _SMALLEST:
        raise UnusableMesh(
            f"longest side of {side * rules.scale:.3g} m at scale {rules.scale:g} is below "
            f"{_SMALLEST:g} m"
        )
    return rules.scale, "given"


def _groups(meshes: Sequence[Triangles], whole: Surface, rules: MeshRules) -> Pieces | None:
    """The groups of a file as convex parts; None where one of them is not convex."""
    corners = whole.joined.vertices
    low, high = corners.min(axis=0), corners.max(axis=0)
    least = _SLIVER * hull_volume(corners)
    solid = []
    for mesh in meshes:
        outside = ((mesh.vertices < low) | (mesh.vertices > high)).any()
        if outside or hull_volume(mesh.vertices) <= least:
            continue
        if not _convex_group(mesh):
            return None
        solid.append(mesh.vertices)
    if not solid:
        raise UnusableMesh("no volume: every group is flat")
    merged = merge_pieces(without_contained(solid), rules.max_parts)
    fewer = f" merged into {len(merged)}" if len(merged) < len(meshes) else ""
    return Pieces(merged, f"{len(meshes)} groups{fewer}")


def _convex_group(mesh: Triangles) -> bool:
    """Whether a group fills its hull, but for a tenth; quickly where it is one closed surface."""
    filled = abs(polyhedron_mass(mesh.vertices, mesh.faces).volume) / hull_volume(mesh.vertices)
    if NEARLY_CONVEX < filled <= 1.0 + _ROUNDING:
        return True
    return nearly_convex(surface_of([(mesh.vertices, mesh.faces)]))


def _cut(whole: Surface, rules: MeshRules) -> Pieces:
    if hull_volume(whole.joined.vertices) <= 0.0:
        raise UnusableMesh("no volume: all vertices lie in one plane")
    return decompose(whole, rules.max_parts, rules.concavity)
