"""The sets of vessels: mugs, bottles, cups and bowls (Jang et al. 2018, appendix B), each of its
own shape, colors and pattern; and the same in white."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from selfgrasp.objects.families import Ranges, make_object
from selfgrasp.objects.model import ObjectModel

VESSEL_FAMILIES: tuple[str, ...] = ("mug", "bottle", "cup", "bowl")
"""In turn in every set."""
RANGES = Ranges(hard=0.0, hopeless=0.0, patterned=1.0)
"""None is made hard on purpose."""
WHITE: tuple[float, float, float] = (0.9, 0.9, 0.9)
"""sRGB of every part of the white vessels."""


@dataclass(frozen=True)
class VesselSet:
    """Where a set of vessels is.

    Attributes:
        start: its first seed.
        size: how many objects it holds.
        shapes: first seed of the set whose shapes and patterns these are in white; None for shapes
            and colors of its own.
    """

    start: int
    size: int
    shapes: int | None = None


VESSEL_SETS: Mapping[str, VesselSet] = {
    "vessels": VesselSet(140_000, 44),
    "vessels-validation": VesselSet(150_000, 12),
    "vessels-novel": VesselSet(160_000, 15),
    "vessels-many": VesselSet(170_000, 500),
    "vessels-white": VesselSet(180_000, 44, shapes=140_000),
    "vessels-novel-white": VesselSet(190_000, 15, shapes=160_000),
}
"""By name. Every set may take 10,000 seeds from its first one on, as those of the catalogue."""


def vessel_objects(name: str) -> tuple[ObjectModel, ...]:
    """Every object of a set, in turn of each family.

    Args:
        name: a key of `VESSEL_SETS`.
    """
    one = VESSEL_SETS[name]
    return tuple(
        make_vessel(VESSEL_FAMILIES[index % len(VESSEL_FAMILIES)], one.start + index)
        for index in range(one.size)
    )


def make_vessel(family: str, seed: int) -> ObjectModel:
    """The vessel of a seed from the first one of `VESSEL_SETS` on."""
    one = max((s for s in VESSEL_SETS.values() if s.start <= seed), key=lambda s: s.start)
    if one.shapes is None:
        return make_object(family, seed, RANGES)
    colored = make_object(family, one.shapes + seed - one.start, RANGES)
    parts = tuple(replace(part, color=np.array(WHITE)) for part in colored.parts)
    return replace(colored, name=f"{family}-{seed:04d}", seed=seed, parts=parts)
