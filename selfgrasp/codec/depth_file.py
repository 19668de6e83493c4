"""Depth pictures from files: their unit, what is no return, and whether the result can be a table
in front of a gripper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.untrusted import read_array
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import MAX_DEPTH

_WANTED = (
    "a 16-bit PNG or TIFF in millimetres, a floating-point TIFF in metres, or a NumPy array (.npy)"
)
_NO_RETURN_16_BIT = 65535
_CLOSEST = 0.05
_PLAUSIBLE = (0.1, 5.0)
"""m of a picture's median depth from which a unit is recognised."""
_FAR_SHARE, _LEAST_REST = 0.005, 0.05
_UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6}
_UNIT_WORDS = {
    "meter": "m",
    "metre": "m",
    "centimet": "cm",
    "millimet": "mm",
    "micromet": "um",
    "micron": "um",
}
_WRITTEN_UNIT = re.compile(r"(\d*\.?\d+(?:e-?\d+)?)?\s*([a-z]+)")
_SMALL, _TINY, _WIDE = 0.05, 0.02, 3.0
"""Shares of a picture's width that an opening covers, and m of that width."""


@dataclass(frozen=True, eq=False)
class DepthPicture:
    """Depth and how it was read.

    Attributes:
        depth: (H, W) float32 m along the optical axis, NaN = no return.
        unit: m of one unit of the file.
        said: whether the unit was said, and not the usual one of the file's type.
        notes: what was assumed, in words.
    """

    depth: NDArray[np.float32]
    unit: float
    said: bool
    notes: tuple[str, ...]


def read_depth(
    path: Path, *, scale: float | None = None, scales: Sequence[float | str] = ()
) -> DepthPicture:
    """Depth with no return where the file has 0, a negative number, NaN, the largest 16-bit number,
    or a far plane.

    Args:
        path: a NumPy array or a one-channel picture.
        scale: m per unit of the file; None takes what `scales` say, else 0.001 for integers and 1
            for floating point.
        scales: what stands beside the intrinsics: a unit's name, or a number of metres a unit, of
            millimetres a unit, or of units a metre; which of them is seen by the depth.

    Raises:
        InputError: no such file, not a depth picture, no return at all, or values that cannot be
            metres.
    """
    raw = _raw(path)
    invalid = ~np.isfinite(raw) | (raw <= 0)
    if raw.dtype == np.uint16 or (raw.dtype.kind in "iu" and int(raw.max()) == _NO_RETURN_16_BIT):
        invalid |= raw == _NO_RETURN_16_BIT
    values = raw.astype(np.float64)
    values[invalid] = np.nan
    notes = _drop_far_plane(values)
    measured = values[np.isfinite(values)]
    if not len(measured):
        raise InputError(
            given=f"{path} without a single return: every pixel is 0 or NaN",
            wanted="a depth picture of a table",
        )
    integers = raw.dtype.kind in "iu"
    unit, said = (0.001 if integers else 1.0), False
    if scale is not None:
        unit, said = scale, True
    elif scales:
        unit, note = _said_unit(path, scales, float(np.median(measured)), integers)
        said, notes = True, (*notes, note)
    # A file in doubles may hold numbers that float32 cannot; they are beyond any table.
    depth = np.minimum(values * unit, 1e9).astype(np.float32)
    kind = f"{unit:g} m a unit" if said else ("millimetres" if integers else "metres")
    _check_unit(path, depth[np.isfinite(depth)], kind)
    depth[(depth > MAX_DEPTH) | (depth <= 0)] = np.nan
    return DepthPicture(depth, unit, said, notes)


def depth_size(path: Path) -> tuple[int, int]:
    """(height, width) px of a depth picture.

    Raises:
        InputError: no such file, or not a depth picture.
    """
    height, width = _raw(path).shape
    return height, width


def _raw(path: Path) -> NDArray[Any]:
    raw = (
        read_array(path)
        if path.suffix.lower() == ".npy"
        else open_picture(path, flags=cv2.IMREAD_UNCHANGED, wanted=_WANTED)
    )
    raw = raw[..., 0] if raw.ndim == 3 and raw.shape[2] == 1 else raw
    raw = raw[0] if raw.ndim == 3 and raw.shape[0] == 1 else raw
    if raw.ndim != 2 or not raw.size or raw.dtype.itemsize == 1 or raw.dtype.kind not in "iuf":
        wanted = "one channel: 16-bit integers in millimetres or floating point in metres"
        raise InputError(given=f"{path} of shape {raw.shape} and dtype {raw.dtype}", wanted=wanted)
    return raw


