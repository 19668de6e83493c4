"""Procedural families of objects: `make_object(family, seed)` gives the same object on every
machine."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.objects.families import blocks, desk, household, tools, toy_blocks, vessels
from selfgrasp.objects.families.adversarial import ADVERSARIAL
from selfgrasp.objects.families.challenge import end_loaded, flattened, widened
from selfgrasp.objects.families.draw import Draw, Ranges, start
from selfgrasp.objects.families.toy_blocks import TOY_BLOCKS
from selfgrasp.objects.model import ObjectModel, assemble, combined_mass
from selfgrasp.objects.part import Part
from selfgrasp.objects.patterns import PATTERNS

__all__ = ["ADVERSARIAL", "CATEGORIES", "FAMILIES", "TOY_BLOCKS", "Ranges", "make_object"]

_MAKERS: tuple[Callable[[Draw], list[Part]], ...] = (
    blocks.box,
    blocks.cylinder,
    blocks.capsule,
    blocks.egg,
    blocks.superquadric,
    blocks.blob,
    blocks.wedge,
    blocks.prism,
    blocks.l_block,
    blocks.t_block,
    blocks.cross,
    blocks.arch,
    blocks.ring,
    vessels.mug,
    vessels.cup,
    vessels.bowl,
    vessels.tray,
    vessels.bottle,
    vessels.pan,
    tools.hammer,
    tools.screwdriver,
    tools.brush,
    tools.dumbbell,
    tools.spoon,
    tools.mallet,
)
_CATEGORY_MAKERS: tuple[Callable[[Draw], list[Part]], ...] = (
    desk.eraser,
    desk.scotch_tape,
    desk.comb,
    household.shovel,
    household.lego,
    household.torch,
    desk.pen,
    household.plastic_cup,
    household.toy,
    household.tool,
    desk.stapler,
    household.toilet_brush,
    desk.paint_brush,
    tools.spoon,
    vessels.bowl,
    household.soda_can,
)
_BY_NAME = {
    maker.__name__: maker
    for maker in (
        *_MAKERS,
        *_CATEGORY_MAKERS,
        *(one.make for one in ADVERSARIAL.values()),
        *toy_blocks.MAKERS,
    )
}
FAMILIES: tuple[str, ...] = tuple(maker.__name__ for maker in _MAKERS)
"""What robots learn to grasp from."""
CATEGORIES: tuple[str, ...] = tuple(maker.__name__ for maker in _CATEGORY_MAKERS)
"""What robots learn to tell apart: those of Jang et al. 2017, table 1, in its order."""


def make_object(family: str, seed: int, ranges: Ranges | None = None) -> ObjectModel:
    """The object of a family that a seed stands for, named e.g. "mug-0017".

    Args:
        family: a name from `FAMILIES`, `CATEGORIES`, `ADVERSARIAL` or `TOY_BLOCKS`.
        seed: 0 or more.
        ranges: what varies; the usual ranges by default.

    Raises:
        InputError: no such family, or a negative seed.
    """
    if family not in _BY_NAME:
        raise unknown_name("family", family, _BY_NAME)
    if seed < 0:
        raise InputError(given=f"seed {seed}", wanted="0 or more")
    ranges = ranges or Ranges()
    rng = np.random.default_rng([zlib.crc32(family.encode()), seed])
    parts, slippery = _made_hard(_BY_NAME[family](start(rng, ranges)), rng, ranges)
    density = rng.uniform(*ranges.density)
    return ObjectModel(
        name=f"{family}-{seed:04d}",
        family=family,
        seed=seed,
        parts=assemble(parts),
        mass=float(np.clip(density * combined_mass(parts).volume, *ranges.mass)),
        friction=float(rng.uniform(*(ranges.slippery if slippery else ranges.friction))),
        pattern=str(rng.choice(PATTERNS)) if rng.random() < ranges.patterned else "plain",
    )


def _made_hard(
    parts: list[Part], rng: np.random.Generator, ranges: Ranges
) -> tuple[list[Part], bool]:
    """The parts, some of them made hard, and whether the object is slippery; what does not suit an
    object becomes slipperiness."""
    luck = rng.random()
    if luck < ranges.hopeless:
        return widened(parts, rng, ranges, sides=3) or widened(
            parts, rng, ranges, sides=2
        ) or parts, True
    if luck >= ranges.hopeless + ranges.hard:
        return parts, False
    ways: tuple[Callable[[], list[Part] | None], ...] = (
        lambda: widened(parts, rng, ranges, sides=2),
        lambda: flattened(parts, rng, ranges),
        lambda: end_loaded(parts, rng, ranges),
        lambda: None,
    )
    hard = ways[rng.integers(len(ways))]()
    return (parts, True) if hard is None else (hard, False)
