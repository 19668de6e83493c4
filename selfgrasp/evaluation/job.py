"""What to measure: plain values, so that `--help` comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from selfgrasp.common.seeds import Purpose
from selfgrasp.core.bounds import Between, Seed
from selfgrasp.evaluation.names import protocol_names
from selfgrasp.objects.sets import SetLabel, set_label
from selfgrasp.workcell.cells.config import OptionValue

ProtocolName = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(constructor=tyro.extras.literal_type_from_choices(protocol_names())),
]


Part = Literal["all", "train", "validation", "test"]
"""Of a dataset's split, or all of it."""


@dataclass(frozen=True)
class BenchJob:
    """Measure any policy by a protocol. Every policy meets the same scenes: same objects, drops and
    noise.

    Attributes:
        protocol: which benchmark.
        policy: one or more: random, random_servo, random_push_grasp, heuristic, igq, registration,
            oracle, a method's name, or the path of a run's folder or of a checkpoint; +VARIANT
            after it, as hand_eye+open, is one of its variants; +push pushes at random after each
            miss. A path has a slash: write ./NAME for a folder here. embedding: grasp2vec, a run of
            it, untrained, color_histogram, imagenet:FILE (torchvision's resnet50), or a file of
            features (.npz).
        objects: seen, novel, validation, mixed (half of the first two each), household (ten novel
            things), adversarial (eight that are easily shaken off the hand), or a folder of meshes;
            of these `category` has the first three, and `declutter` the first two. The default is
            the protocol's.
        trials: scenes a policy (prediction and embedding: attempts); the default is the protocol's
            full number (arrangements: 30 a case; embedding: as many as there are).
        data: prediction: a folder for its datasets of tried actions on held-out objects, which are
            collected where they are not there; by default below the report's folder. embedding:
            datasets of attempts that presented what they lifted.
        part: embedding only: which part of the datasets' splits is held out. By default the test
            part of a dataset of seen objects, and all of one of novel or validation objects.
        gallery: embedding only: how many pictures are searched, drawn by the seed; by default all.
        cases: arrangements only: a folder of them; by default the package's own.
        meshes: arrangements only: the folder of the meshes that these name; by default the same
            folder.
        seed: shifts the benchmark's scenes.
        cell: tabletop, kuka_bin, flat_table or ur5_table; the default is the protocol's.
        options: of the cell, those that are given; the rest are the protocol's. With a protocol
            before --help its values are listed.
    """

    protocol: ProtocolName
    policy: tuple[str, ...]
    objects: str | None = None
    trials: Annotated[int, Between(1, 10**6)] | None = None
    data: tuple[Path, ...] = ()
    part: Part | None = None
    gallery: Annotated[int, Between(2, 10**6)] | None = None
    cases: Path | None = None
    meshes: Path | None = None
    seed: Seed = 0
    cell: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def first_scene(objects: str, seed: int) -> int:
    """The first of the benchmark's scenes with that set of objects; they count up from it."""
    validation = set_label(objects) == SetLabel.VALIDATION
    return (Purpose.VALIDATION if validation else Purpose.BENCHMARK).first_scene(seed)
