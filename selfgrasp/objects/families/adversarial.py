"""Eight objects that are lifted easily and shaken off easily: thin, slippery, curved or sloped
where they look flat, heavy at one end. Long ones lie along x.

They are of polished metal, 0.35 to 0.5 kg, and each has grasps that hold: at the heavy end, across
a middle, on the faces that are upright.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from selfgrasp.objects import build
from selfgrasp.objects.families.draw import STEEL, Draw, Ranges
from selfgrasp.objects.part import Part


@dataclass(frozen=True)
class Adversarial:
    """One of the eight: who makes its parts, its mass in kg and its sliding coefficient."""

    make: Callable[[Draw], list[Part]]
    mass: float
    friction: float

    @property
    def ranges(self) -> Ranges:
        """In which nothing but the color varies."""
        return Ranges(
            scale=(1.0, 1.0),
            mass=(self.mass, self.mass),
            friction=(self.friction, self.friction),
            hard=0.0,
            hopeless=0.0,
        )


def club(draw: Draw) -> list[Part]:
    """A flat bar that ends in a heavy round head, on which it does not stand."""
    head = build.capsule(0.014, 0.04, (0.065, 0.0, 0.0), STEEL, rotation=build.ALONG_X, density=5.0)
    return [build.box((0.10, 0.016, 0.014), (0.0, 0.0, 0.0), draw.body), head]


def lens(draw: Draw) -> list[Part]:
    """A disc whose rim is round: fingers above or below its middle are squeezed off."""
    return [build.ellipsoid((0.036, 0.036, 0.012), (0.0, 0.0, 0.0), draw.body)]


def keystone(draw: Draw) -> list[Part]:
    """A block with two upright ends, whose long sides lean by 24 degrees, more than it rubs."""
    corners = [
        [x * 0.035, y * wide / 2.0, z]
        for x in (-1.0, 1.0)
        for y in (-1.0, 1.0)
        for wide, z in ((0.064, 0.0), (0.034, 0.034))
    ]
    return [build.hull(np.array(corners), draw.body)]


def tab(draw: Draw) -> list[Part]:
    """A strip 6 mm thin with a heavy cube at one end."""
    cube = build.box((0.03, 0.03, 0.03), (0.055, 0.0, 0.018), STEEL, density=3.0)
    return [build.box((0.14, 0.03, 0.006), (0.0, 0.0, 0.0), draw.body), cube]


def ladle(draw: Draw) -> list[Part]:
    """A thin rod that ends in a heavy disc, nearly as wide as the hand opens."""
    rod = build.cylinder(0.006, 0.07, (0.07, 0.0, 0.0), draw.body, rotation=build.ALONG_X)
    return [build.cylinder(0.04, 0.014, (0.0, 0.0, 0.0), STEEL, density=3.0), rod]


def hook(draw: Draw) -> list[Part]:
    """A bar that ends in a heavy block to one side."""
    block = build.box((0.018, 0.07, 0.03), (0.055, 0.027, 0.0), STEEL, density=4.0)
    return [build.box((0.10, 0.016, 0.016), (0.0, 0.0, 0.0), draw.body), block]


def tee(draw: Draw) -> list[Part]:
    """A bar across a short heavy block."""
    block = build.box((0.05, 0.03, 0.03), (0.03, 0.0, 0.0), STEEL, density=3.0)
    return [build.box((0.016, 0.11, 0.016), (0.0, 0.0, 0.0), draw.body), block]


def coin(draw: Draw) -> list[Part]:
    """A disc 8 mm thin."""
    return [build.cylinder(0.038, 0.008, (0.0, 0.0, 0.0), draw.body)]


ADVERSARIAL: Mapping[str, Adversarial] = {
    one.make.__name__: one
    for one in (
        Adversarial(club, 0.40, 0.38),
        Adversarial(lens, 0.46, 0.38),
        Adversarial(keystone, 0.39, 0.36),
        Adversarial(tab, 0.46, 0.38),
        Adversarial(ladle, 0.4, 0.38),
        Adversarial(hook, 0.45, 0.38),
        Adversarial(tee, 0.46, 0.38),
        Adversarial(coin, 0.33, 0.38),
    )
}
"""By family."""
