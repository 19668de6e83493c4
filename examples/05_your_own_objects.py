"""Lesson 5: your own objects. A folder of mesh files is all it takes; this one writes two meshes,
in millimetres, to have a folder.

Run it:  .venv/bin/python examples/05_your_own_objects.py
"""

import sys
from pathlib import Path

import trimesh

from selfgrasp.cli import main as selfgrasp
from selfgrasp.objects.meshes import load_meshes

FOLDER = Path("datasets/lesson-meshes")


def write_meshes(folder: Path) -> None:
    """A rod and a ring; the ring is not convex, so it is cut into convex parts."""
    folder.mkdir(parents=True, exist_ok=True)
    trimesh.creation.cylinder(radius=12, height=120).export(folder / "rod.stl")
    trimesh.creation.annulus(r_min=22, r_max=32, height=25).export(folder / "ring.stl")


def main() -> int:
    """What became of each file, then twelve attempts on them."""
    write_meshes(FOLDER)
    report = load_meshes(FOLDER)
    for note in report.loaded:
        print(f"{note.file}: {note.scale:g} m per unit ({note.unit}), {note.parts}")
    for refusal in report.refused:
        print(f"{refusal.file}: refused, {refusal.reason}")
    return selfgrasp(
        [
            "collect",
            "--policy",
            "heuristic",
            "--objects",
            str(FOLDER),
            "--attempts",
            "12",
            "--workers",
            "1",
            "--out",
            "datasets/lesson-own",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
