"""Things with a handle, along x: the handle begins at the origin, the working end lies at positive
x."""

from __future__ import annotations

from selfgrasp.objects import build
from selfgrasp.objects.families.draw import Draw
from selfgrasp.objects.part import Part


def hammer(draw: Draw) -> list[Part]:
    """A round handle under a head of heavier stuff, with two faces or one and a claw."""
    handle, grip = draw.length(0.075, 0.1), draw.length(0.007, 0.011)
    depth, across = draw.length(0.018, 0.026), draw.length(0.045, 0.065)
    at, steel = (handle + depth / 2.0, 0.0, 0.0), draw.number(3.0, 7.0)
    rod = build.cylinder(
        grip, handle, (handle / 2.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X
    )
    if draw.choice(0, 1):
        return [
            rod,
            build.cylinder(
                depth / 2.0, across, at, draw.body, rotation=build.ALONG_Y, density=steel
            ),
        ]
    claw = build.box(
        (depth * 0.6, across * 0.3, max(grip, 0.006)),
        (at[0], across * 0.65, 0.0),
        draw.body,
        density=steel,
    )
    return [rod, build.box((depth, across, depth), at, draw.body, density=steel), claw]


def screwdriver(draw: Draw) -> list[Part]:
    """A thick grip, a thin shaft and a flat tip."""
    grip, radius, shaft = (
        draw.length(0.045, 0.065),
        draw.length(0.009, 0.015),
        draw.length(0.035, 0.055),
    )
    thin, steel = draw.length(0.003, 0.0045), draw.number(2.0, 5.0)
    tip = draw.length(0.006, 0.01)
    end = grip + shaft
    return [
        build.capsule(
            radius,
            max(grip, 2.2 * radius),
            (grip / 2.0, 0.0, 0.0),
            draw.body,
            rotation=build.ALONG_X,
        ),
        build.cylinder(
            thin,
            shaft + radius,
            (end - (shaft + radius) / 2.0, 0.0, 0.0),
            draw.accent,
            rotation=build.ALONG_X,
            density=steel,
        ),
        build.box(
            (tip, 2.6 * thin, 0.0045), (end + tip / 2.0, 0.0, 0.0), draw.accent, density=steel
        ),
    ]


def brush(draw: Draw) -> list[Part]:
    """A flat handle and a head with a block of bristles."""
    handle, width, thick = (
        draw.length(0.05, 0.07),
        draw.length(0.012, 0.02),
        draw.length(0.01, 0.014),
    )
    head, broad, bristle = (
        draw.length(0.035, 0.05),
        draw.length(0.024, 0.038),
        draw.length(0.012, 0.022),
    )
    middle = handle + head / 2.0
    return [
        build.box((handle, width, thick), (handle / 2.0, 0.0, 0.0), draw.body),
        build.box((head, broad, thick), (middle, 0.0, 0.0), draw.body),
        build.box(
            (head * 0.9, broad * 0.88, bristle),
            (middle, 0.0, -(thick + bristle) / 2.0),
            draw.accent,
            density=0.5,
        ),
    ]


def dumbbell(draw: Draw) -> list[Part]:
    """A bar between two equal weights: balls, discs or blocks."""
    bar, thin = draw.length(0.035, 0.06), draw.length(0.007, 0.011)
    size, kind = draw.length(0.015, 0.023), draw.choice(0, 1, 2)
    ends = []
    for side in (-1.0, 1.0):
        at = (side * (bar / 2.0 + size * 0.8), 0.0, 0.0)
        if kind == 0:
            ends.append(build.ellipsoid([size] * 3, at, draw.body))
        elif kind == 1:
            ends.append(
                build.cylinder(size * 1.1, size * 1.6, at, draw.body, rotation=build.ALONG_X)
            )
        else:
            ends.append(build.box((1.6 * size, 2.0 * size, 2.0 * size), at, draw.body))
    return [
        build.cylinder(
            thin, bar + 0.2 * size, (0.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X
        ),
        *ends,
    ]


def spoon(draw: Draw) -> list[Part]:
    """A flat handle and an oval bowl, both low."""
    handle, width, thick = (
        draw.length(0.065, 0.085),
        draw.length(0.008, 0.012),
        draw.length(0.006, 0.008),
    )
    oval = draw.length(0.018, 0.024)
    return [
        build.box((handle, width, thick), (handle / 2.0, 0.0, 0.0), draw.body),
        build.ellipsoid(
            (oval, oval * draw.number(0.65, 0.85), thick * draw.number(0.7, 1.1)),
            (handle + 0.8 * oval, 0.0, 0.0),
            draw.body,
        ),
    ]


def mallet(draw: Draw) -> list[Part]:
    """A ball on a stick: a ladle's or a maraca's balance."""
    handle, thin, ball = (
        draw.length(0.055, 0.08),
        draw.length(0.005, 0.008),
        draw.length(0.016, 0.026),
    )
    return [
        build.capsule(thin, handle, (handle / 2.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X),
        build.ellipsoid([ball] * 3, (handle + 0.8 * ball, 0.0, 0.0), draw.body),
    ]
