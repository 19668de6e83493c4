"""What to measure: plain values, so that `--help` comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from selfgrasp.workcell.cells.config import OptionValue

OBJECT_ROWS = {
    "train": "seen",
    "test": "novel",
    "mixed": "mixed",
    "validation": "validation",
    "categories": "seen",
    "categories-test": "novel",
    "categories-validation": "validation",
}
FIRST_SCENE = 1_000_000
"""Seeds of the benchmark's scenes start here; validation scenes at `VALIDATION_SCENE`. Collections
draw theirs by hashing."""
VALIDATION_SCENE = 500_000


@dataclass(frozen=True)
class BenchJob:
    """Measure any policy by a protocol. Every policy meets the same scenes: same objects, drops and
    noise.

    Run the same command again to go on after an interruption; once done, it measures anew.

    Attributes:
        protocol: prediction, isolated, clear, deplete or category.
        policy: one or more: random, random_servo, heuristic, oracle, a method's name, a run folder
            or a checkpoint; +VARIANT after it, as hand_eye+open, is one of its variants.
        out: folder for report.json and report.html.
        objects: seen, novel, validation, mixed (half of the first two each), or a folder of meshes;
            of these `category` has the first three. The default is the protocol's.
        trials: scenes a policy (prediction: attempts); the default is the protocol's full number.
        data: prediction only: a folder for its datasets of tried actions on held-out objects, which
            are collected where they are not there; by default below out.
        seed: shifts the benchmark's scenes.
        workers: processes.
        cell: tabletop or kuka_bin; the default is the protocol's.
        options: of the cell, those that are given; the rest are the protocol's. With a protocol
            before --help its values are listed.
    """

    protocol: Annotated[str, tyro.conf.Positional]
    policy: tuple[str, ...]
    out: Path
    objects: str | None = None
    trials: int | None = None
    data: Path | None = None
    seed: int = 0
    workers: int = 2
    cell: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def first_scene(objects: str, seed: int) -> int:
    """The first of the benchmark's scenes with that set of objects; they count up from it."""
    return (VALIDATION_SCENE if row_label(objects) == "validation" else FIRST_SCENE) + 10_000 * seed


def row_label(objects: str) -> str:
    """How reports call a set of objects: seen, novel, mixed, or a folder's name."""
    return OBJECT_ROWS.get(
        objects, objects if objects in OBJECT_ROWS.values() else Path(objects).name
    )
