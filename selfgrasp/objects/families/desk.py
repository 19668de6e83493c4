"""Categories of objects that lie on a desk; long ones along x, their bottoms towards -z."""

from __future__ import annotations

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.objects import build
from selfgrasp.objects.families.draw import DARK, STEEL, Draw
from selfgrasp.objects.part import Part

_ORIGIN = (0.0, 0.0, 0.0)


def eraser(draw: Draw) -> list[Part]:
    """A block in a paper sleeve, or a slanted one of two colours."""
    long, wide, thick = draw.length(0.045, 0.07), draw.length(0.02, 0.03), draw.length(0.011, 0.017)
    if draw.choice(0, 1):
        sleeve, skin = long * draw.number(0.5, 0.65), 0.0015
        rubber = build.box((long, wide, thick), _ORIGIN, draw.body)
        return [
            rubber,
            build.box(
                (sleeve, wide + skin, thick + skin), ((sleeve - long) / 2.0, 0.0, 0.0), draw.accent
            ),
        ]
    slant, cut = thick * draw.number(0.6, 1.0), long * draw.number(-0.1, 0.15)
    return [
        _slanted(-long / 2.0, cut, slant, wide, thick, draw.body),
        _slanted(cut, long / 2.0, slant, wide, thick, draw.accent),
    ]


def _slanted(
    low: float, high: float, slant: float, wide: float, thick: float, color: FloatArray
) -> Part:
    ends = [
        (x + slant * side / 2.0, side * thick / 2.0) for x in (low, high) for side in (-1.0, 1.0)
    ]
    return build.hull(
        np.array([[x, side * wide / 2.0, z] for x, z in ends for side in (-1.0, 1.0)]), color
    )


def scotch_tape(draw: Draw) -> list[Part]:
    """A roll, with or without the foot of its dispenser."""
    hole, wound, wide = (
        draw.length(0.014, 0.02),
        draw.length(0.009, 0.015),
        draw.length(0.014, 0.024),
    )
    outer, foot = hole + wound, bool(draw.choice(0, 0, 1))
    profile = [(hole, -wide / 2.0), (outer, -wide / 2.0), (outer, wide / 2.0), (hole, wide / 2.0)]
    if not foot:
        return build.revolve(profile, 12, draw.body)
    reach = outer * draw.number(1.7, 2.1)
    base = build.box(
        (outer + reach, 0.01, wide), ((reach - outer) / 2.0, -outer - 0.001, 0.0), draw.accent
    )
    blade = build.box((0.006, 0.016, wide), (reach - 0.003, -outer + 0.01, 0.0), draw.accent)
    return [*build.revolve(profile, 10, draw.body), base, blade]


def comb(draw: Draw) -> list[Part]:
    """A back with teeth, all along it or beside a handle."""
    count, gap, tooth = draw.choice(8, 9, 10), draw.length(0.0038, 0.005), 0.004
    pitch, long, thick = tooth + gap, draw.length(0.016, 0.026), draw.length(0.005, 0.007)
    back, toothed = draw.length(0.008, 0.012), count * (tooth + gap) - gap
    handle = draw.choice(0, 1) * draw.length(0.035, 0.05)
    spine = build.box(
        (toothed + handle, back, thick), ((toothed + handle) / 2.0, back / 2.0, 0.0), draw.body
    )
    teeth = [
        build.box((tooth, long, thick), (tooth / 2.0 + pitch * k, -long / 2.0, 0.0), draw.body)
        for k in range(count)
    ]
    return [spine, *teeth]