def _drop_far_plane(values: FloatArray) -> tuple[str, ...]:
    """What was said of a largest value that many pixels share, far behind all others, as renderers
    write it where they hit nothing; it becomes NaN."""
    notes: list[str] = []
    for _ in range(3):
        measured = values[np.isfinite(values)]
        if not len(measured):
            break
        highest = measured.max()
        rest = measured[measured < highest * (1 - 1e-3)]
        share = 1 - len(rest) / len(measured)
        enough = len(rest) >= _LEAST_REST * values.size
        if share < _FAR_SHARE or not enough or rest.max() > highest / 2:
            break
        values[values >= highest * (1 - 1e-3)] = np.nan
        notes.append(
            f"{share:.0%} of the depth lies at {highest:g}, far behind the rest: taken for a far "
            "plane, which is no return"
        )
    return tuple(notes)


def _said_unit(
    path: Path, scales: Sequence[float | str], median: float, integers: bool
) -> tuple[float, str]:
    """m of a unit, and how that was found."""
    units: dict[float, str] = {}
    for scale in scales:
        for unit, meaning in _meanings(scale):
            if _PLAUSIBLE[0] <= unit * median <= _PLAUSIBLE[1]:
                known = next((u for u in units if abs(u / unit - 1) < 1e-3), unit)
                units.setdefault(known, meaning)
    said = " and ".join(str(scale) for scale in scales)
    if not units and not integers and _PLAUSIBLE[0] <= median <= _PLAUSIBLE[1]:
        return 1.0, (
            f"the intrinsics name a depth scale of {said}; floating-point depth was taken as metres"
        )
    if len(units) != 1:
        raise InputError(
            given=f"a depth scale of {said} beside the intrinsics, and {path.name} with a median "
            f"of {median:g}",
            wanted="--depth-scale with the metres of one unit",
            exists=", ".join(units.values()) or "no reading of it that puts a table in sight",
        )
    ((unit, meaning),) = units.items()
    return unit, f"depth was read by the scale beside the intrinsics, {meaning}"


def _meanings(scale: float | str) -> list[tuple[float, str]]:
    if isinstance(scale, str):
        written = _WRITTEN_UNIT.fullmatch(scale.strip().lower())
        if written is None:
            return []
        count, word = float(written[1] or 1), written[2]
        unit = word if word in _UNITS else _unit_named(word)
        return [] if unit is None or count <= 0 else [(count * _UNITS[unit], scale.strip())]
    if not (np.isfinite(scale) and scale > 0):
        return []
    return [
        (scale, f"{scale:g} m a unit"),
        (scale / 1000, f"{scale:g} mm a unit"),
        (1 / scale, f"{scale:g} units a metre"),
    ]


def _unit_named(word: str) -> str | None:
    return next((unit for start, unit in _UNIT_WORDS.items() if word.startswith(start)), None)


def _check_unit(path: Path, measured: NDArray[np.float32], unit: str) -> None:
    """Few pixels beyond `MAX_DEPTH` are reflections; many are a wrong unit."""
    low, high, median = float(measured.min()), float(measured.max()), float(np.median(measured))
    if (measured > MAX_DEPTH).mean() > 0.01:
        given = f"{path} with values up to {high:g} m when read as {unit}"
    elif median < _CLOSEST:
        given = (
            f"{path} with values from {low:g} m, half of them below {median:g} m, when "
            f"read as {unit}"
        )
    else:
        return
    wanted = (
        f"depth between {_CLOSEST:g} and {MAX_DEPTH:g} m: integers in millimetres, floating "
        "point in metres, or --depth-scale with the metres of one unit"
    )
    raise InputError(given=given, wanted=wanted)


def unit_note(read: DepthPicture, intrinsics: FloatArray, opening: float, path: Path) -> str:
    """What there is to say of a picture in which a gripper's opening, m, would cover next to
    nothing or everything; empty for others.

    Raises:
        InputError: a unit that nobody said and that makes a picture nobody would grasp from.
    """
    median = float(np.nanmedian(read.depth))
    width = median * read.depth.shape[1] / float(intrinsics[0, 0])
    share = opening / width
    if _SMALL <= share <= 1:
        return ""
    given = (
        f"{path} read as {read.unit:g} m a unit: {median:.3g} m away, {width:.3g} m wide, and an "
        f"opening of {1000 * opening:g} mm covers {share:.2g} of the picture's width"
    )
    wanted = "--depth-scale with the metres of one unit, if it is another"
    hopeless = (share < _TINY and width > _WIDE) or (share > 1 and median < 0.15)
    if hopeless and not read.said:
        raise InputError(given=given, wanted=wanted)
    return f"{given}; {wanted}"
