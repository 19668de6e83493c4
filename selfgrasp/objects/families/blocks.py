"""Families of one convex part, and blocks glued from boxes."""

from __future__ import annotations

import math

import numpy as np

from selfgrasp.objects import build
from selfgrasp.objects.families.draw import Draw
from selfgrasp.objects.hulls import sphere_directions
from selfgrasp.objects.part import Part

_ORIGIN = (0.0, 0.0, 0.0)


def box(draw: Draw) -> list[Part]:
    """A brick."""
    return [build.box([draw.length(0.022, 0.075) for _ in range(3)], _ORIGIN, draw.body)]


def cylinder(draw: Draw) -> list[Part]:
    """A can or a rod."""
    return [build.cylinder(draw.length(0.012, 0.036), draw.length(0.03, 0.11), _ORIGIN, draw.body)]


def capsule(draw: Draw) -> list[Part]:
    """A rod with round ends."""
    radius = draw.length(0.012, 0.028)
    return [build.capsule(radius, 2.0 * radius + draw.length(0.01, 0.06), _ORIGIN, draw.body)]


def egg(draw: Draw) -> list[Part]:
    """An ellipsoid; one in four is a ball."""
    axes = [draw.length(0.015, 0.036) for _ in range(3)]
    return [
        build.ellipsoid([axes[0]] * 3 if draw.choice(0, 1, 2, 3) == 0 else axes, _ORIGIN, draw.body)
    ]


def superquadric(draw: Draw) -> list[Part]:
    """Between a box, a cylinder and an ellipsoid (Barr 1981), as a hull of 62 points."""
    axes = np.array([draw.length(0.015, 0.042) for _ in range(3)])
    upright, around = draw.number(0.15, 1.6), draw.number(0.15, 1.6)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    directions = np.concatenate([sphere_directions(48), corners, np.eye(3), -np.eye(3)])
    across = (np.abs(directions[:, :2]) ** (2.0 / around)).sum(axis=1) ** (around / upright)
    radius = (across + np.abs(directions[:, 2]) ** (2.0 / upright)) ** (-upright / 2.0)
    return [build.hull(directions * radius[:, None] * axes, draw.body)]


def blob(draw: Draw) -> list[Part]:
    """A pebble: the hull of random points about an ellipsoid."""
    directions = draw.rng.normal(size=(draw.choice(10, 16, 28, 40), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = draw.rng.uniform(0.8, 1.15, size=(len(directions), 1))
    return [
        build.hull(directions * radii * [draw.length(0.018, 0.042) for _ in range(3)], draw.body)
    ]


def wedge(draw: Draw) -> list[Part]:
    """A ramp: a triangle, right-angled or leaning, pulled sideways."""
    length, width, height = (
        draw.length(0.05, 0.1),
        draw.length(0.025, 0.06),
        draw.length(0.025, 0.055),
    )
    tip = draw.number(0.0, 0.5) * length
    outline = [(0.0, 0.0), (length, 0.0), (tip, height)]
    return [
        build.hull(
            np.array([[x, side * width / 2.0, z] for x, z in outline for side in (-1, 1)]),
            draw.body,
        )
    ]


def prism(draw: Draw) -> list[Part]:
    """A regular prism or a truncated pyramid of 3 to 8 sides."""
    radius = draw.length(0.02, 0.042)
    top = radius * (1.0 if draw.choice(0, 1) else draw.number(0.4, 0.9))
    return [
        build.frustum(
            radius, top, 0.0, draw.length(0.03, 0.09), draw.body, sides=draw.choice(3, 5, 6, 8)
        )
    ]


def l_block(draw: Draw) -> list[Part]:
    """Two bars that meet at a corner."""
    thick, height = draw.length(0.018, 0.032), draw.length(0.02, 0.04)
    long, short = thick + draw.length(0.03, 0.07), draw.length(0.025, 0.055)
    return [
        build.box((long, thick, height), (long / 2.0, thick / 2.0, 0.0), draw.body),
        build.box((thick, short, height), (thick / 2.0, thick + short / 2.0, 0.0), draw.body),
    ]


def t_block(draw: Draw) -> list[Part]:
    """A bar with another against its middle."""
    thick, height = draw.length(0.018, 0.032), draw.length(0.02, 0.04)
    long, stem = thick + draw.length(0.04, 0.075), draw.length(0.025, 0.06)
    return [
        build.box((long, thick, height), _ORIGIN, draw.body),
        build.box((thick, stem, height), (0.0, -(thick + stem) / 2.0, 0.0), draw.body),
    ]


def cross(draw: Draw) -> list[Part]:
    """Four arms in a plane."""
    thick, height = draw.length(0.016, 0.03), draw.length(0.018, 0.04)
    long, arm = thick + draw.length(0.04, 0.075), draw.length(0.02, 0.038)
    arms = [
        build.box((thick, arm, height), (0.0, side * (thick + arm) / 2.0, 0.0), draw.body)
        for side in (-1, 1)
    ]
    return [build.box((long, thick, height), _ORIGIN, draw.body), *arms]


def arch(draw: Draw) -> list[Part]:
    """A bridge: two legs under a bar."""
    thick, width, span = draw.length(0.014, 0.024), draw.length(0.02, 0.04), draw.length(0.05, 0.09)
    leg = draw.length(0.02, 0.04)
    legs = [
        build.box((thick, width, leg), (side * (span - thick) / 2.0, 0.0, 0.0), draw.body)
        for side in (-1, 1)
    ]
    return [build.box((span, width, thick), (0.0, 0.0, (leg + thick) / 2.0), draw.body), *legs]


def ring(draw: Draw) -> list[Part]:
    """A ring with an eight-cornered cross-section."""
    tube = draw.length(0.006, 0.011)
    radius = tube + draw.length(0.018, 0.034)
    angles = math.pi / 4.0 * (np.arange(8) + 0.5)
    return build.revolve(
        [(radius + tube * math.cos(a), tube * math.sin(a)) for a in angles], 12, draw.body
    )