def pen(draw: Draw) -> list[Part]:
    """A thin barrel with a tip, and a cap with a clip or a button."""
    radius, barrel, tip = (
        draw.length(0.0045, 0.0065),
        draw.length(0.075, 0.095),
        draw.length(0.012, 0.018),
    )
    top = draw.length(0.028, 0.04)
    body = build.cylinder(
        radius, barrel, (barrel / 2.0, 0.0, 0.0), draw.body, rotation=build.ALONG_X
    )
    point = build.frustum(
        radius, 0.0012, barrel, barrel + tip, draw.accent, sides=14, rotation=build.ALONG_X
    )
    if draw.choice(0, 1):
        cap = build.cylinder(
            radius * 1.18, top, (top / 2.0, 0.0, 0.0), draw.accent, rotation=build.ALONG_X
        )
        clip = build.box((top * 0.9, 0.004, 0.004), (top * 0.5, 0.0, radius * 1.18 + 0.0015), STEEL)
        return [body, point, cap, clip]
    button = build.cylinder(
        max(radius * 0.55, 0.0025), 0.016, (-0.006, 0.0, 0.0), STEEL, rotation=build.ALONG_X
    )
    clip = build.box((top, 0.004, 0.004), (top * 0.5, 0.0, radius + 0.0015), STEEL)
    return [body, point, button, clip]


def stapler(draw: Draw) -> list[Part]:
    """A foot, a magazine of steel, and an arm that gapes at the front."""
    long, wide = draw.length(0.085, 0.11), draw.length(0.02, 0.028)
    foot, rise, arm = draw.length(0.007, 0.01), draw.length(0.014, 0.02), draw.length(0.014, 0.02)
    hinge, front = long * 0.16, long * draw.number(0.93, 1.0)
    gape = draw.length(0.008, 0.016)
    back = foot + rise * 0.5
    outline = [
        (0.0, back),
        (front, back + gape),
        (front, back + gape + arm * 0.6),
        (front * 0.85, back + gape + arm),
        (0.06 * long, back + arm),
    ]
    top = build.hull(
        np.array([[x, side * wide / 2.0, z] for x, z in outline for side in (-1.0, 1.0)]), draw.body
    )
    steel = [
        (hinge, back - 0.006),
        (front * 0.97, back + gape - 0.006),
        (front * 0.97, back + gape),
        (hinge, back),
    ]
    magazine = build.hull(
        np.array([[x, side * wide * 0.32, z] for x, z in steel for side in (-1.0, 1.0)]), STEEL
    )
    return [
        build.box((long, wide, foot), (long / 2.0, 0.0, foot / 2.0), draw.accent),
        build.box((hinge, wide * 0.8, rise), (hinge / 2.0, 0.0, foot + rise / 2.0), DARK),
        top,
        magazine,
    ]


def paint_brush(draw: Draw) -> list[Part]:
    """A handle that tapers to its end, a ferrule of steel, and bristles that spread."""
    handle, wide, thick = (
        draw.length(0.055, 0.075),
        draw.length(0.022, 0.036),
        draw.length(0.009, 0.013),
    )
    ferrule, bristle, spread = (
        draw.length(0.012, 0.018),
        draw.length(0.022, 0.034),
        draw.number(1.05, 1.3),
    )
    end, neck = wide * draw.number(0.3, 0.45), wide * draw.number(0.55, 0.75)
    grip = _slab(
        [(0.0, end, thick * 0.8), (handle * 0.35, neck * 0.7, thick), (handle, wide * 0.85, thick)],
        draw.body,
    )
    band = build.box((ferrule, wide, thick * 1.1), (handle + ferrule / 2.0, 0.0, 0.0), STEEL)
    start = handle + ferrule
    return [
        grip,
        band,
        _slab(
            [(start, wide * 0.94, thick), (start + bristle, wide * spread, thick * 0.6)],
            draw.accent,
        ),
    ]


def _slab(sections: list[tuple[float, float, float]], color: FloatArray) -> Part:
    """The hull of rectangles (x, width, thickness) across x."""
    corners = [
        [x, a * wide / 2.0, b * thick / 2.0]
        for x, wide, thick in sections
        for a in (-1.0, 1.0)
        for b in (-1.0, 1.0)
    ]
    return build.hull(np.array(corners), color)
