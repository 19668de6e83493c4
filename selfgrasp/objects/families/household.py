"""Categories from kitchen, bathroom and playroom; long objects along x, hollow ones upright. Spoons
and bowls are families of `tools` and `vessels`."""

from __future__ import annotations

import math

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects import build
from selfgrasp.objects.families import tools
from selfgrasp.objects.families.draw import DARK, STEEL, Draw
from selfgrasp.objects.part import Part

_PALE = np.array([0.97, 0.96, 0.85])


def shovel(draw: Draw) -> list[Part]:
    """A shaft with a crossbar or a knob, and a blade with raised edges, square or pointed."""
    shaft, thin = draw.length(0.045, 0.06), draw.length(0.0045, 0.006)
    long, wide, thick = draw.length(0.036, 0.046), draw.length(0.036, 0.05), 0.005
    point, rise = draw.choice(0, 1) * draw.number(0.25, 0.4) * long, draw.length(0.006, 0.01)
    rod = build.cylinder(
        thin, shaft + 0.012, ((shaft + 0.012) / 2.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X
    )
    if draw.choice(0, 1):
        grip = build.cylinder(
            thin, draw.length(0.026, 0.034), (0.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_Y
        )
    else:
        grip = build.ellipsoid([thin * 2.0] * 3, (0.0, 0.0, 0.0), draw.accent)
    outline = [(shaft, 0.8), (shaft + long, 1.0), (shaft + long + point, 0.15)]
    flat = np.array(
        [
            [x, side * share * wide / 2.0, z]
            for x, share in outline
            for side in (-1.0, 1.0)
            for z in (-thick / 2.0, thick / 2.0)
        ]
    )
    edges = [
        build.box(
            (long, 0.004, rise),
            (shaft + long / 2.0, side * (0.9 * wide / 2.0 - 0.002), rise / 2.0),
            draw.body,
        )
        for side in (-1.0, 1.0)
    ]
    back = build.box((0.004, wide * 0.8, rise), (shaft + 0.002, 0.0, rise / 2.0), draw.body)
    return [rod, grip, build.hull(flat, draw.body), *edges, back]


def lego(draw: Draw) -> list[Part]:
    """A brick or a plate with studs in one row or two."""
    unit, rows = draw.length(0.016, 0.021), draw.choice(1, 2, 2)
    columns = draw.choice(2, 3, 4) if rows == 2 else draw.choice(3, 4)
    height, stud = unit * (1.2 if draw.choice(0, 1, 1) else 0.6), max(unit * 0.24, 0.004)
    brick = build.box((columns * unit, rows * unit, height), (0.0, 0.0, 0.0), draw.body)
    places = [
        ((c - (columns - 1) / 2.0) * unit, (r - (rows - 1) / 2.0) * unit, (height + stud) / 2.0)
        for c in range(columns)
        for r in range(rows)
    ]
    return [brick, *(build.cylinder(unit * 0.31, stud, place, draw.body) for place in places)]


def torch(draw: Draw) -> list[Part]:
    """A barrel that flares into a head with a pale lens, a switch and a tail."""
    radius, barrel = draw.length(0.01, 0.0145), draw.length(0.06, 0.08)
    head, flare, rim = (
        radius * draw.number(1.45, 1.8),
        draw.length(0.016, 0.024),
        draw.length(0.008, 0.013),
    )
    tail = draw.length(0.006, 0.01)
    return [
        build.cylinder(radius, barrel, (barrel / 2.0, 0.0, 0.0), draw.body, rotation=build.ALONG_X),
        build.frustum(radius, head, barrel, barrel + flare, draw.accent, rotation=build.ALONG_X),
        build.cylinder(
            head, rim, (barrel + flare + rim / 2.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X
        ),
        build.cylinder(
            head * 0.86,
            0.0045,
            (barrel + flare + rim + 0.0005, 0.0, 0.0),
            _PALE,
            rotation=build.ALONG_X,
        ),
        build.cylinder(radius * 0.8, tail, (-tail / 2.0, 0.0, 0.0), DARK, rotation=build.ALONG_X),
        build.box((0.016, 0.008, 0.0045), (barrel * 0.7, 0.0, radius + 0.001), DARK),
    ]


def plastic_cup(draw: Draw) -> list[Part]:
    """A thin beaker that widens upwards."""
    bottom, height = draw.length(0.021, 0.028), draw.length(0.06, 0.085)
    top, wall = bottom * draw.number(1.3, 1.5), 0.005
    floor = build.frustum(bottom, bottom * 1.02, 0.0, wall, draw.body, sides=11)
    profile = [(bottom - wall, wall), (bottom, wall), (top, height), (top - wall, height)]
    return [floor, *build.revolve(profile, 11, draw.body)]


def toy(draw: Draw) -> list[Part]:
    """A car, an animal on four legs, a duck or a boat."""
    return (_car, _animal, _duck, _boat)[draw.choice(0, 1, 2, 3)](draw)


def _car(draw: Draw) -> list[Part]:
    long, wide, wheel = (
        draw.length(0.065, 0.09),
        draw.length(0.03, 0.042),
        draw.length(0.009, 0.013),
    )
    hood, roof = draw.length(0.014, 0.02), draw.length(0.014, 0.02)
    low = wheel * 0.6
    cabin = [(-0.28, 0.0), (0.22, 0.0), (0.1, roof), (-0.2, roof)]
    points = np.array(
        [[x * long, side * wide * 0.42, low + hood + z] for x, z in cabin for side in (-1.0, 1.0)]
    )
    wheels = [
        build.cylinder(
            wheel,
            0.008,
            (x * long * 0.3, side * (wide / 2.0 + 0.002), wheel),
            DARK,
            rotation=build.ALONG_Y,
        )
        for x in (-1, 1)
        for side in (-1, 1)
    ]
    return [
        build.box((long, wide, hood), (0.0, 0.0, low + hood / 2.0), draw.body),
        build.hull(points, draw.accent),
        *wheels,
    ]


def _animal(draw: Draw) -> list[Part]:
    long, girth, leg = draw.length(0.03, 0.04), draw.length(0.015, 0.02), draw.length(0.02, 0.028)
    head = girth * draw.number(0.6, 0.8)
    trunk = build.ellipsoid((long, girth, girth), (0.0, 0.0, leg + girth * 0.6), draw.body)
    legs = [
        build.cylinder(
            0.0055,
            leg + girth * 0.5,
            (x * long * 0.55, y * girth * 0.55, (leg + girth * 0.5) / 2.0),
            draw.body,
        )
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    face = (long + head * 0.4, 0.0, leg + girth * 1.3)
    nose = build.ellipsoid(
        [head * 0.4] * 3, (face[0] + head * 0.9, 0.0, face[2] - head * 0.2), DARK
    )
    ears = [
        build.ellipsoid(
            (0.004, head * 0.3, head * 0.6),
            (face[0] - head * 0.2, y * head * 0.6, face[2] + head * 0.9),
            draw.accent,
        )
        for y in (-1, 1)
    ]
    tail = build.capsule(
        0.004, 0.026, (-long * 1.05, 0.0, leg + girth), draw.accent, rotation=build.ALONG_X
    )
    return [trunk, *legs, build.ellipsoid([head] * 3, face, draw.body), nose, *ears, tail]


def _duck(draw: Draw) -> list[Part]:
    long, girth = draw.length(0.028, 0.036), draw.length(0.019, 0.024)
    head = girth * draw.number(0.6, 0.75)
    at = (long * 0.6, 0.0, girth * 1.25 + head * 0.5)
    bill = build.ellipsoid(
        (head * 0.7, head * 0.5, 0.004), (at[0] + head * 1.2, 0.0, at[2] - head * 0.1), draw.accent
    )
    eyes = [
        build.ellipsoid(
            [0.0035] * 3, (at[0] + head * 0.6, y * head * 0.65, at[2] + head * 0.4), DARK
        )
        for y in (-1, 1)
    ]
    tail = build.hull(
        _wedge(-long * 0.7, -long * 1.3, girth * 0.5, girth * 0.2, girth * 1.1), draw.body
    )
    wings = [
        build.ellipsoid(
            (long * 0.5, 0.005, girth * 0.45),
            (-long * 0.1, y * girth * 0.9, girth * 0.2),
            draw.accent,
        )
        for y in (-1, 1)
    ]
    return [
        build.ellipsoid((long, girth, girth), (0.0, 0.0, 0.0), draw.body),
        build.ellipsoid([head] * 3, at, draw.body),
        bill,
        *eyes,
        tail,
        *wings,
    ]


def _wedge(base: float, tip: float, wide: float, low: float, high: float) -> FloatArray:
    return np.array(
        [
            [base, -wide, low * 0.2],
            [base, wide, low * 0.2],
            [base, -wide, low + wide],
            [base, wide, low + wide],
            [tip, 0.0, high],
        ]
    )


def _boat(draw: Draw) -> list[Part]:
    long, wide, deep = draw.length(0.075, 0.1), draw.length(0.03, 0.04), draw.length(0.016, 0.022)
    keel = np.array(
        [[-0.5 * long, s * wide * 0.35, 0.0] for s in (-1, 1)]
        + [[0.25 * long, s * wide * 0.3, 0.0] for s in (-1, 1)]
    )
    deck = np.array(
        [[-0.5 * long, s * wide * 0.5, deep] for s in (-1, 1)]
        + [[0.25 * long, s * wide * 0.5, deep] for s in (-1, 1)]
        + [[0.5 * long, 0.0, deep]]
    )
    house, funnel = draw.length(0.018, 0.024), draw.length(0.014, 0.02)
    return [
        build.hull(np.concatenate([keel, deck]), draw.body),
        build.box(
            (long * 0.35, wide * 0.6, house), (-long * 0.1, 0.0, deep + house / 2.0), draw.accent
        ),
        build.cylinder(0.006, funnel, (-long * 0.16, 0.0, deep + house + funnel / 2.0), DARK),
    ]


def tool(draw: Draw) -> list[Part]:
    """A hammer, a screwdriver, a spanner or pliers."""
    return (tools.hammer, tools.screwdriver, _spanner, _pliers)[draw.choice(0, 1, 2, 3)](draw)


def _spanner(draw: Draw) -> list[Part]:
    bar, wide, thick = (
        draw.length(0.065, 0.085),
        draw.length(0.01, 0.014),
        draw.length(0.006, 0.008),
    )
    parts = [build.box((bar, wide, thick), (0.0, 0.0, 0.0), draw.body)]
    for side in (-1.0, 1.0) if draw.choice(0, 1) else (1.0,):
        jaw, at = wide * 0.75, side * (bar / 2.0 + wide * 0.2)
        parts.append(build.box((wide * 0.9, wide * 2.0, thick * 1.2), (at, 0.0, 0.0), draw.body))
        parts += [
            build.box(
                (jaw * 1.4, wide * 0.6, thick * 1.2),
                (at + side * wide * 0.9, y * wide * 0.7, 0.0),
                draw.body,
            )
            for y in (-1.0, 1.0)
        ]
    return parts


def _pliers(draw: Draw) -> list[Part]:
    grip, thin, spread = (
        draw.length(0.06, 0.075),
        draw.length(0.0055, 0.0075),
        draw.number(0.16, 0.3),
    )
    jaw, thick = draw.length(0.028, 0.036), draw.length(0.008, 0.01)
    legs = []
    for side in (-1.0, 1.0):
        angle = side * spread
        along = np.array(
            [
                [math.cos(angle), -math.sin(angle), 0.0],
                [math.sin(angle), math.cos(angle), 0.0],
                [0.0, 0.0, 1.0],
            ]
        )
        middle = (-math.cos(angle) * grip / 2.0, -math.sin(angle) * grip / 2.0, 0.0)
        legs.append(build.capsule(thin, grip, middle, draw.body, rotation=along @ build.ALONG_X))
        points = [
            (-0.004, side * 0.002),
            (jaw, side * 0.0015),
            (jaw, side * 0.006),
            (0.3 * jaw, side * 0.012),
            (-0.004, side * 0.01),
        ]
        legs.append(
            build.hull(
                np.array([[x, y, z * thick / 2.0] for x, y in points for z in (-1.0, 1.0)]),
                STEEL,
                density=2.0,
            )
        )
    return [*legs, build.cylinder(0.0085, thick * 1.3, (0.0, 0.0, 0.0), STEEL, density=2.0)]


def toilet_brush(draw: Draw) -> list[Part]:
    """A handle that ends in a knob, and a round head of bristles in rings or in one tuft."""
    handle, thin = draw.length(0.06, 0.078), draw.length(0.0045, 0.006)
    radius, long = draw.length(0.017, 0.024), draw.length(0.032, 0.044)
    start = handle
    rod = build.cylinder(
        thin,
        handle + long * 0.5,
        ((handle + long * 0.5) / 2.0, 0.0, 0.0),
        draw.body,
        rotation=build.ALONG_X,
    )
    knob = build.capsule(thin * 1.7, thin * 6.0, (0.0, 0.0, 0.0), draw.body, rotation=build.ALONG_X)
    if draw.choice(0, 1):
        collar = build.frustum(
            thin * 1.4, radius * 0.9, start - 0.006, start, draw.body, rotation=build.ALONG_X
        )
        tuft = build.ellipsoid(
            (long / 2.0 + 0.004, radius, radius),
            (start + long / 2.0, 0.0, 0.0),
            draw.accent,
            density=0.4,
        )
        return [rod, knob, collar, tuft]
    count = draw.choice(3, 4)
    step = long / count
    sizes = [0.8, 1.0, 1.0, 0.75] if count == 4 else [0.85, 1.0, 0.8]
    rings = [
        build.cylinder(
            radius * size,
            step * 0.62,
            (start + step * (k + 0.4), 0.0, 0.0),
            draw.accent,
            rotation=build.ALONG_X,
            density=0.4,
        )
        for k, size in enumerate(sizes)
    ]
    return [rod, knob, *rings]


def soda_can(draw: Draw) -> list[Part]:
    """A drum with shoulders, rims of bare metal and a tab."""
    radius, height = draw.length(0.024, 0.03), draw.length(0.06, 0.085)
    shoulder, neck = height * 0.09, radius * 0.84
    middle = height - 2.0 * shoulder
    return [
        build.cylinder(radius, middle, (0.0, 0.0, 0.0), draw.body),
        build.frustum(radius, neck, middle / 2.0, middle / 2.0 + shoulder, STEEL, sides=24),
        build.frustum(neck, radius, -middle / 2.0 - shoulder, -middle / 2.0, STEEL, sides=24),
        build.box(
            (radius * 0.7, radius * 0.38, 0.004),
            (radius * 0.15, 0.0, middle / 2.0 + shoulder + 0.001),
            DARK,
        ),
        build.cylinder(
            radius * 1.004,
            middle * draw.number(0.2, 0.4),
            (0.0, 0.0, middle * draw.number(-0.2, 0.2)),
            draw.accent,
        ),
    ]
