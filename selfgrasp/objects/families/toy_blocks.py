"""The nine shapes of a box of toy blocks, each of one size (Zeng et al. 2018, section V.C).
Each lies on its largest face, long ones along x.

Every part is exact: MuJoCo reports depths of centimetres where corners of a hull lie nearly, but
not quite, in one plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from selfgrasp.objects import build
from selfgrasp.objects.families.draw import Draw, Ranges
from selfgrasp.objects.part import Part

RANGES = Ranges(
    scale=(1.0, 1.0),
    density=(400.0, 400.0),
    friction=(0.7, 0.7),
    hard=0.0,
    hopeless=0.0,
    patterned=0.0,
)
"""In which nothing but the color varies: light wood."""

_ORIGIN = (0.0, 0.0, 0.0)


def toy_cube(draw: Draw) -> list[Part]:
    """A cube of 50 mm."""
    return [build.box((0.05, 0.05, 0.05), _ORIGIN, draw.body)]


def toy_brick(draw: Draw) -> list[Part]:
    """Two cubes in one."""
    return [build.box((0.10, 0.05, 0.05), _ORIGIN, draw.body)]


def toy_plank(draw: Draw) -> list[Part]:
    """Half a brick, cut along."""
    return [build.box((0.10, 0.05, 0.025), _ORIGIN, draw.body)]


def toy_tile(draw: Draw) -> list[Part]:
    """Half a cube."""
    return [build.box((0.05, 0.05, 0.025), _ORIGIN, draw.body)]


def toy_cylinder(draw: Draw) -> list[Part]:
    """A cylinder that stands, 45 mm across and 50 mm high."""
    return [build.cylinder(0.0225, 0.05, _ORIGIN, draw.body)]


def toy_half_cylinder(draw: Draw) -> list[Part]:
    """Half a cylinder on its flat side, 50 mm across and long."""
    angles = np.linspace(0.0, np.pi, 13)
    outline = [(0.025 * float(np.cos(a)), 0.025 * float(np.sin(a))) for a in angles]
    return [_pulled(outline, 0.05, draw)]


def toy_triangle(draw: Draw) -> list[Part]:
    """A flat right-angled triangle, 60 mm along both legs, 25 mm high."""
    corners = np.array(
        [[x, y, z] for x, y in ((0.0, 0.0), (0.06, 0.0), (0.0, 0.06)) for z in (0.0, 0.025)]
    )
    return [build.hull(corners, draw.body)]


def toy_wedge(draw: Draw) -> list[Part]:
    """A roof, 94 mm wide, 48 mm high and 50 mm deep."""
    return [_pulled([(-0.047, 0.0), (0.047, 0.0), (0.0, 0.048)], 0.05, draw)]


def toy_arch(draw: Draw) -> list[Part]:
    """A brick with a gate through it."""
    legs = [
        build.box((0.025, 0.05, 0.03), (side * 0.0375, 0.0, -0.01), draw.body)
        for side in (-1.0, 1.0)
    ]
    return [build.box((0.10, 0.05, 0.02), (0.0, 0.0, 0.015), draw.body), *legs]


def _pulled(outline: Sequence[tuple[float, float]], depth: float, draw: Draw) -> Part:
    """An outline in x and z, m, pulled along y by `depth` m."""
    corners = [[x, side * depth / 2.0, z] for x, z in outline for side in (-1.0, 1.0)]
    return build.hull(np.array(corners), draw.body)


MAKERS: tuple[Callable[[Draw], list[Part]], ...] = (
    toy_cube,
    toy_brick,
    toy_plank,
    toy_tile,
    toy_cylinder,
    toy_half_cylinder,
    toy_triangle,
    toy_wedge,
    toy_arch,
)
TOY_BLOCKS: tuple[str, ...] = tuple(maker.__name__ for maker in MAKERS)
"""The nine families."""
