"""Hollow objects: a floor and a wall of convex pieces, with or without a handle."""

from __future__ import annotations

from selfgrasp.objects import build
from selfgrasp.objects.families.draw import Draw
from selfgrasp.objects.part import Part

# A handle reaches this far into the wall's corner pieces, so that no gap shows between them.
_OVERLAP = 0.3


def _vessel(draw: Draw, bottom: float, top: float, height: float, pieces: int) -> list[Part]:
    """A floor and a wall that leans from radius `bottom` to `top` m, standing on z = 0."""
    at_floor = bottom + (top - bottom) * draw.wall / height
    floor = build.frustum(bottom, at_floor, 0.0, draw.wall, draw.body, sides=pieces)
    profile = [
        (at_floor - draw.wall, draw.wall),
        (at_floor, draw.wall),
        (top, height),
        (top - draw.wall, height),
    ]
    return [floor, *build.revolve(profile, pieces, draw.body)]


def mug(draw: Draw) -> list[Part]:
    """An eight-sided mug with a handle of three bars."""
    radius, height, pieces = draw.length(0.028, 0.038), draw.length(0.055, 0.085), 8
    thick, width = max(0.006, draw.wall), draw.length(0.008, 0.012)
    gap, drop = draw.length(0.02, 0.028), height * draw.number(0.5, 0.65)
    inner = radius - _OVERLAP * draw.wall
    outer, middle = radius + gap, height * draw.number(0.48, 0.54)
    stubs = [
        build.box(
            (outer - inner, width, thick),
            ((inner + outer) / 2.0, 0.0, middle + side * (drop - thick) / 2.0),
            draw.accent,
        )
        for side in (-1, 1)
    ]
    grip = build.box((thick, width, drop), (outer + thick / 2.0, 0.0, middle), draw.accent)
    return [*_vessel(draw, radius, radius, height, pieces), *stubs, grip]


def cup(draw: Draw) -> list[Part]:
    """A beaker that widens upwards."""
    bottom = draw.length(0.02, 0.03)
    return _vessel(draw, bottom, bottom * draw.number(1.15, 1.5), draw.length(0.05, 0.09), 11)


def bowl(draw: Draw) -> list[Part]:
    """A round foot that flares, under a steeper rim."""
    rim, height = draw.length(0.042, 0.058), draw.length(0.03, 0.045)
    foot, waist, split = (
        rim * draw.number(0.4, 0.55),
        rim * draw.number(0.78, 0.86),
        height * draw.number(0.35, 0.45),
    )
    base = build.frustum(foot, waist, 0.0, split, draw.body, sides=11)
    profile = [(waist - draw.wall, split), (waist, split), (rim, height), (rim - draw.wall, height)]
    return [base, *build.revolve(profile, 11, draw.body)]


def tray(draw: Draw) -> list[Part]:
    """A shallow open box."""
    length, width, height = (
        draw.length(0.06, 0.11),
        draw.length(0.045, 0.075),
        draw.length(0.02, 0.035),
    )
    wall, rise = draw.wall, height - draw.wall
    ends = [
        build.box((wall, width, rise), (side * (length - wall) / 2.0, 0.0, height / 2.0), draw.body)
        for side in (-1, 1)
    ]
    sides = [
        build.box(
            (length - 2.0 * wall, wall, rise),
            (0.0, side * (width - wall) / 2.0, height / 2.0),
            draw.body,
        )
        for side in (-1, 1)
    ]
    return [build.box((length, width, wall), (0.0, 0.0, 0.0), draw.body), *ends, *sides]


def bottle(draw: Draw) -> list[Part]:
    """A body, a shoulder, a neck and a cap."""
    radius, body = draw.length(0.018, 0.032), draw.length(0.045, 0.065)
    neck, shoulder = max(radius * draw.number(0.3, 0.5), 0.006), draw.length(0.012, 0.02)
    rise, cap = draw.length(0.008, 0.015), draw.length(0.01, 0.016)
    top = body + shoulder
    return [
        build.cylinder(radius, body, (0.0, 0.0, body / 2.0), draw.body),
        build.frustum(radius, neck, body, top, draw.body, sides=24),
        build.cylinder(neck, rise, (0.0, 0.0, top + rise / 2.0), draw.body),
        build.cylinder(neck * 1.25, cap, (0.0, 0.0, top + rise + cap / 2.0), draw.accent),
    ]


def pan(draw: Draw) -> list[Part]:
    """A flat dish with a rod for a handle."""
    radius, height = draw.length(0.028, 0.038), draw.length(0.018, 0.026)
    handle, thick = draw.length(0.04, 0.055), max(draw.length(0.004, 0.006), 0.004)
    dish = _vessel(draw, radius * 0.9, radius, height, 10)
    start = radius - 0.6 * draw.wall
    return [
        *dish,
        build.cylinder(
            thick,
            handle,
            (start + handle / 2.0, 0.0, height - thick),
            draw.accent,
            rotation=build.ALONG_X,
        ),
    ]
