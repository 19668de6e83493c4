"""What every family draws from: the ranges, and one object's random numbers, scale, wall and
colours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray

MIN_SIDE = 0.004
"""m. Thinner parts make MuJoCo's contacts unreliable."""
STEEL = np.array([0.72, 0.74, 0.77])
"""sRGB (3,) of bare metal, in many categories."""
DARK = np.array([0.16, 0.16, 0.18])
"""sRGB (3,) of rubber and dark plastic, in many categories."""


@dataclass(frozen=True)
class Ranges:
    """What varies between objects, each as (low, high).

    Attributes:
        scale: multiplies every length of a family except wall thickness.
        wall: m, thickness of vessels' walls and floors.
        density: kg/m^3 before `mass` clips.
        mass: kg.
        friction: sliding coefficient of objects that are not slippery.
        slippery: sliding coefficient of slippery ones.
        flat: m, height of flat ones.
        head: relative density of the heavy end.
        hard: probability that a property is made hard on purpose (wide, flat, slippery or heavy at
            one end).
        hopeless: probability that an object is too wide in every direction, and slippery.
        opening: m, the gripper's; wide objects exceed it in two directions, hopeless ones in three.
        longest: m; nothing is enlarged beyond it.
        patterned: probability of a pattern.
    """

    scale: tuple[float, float] = (0.85, 1.15)
    wall: tuple[float, float] = (0.005, 0.007)
    density: tuple[float, float] = (300.0, 1500.0)
    mass: tuple[float, float] = (0.03, 0.5)
    friction: tuple[float, float] = (0.55, 1.0)
    slippery: tuple[float, float] = (0.35, 0.45)
    flat: tuple[float, float] = (0.008, 0.015)
    head: tuple[float, float] = (4.0, 8.0)
    hard: float = 0.25
    hopeless: float = 0.03
    opening: float = 0.085
    longest: float = 0.14
    patterned: float = 0.6


@dataclass(frozen=True, eq=False)
class Draw:
    """One object's source of numbers: `rng`; `scale` of lengths; `wall` m; sRGB colours (3,) of its
    body and of its accents."""

    rng: np.random.Generator
    scale: float
    wall: float
    body: FloatArray
    accent: FloatArray

    def length(self, low: float, high: float) -> float:
        """A scaled length m, uniform between `low` and `high` before scaling, never thinner than
        `MIN_SIDE`."""
        return max(float(self.rng.uniform(low, high)) * self.scale, MIN_SIDE)

    def number(self, low: float, high: float) -> float:
        """A number without a unit, uniform between `low` and `high`."""
        return float(self.rng.uniform(low, high))

    def choice(self, *options: int) -> int:
        """One of the options, equally likely."""
        return int(options[self.rng.integers(len(options))])


def start(rng: np.random.Generator, ranges: Ranges) -> Draw:
    """The draw of one object."""
    scale, wall = rng.uniform(*ranges.scale), rng.uniform(*ranges.wall)
    hue = rng.random()
    body = colorsys.hsv_to_rgb(hue, rng.uniform(0.25, 0.95), rng.uniform(0.45, 1.0))
    accent = colorsys.hsv_to_rgb(
        (hue + rng.uniform(0.25, 0.75)) % 1.0, rng.uniform(0.0, 0.9), rng.uniform(0.15, 0.95)
    )
    return Draw(rng, float(scale), float(wall), np.array(body), np.array(accent))
