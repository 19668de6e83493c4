"""The named sets of objects, whose seeds cannot meet by construction, and a hash that tells two
sets apart."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache, partial
from pathlib import Path

import numpy as np

from selfgrasp.core.errors import InputError
from selfgrasp.objects.families import (
    ADVERSARIAL,
    CATEGORIES,
    FAMILIES,
    TOY_BLOCKS,
    Ranges,
    make_object,
)
from selfgrasp.objects.families.toy_blocks import RANGES as TOY_RANGES
from selfgrasp.objects.meshes import MeshRules, load_meshes
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.sets import SETS
from selfgrasp.objects.vessel_sets import VESSEL_SETS, make_vessel, vessel_objects

HELD_OUT_FAMILIES: tuple[str, ...] = ("cross", "mug", "dumbbell")
"""Families that no training or validation object comes from."""
SEEN_FAMILIES: tuple[str, ...] = tuple(
    family for family in FAMILIES if family not in HELD_OUT_FAMILIES
)
HELD_OUT_SCALE: tuple[float, float] = (0.6, 0.75)
"""Scales that no training or validation object has: their range starts at 0.85."""
SEEDS_PER_SET = 10_000
TRAIN_SIZE, VALIDATION_SIZE, TEST_SIZE, STAGE_SIZE = 150, 30, 60, 50
CATEGORY_INSTANCES = {one.name: one.instances for one in SETS.values() if one.instances}
"""Instances of each category, by the name of the set."""
OUT_OF_CATEGORY: tuple[str, ...] = (
    "egg",
    "superquadric",
    "blob",
    "wedge",
    "prism",
    "l_block",
    "t_block",
    "arch",
    "bottle",
)
"""Families that nobody would take for a category."""
ASSORTED_SIZE = 48
"""Objects of no category that lie among those of the training instances in the set "assorted"."""
HOUSEHOLD: tuple[str, ...] = (
    "bottle",
    "mug",
    "box",
    "bowl",
    "soda_can",
    "plastic_cup",
    "spoon",
    "screwdriver",
    "torch",
    "scotch_tape",
)
"""Families of the set "household", one object of each."""
BLOCKS = 90
"""Toy blocks of the set "blocks": each shape in ten colors."""
NOVEL_BLOCK_FAMILIES: tuple[str, ...] = (
    "box",
    "cylinder",
    "wedge",
    "prism",
    "l_block",
    "t_block",
    "cross",
    "arch",
    "superquadric",
    "capsule",
)
NOVEL_BLOCKS = 30
"""Shapes of the set "blocks-novel", three of each of its families, none hard on purpose."""
SET_NAMES: tuple[str, ...] = tuple(name for name in SETS if name != "mixed")
"""Sets that sessions know by name; others are folders to them."""


class Novelty(StrEnum):
    """What is new about a test object."""

    INSTANCE = "instance"
    FAMILY = "family"
    SIZE = "size"


_TRAIN_START, _VALIDATION_START, _STAGE_START = 0, SEEDS_PER_SET, 5 * SEEDS_PER_SET
_TEST_START = {
    Novelty.INSTANCE: 2 * SEEDS_PER_SET,
    Novelty.FAMILY: 3 * SEEDS_PER_SET,
    Novelty.SIZE: 4 * SEEDS_PER_SET,
}
_CATEGORIES_START = dict(
    zip(CATEGORY_INSTANCES, range(6 * SEEDS_PER_SET, 9 * SEEDS_PER_SET, SEEDS_PER_SET), strict=True)
)
_ASSORTED_START = 9 * SEEDS_PER_SET
_HOUSEHOLD_START = 10 * SEEDS_PER_SET
_ADVERSARIAL_START = 11 * SEEDS_PER_SET
_BLOCKS_START = 12 * SEEDS_PER_SET
_NOVEL_BLOCKS_START = 13 * SEEDS_PER_SET
_VESSELS_START = 14 * SEEDS_PER_SET


def train_objects(n: int = TRAIN_SIZE) -> tuple[ObjectModel, ...]:
    """The first n training objects, in turn from each seen family."""
    return _from_seeds(SEEN_FAMILIES, _TRAIN_START, n)


def validation_objects(n: int = VALIDATION_SIZE) -> tuple[ObjectModel, ...]:
    """The first n validation objects: new objects of the seen families."""
    return _from_seeds(SEEN_FAMILIES, _VALIDATION_START, n)


def stage_objects(n: int = TRAIN_SIZE + STAGE_SIZE) -> tuple[ObjectModel, ...]:
    """The training objects, and after them objects that no other set has: what the stages of a
    staged learner meet (Pinto & Gupta 2016, section III.D)."""
    new = _from_seeds(SEEN_FAMILIES, _STAGE_START, n - TRAIN_SIZE) if n > TRAIN_SIZE else ()
    return (*train_objects(min(n, TRAIN_SIZE)), *new)


def test_objects(n: int = TEST_SIZE, novelty: Novelty | None = None) -> tuple[ObjectModel, ...]:  # noqa: PT028
    """The first n test objects: of one novelty, or in turn a new instance, a new family and a new
    size."""
    kinds = tuple(Novelty) if novelty is None else (novelty,)
    shares = [n // len(kinds) + (index < n % len(kinds)) for index in range(len(kinds))]
    groups = [_test_group(kind, share) for kind, share in zip(kinds, shares, strict=True)]
    return tuple(groups[index % len(kinds)][index // len(kinds)] for index in range(n))


# pytest would collect the function by its name.
test_objects.__test__ = False  # type: ignore[attr-defined]


def category_objects(name: str, n: int | None = None) -> tuple[ObjectModel, ...]:
    """The first n objects of a set of categories, in turn from each; all of them by default.

    Args:
        name: a key of `CATEGORY_INSTANCES`.
        n: how many.
    """
    return _from_seeds(
        CATEGORIES,
        _CATEGORIES_START[name],
        CATEGORY_INSTANCES[name] * len(CATEGORIES) if n is None else n,
    )


def household_objects() -> tuple[ObjectModel, ...]:
    """Ten things of a household, one of each of ten families, none made hard on purpose: what
    stands here for the ten household objects of Mahler et al. 2017, table IV. No other set has any
    of them, and nothing may learn from them or from those of "test"."""
    return _from_seeds(HOUSEHOLD, _HOUSEHOLD_START, len(HOUSEHOLD))


def adversarial_objects() -> tuple[ObjectModel, ...]:
    """Eight things that are easily shaken off a hand.

    They are *known* objects: what is tested on them may have learned from them and says so, as
    GQ-Adv of Mahler et al. 2017 does, which learns from these alone. Whatever else learns from
    shapes takes "train", "stage" or meshes, and meets none of them.

    They were chosen before any learned policy was looked at, so that after a shake random antipodal
    grasps that come down freely hold each of them in less than 0.6 of all tries, and the oracle in
    more than 0.95 (`python -m benchmarks.adversarial`, figures in docs/LOG.md).
    """
    return _from_seeds(tuple(ADVERSARIAL), _ADVERSARIAL_START, len(ADVERSARIAL))


def block_objects() -> tuple[ObjectModel, ...]:
    """The nine toy blocks in ten colors each."""
    return _from_seeds(TOY_BLOCKS, _BLOCKS_START, BLOCKS)


def novel_block_objects() -> tuple[ObjectModel, ...]:
    """Thirty shapes that are no toy blocks, for what has learned from those."""
    return _from_seeds(NOVEL_BLOCK_FAMILIES, _NOVEL_BLOCKS_START, NOVEL_BLOCKS)


def assorted_objects() -> tuple[ObjectModel, ...]:
    """The training instances of the categories, and objects of no category."""
    of_none = _from_seeds(OUT_OF_CATEGORY, _ASSORTED_START, ASSORTED_SIZE)
    return (*category_objects("categories"), *of_none)


_FIXED: Mapping[str, Callable[[], tuple[ObjectModel, ...]]] = {
    "assorted": assorted_objects,
    "household": household_objects,
    "adversarial": adversarial_objects,
    "blocks": block_objects,
    "blocks-novel": novel_block_objects,
    **{name: partial(vessel_objects, name) for name in VESSEL_SETS},
}
"""Sets that have no more objects than these."""


def _test_group(kind: Novelty, n: int) -> tuple[ObjectModel, ...]:
    families = HELD_OUT_FAMILIES if kind is Novelty.FAMILY else SEEN_FAMILIES
    return _from_seeds(families, _TEST_START[kind], n)


def _from_seeds(families: Sequence[str], first: int, n: int) -> tuple[ObjectModel, ...]:
    if not 1 <= n <= SEEDS_PER_SET:
        raise InputError(given=f"{n} objects", wanted=f"1 to {SEEDS_PER_SET}")
    return tuple(_make(families[index % len(families)], first + index) for index in range(n))


def _make(family: str, seed: int) -> ObjectModel:
    if seed >= _VESSELS_START:
        return make_vessel(family, seed)
    ranges = None
    if family in ADVERSARIAL:
        ranges = ADVERSARIAL[family].ranges
    elif family in TOY_BLOCKS:
        ranges = TOY_RANGES
    elif _TEST_START[Novelty.SIZE] <= seed < _TEST_START[Novelty.SIZE] + SEEDS_PER_SET:
        ranges = Ranges(scale=HELD_OUT_SCALE)
    elif seed >= min(_CATEGORIES_START.values()):
        # What is widened or flattened on purpose is no longer told apart by people either.
        ranges = Ranges(hard=0.0, hopeless=0.0)
    return make_object(family, seed, ranges)


def object_named(name: str) -> ObjectModel:
    """The catalogue's object of a name such as "mug-30017".

    Raises:
        InputError: no family and number in the name.
    """
    family, _, digits = name.rpartition("-")
    known = dict.fromkeys((*FAMILIES, *CATEGORIES, *ADVERSARIAL, *TOY_BLOCKS))
    if family not in known or not digits.isdecimal():
        raise InputError(
            given=f"object {name!r}",
            wanted="a family, a dash and a number, e.g. mug-0017",
            exists=", ".join(known),
        )
    return _make(family, int(digits))


def objects_by_name(
    name: str | Path, n: int | None = None, *, rules: MeshRules | None = None
) -> tuple[ObjectModel, ...]:
    """The objects of a named set, or the meshes of a folder.

    What was guessed and refused in a folder is said once, on standard error.

    Args:
        name: one of `SET_NAMES` or the path of a folder with meshes.
        n: how many, from the beginning; the whole usual set, or the whole folder, by default.
        rules: how meshes become objects.

    Raises:
        InputError: neither a set nor a folder, no objects in the folder, or fewer than n.
    """
    match str(name):
        case "train":
            return train_objects(TRAIN_SIZE if n is None else n)
        case "validation":
            return validation_objects(VALIDATION_SIZE if n is None else n)
        case "test":
            return test_objects(TEST_SIZE if n is None else n)
        case "stage":
            return stage_objects() if n is None else stage_objects(n)
        case category if category in CATEGORY_INSTANCES:
            return category_objects(category, n)
        case fixed if fixed in _FIXED:
            every = _FIXED[fixed]()
            if n is not None and not 1 <= n <= len(every):
                raise InputError(given=f"{n} objects", wanted=f"1 to {len(every)}")
            return every[:n]
    return _from_folder(name, n, rules)


def _from_folder(
    name: str | Path, n: int | None, rules: MeshRules | None
) -> tuple[ObjectModel, ...]:
    if not Path(name).is_dir():
        raise InputError(
            given=f"objects {str(name)!r}",
            wanted="a set of objects or a folder of meshes"
            + (" (its parts are FOLDER#train and FOLDER#test)" if "#" in str(name) else ""),
            exists=", ".join(SET_NAMES),
        )
    report = load_meshes(name, rules)
    needed = 1 if n is None else n
    if len(report.objects) < needed:
        refused = "; ".join(f"{r.file}: {r.reason}" for r in report.refused) or "none refused"
        raise InputError(
            given=f"folder {str(name)!r}",
            wanted=f"{needed} usable meshes",
            exists=f"{len(report.objects)} usable; {refused}",
        )
    # Workers read what their parent has read and named.
    if multiprocessing.parent_process() is None:
        _say_once(report.words(str(name)))
    return report.objects[:n]


@cache
def _say_once(words: str) -> None:
    print(words, file=sys.stderr)


def catalogue_hash(objects: Iterable[ObjectModel]) -> str:
    """SHA-256, in hex, over names, geometry, masses, frictions and looks, in the order given;
    lengths are rounded to a nanometre."""
    digest = hashlib.sha256()
    for item in objects:
        digest.update(
            f"{item.name}|{item.family}|{item.mass:.9f}|{item.friction:.9f}|{item.pattern}|{len(item.parts)}".encode()
        )
        for part in item.parts:
            digest.update(f"|{part.shape}|{part.density:.9f}|".encode())
            arrays = (part.size, part.object_from_part, part.color, part.vertices, part.faces)
            for array in arrays:
                if array is not None:
                    digest.update(
                        np.rint(np.asarray(array, dtype=np.float64) * 1e9).astype("<i8").tobytes()
                    )
    return digest.hexdigest()
