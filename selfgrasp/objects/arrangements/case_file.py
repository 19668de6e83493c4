"""The project's own format of arrangements, a block a line:

turn 20
# shape  color   x       y       degrees  face  height
brick    red     0.000  -0.051   0
plank    blue    0.000   0.051   90       side
cube     green   0.000   0.000   0        flat  0.025
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import pose, rotation_about_z
from selfgrasp.objects.arrangements.arrangement import Arrangement, Standing
from selfgrasp.objects.arrangements.checks import check_inside, check_standing
from selfgrasp.objects.arrangements.palette import PALETTE, painted
from selfgrasp.objects.build import ALONG_X
from selfgrasp.objects.families import TOY_BLOCKS, make_object
from selfgrasp.objects.families.toy_blocks import RANGES
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.solids import corners

_PREFIX = "toy_"
SHAPES: tuple[str, ...] = tuple(name.removeprefix(_PREFIX) for name in TOY_BLOCKS)
FACES: dict[str, FloatArray] = {
    "flat": np.eye(3),
    "side": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "up": ALONG_X.T,
}
"""Which way a block stands, as a (3, 3) rotation of the block as it was made: as made; tipped over
its long side, so that its top looks along +y; on end, so that its right end looks up."""
_TURN = "turn"
_WANTED = "SHAPE COLOR X Y DEGREES [FACE] [HEIGHT]"
_FARTHEST = 10.0


def read_case_file(path: Path) -> Arrangement:
    """The arrangement of a file, named after it.

    Raises:
        InputError: a file that cannot be read, a line that is none of the format, blocks that
            overlap, hang in the air or stand outside the workspace, or no block at all.
    """
    turn = 0.0
    lines: list[int] = []
    standing: list[Standing] = []
    for number, words in lines_of(path):
        line = _Line(path.name, number, words)
        if words[0] == _TURN:
            if standing:
                raise line.refused("a turn below a block", "it above all blocks")
            turn = line.turn()
        else:
            lines.append(number)
            standing.append(line.standing())
    if not standing:
        raise InputError(given=f"{path.name} without blocks", wanted=f"lines of {_WANTED}")
    turned = pose(rotation=rotation_about_z(math.radians(turn)))
    standing = [Standing(one.model, turned @ one.world_from_object) for one in standing]
    names = [f"{path.name} line {number}" for number in lines]
    check_inside(standing, names)
    check_standing(standing, names)
    return Arrangement(path.stem, tuple(standing))


def lines_of(path: Path) -> list[tuple[int, list[str]]]:
    """Numbers and words of a file's lines, without comments and without lines that are empty.

    Raises:
        InputError: no text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            given=f"{path}, which cannot be read: {type(error).__name__}", wanted="a text file"
        ) from error
    split = [line.partition("#")[0].split() for line in text.splitlines()]
    return [(number, words) for number, words in enumerate(split, 1) if words]


def block(shape: str, color: str) -> ObjectModel:
    """A toy block in a color of the palette, named e.g. "toy_cube-red"; the same object each
    time."""
    return _block(shape, color)


@cache
def _block(shape: str, color: str) -> ObjectModel:
    made = make_object(_PREFIX + shape, 0, RANGES)
    return painted(made, f"{_PREFIX}{shape}-{color}", PALETTE[color])


class _Line:
    """A line of words, which is refused with its file and number."""

    def __init__(self, file: str, number: int, words: Sequence[str]) -> None:
        self._at, self._words = f"{file} line {number}", words

    def refused(self, reason: str, wanted: str, exists: str = "") -> InputError:
        given = f"{self._at}, {' '.join(self._words)!r}: {reason}"
        return InputError(given=given, wanted=wanted, exists=exists)

    def turn(self) -> float:
        if len(self._words) != 2:
            raise self.refused(f"{len(self._words)} words", f"{_TURN} DEGREES")
        return self._number(self._words[1], "degrees", 360.0)

    def standing(self) -> Standing:
        words = self._words
        if not 5 <= len(words) <= 7:
            raise self.refused(f"{len(words)} words", _WANTED)
        shape = self._known(words[0], "shape", SHAPES)
        color = self._known(words[1], "color", PALETTE)
        x, y = (self._number(words[i], "xy"[i - 2], _FARTHEST) for i in (2, 3))
        degrees = self._number(words[4], "degrees", 360.0)
        rest = list(words[5:])
        height = 0.0
        if rest and (len(rest) == 2 or _is_number(rest[-1])):
            height = self._number(rest.pop(), "height", _FARTHEST)
        face = self._known(rest[0], "face", FACES) if rest else "flat"
        return stood(block(shape, color), FACES[face], (x, y, height), degrees)

    def _known(self, word: str, kind: str, known: Collection[str]) -> str:
        if word not in known:
            raise self.refused(f"{kind} {word!r}", f"a {kind}", ", ".join(known))
        return word

    def _number(self, word: str, kind: str, most: float) -> float:
        if not _is_number(word) or not abs(float(word)) <= most:
            raise self.refused(f"{kind} {word!r}", f"a number from {-most:g} to {most:g}")
        return float(word)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def stood(
    model: ObjectModel, face: FloatArray, at: tuple[float, float, float], degrees: float
) -> Standing:
    """A block on one of its faces.

    Args:
        model: the block.
        face: (3, 3) rotation of the block as it was made.
        at: m, the middle of the box that bounds the block so rotated, seen from above, and the
            height of its lowest point.
        degrees: by which it is then turned about the vertical through that middle.
    """
    points = np.concatenate([corners(part) for part in model.parts]) @ face.T
    low, high = points.min(axis=0), points.max(axis=0)
    foot = np.array([*(low + high)[:2] / 2.0, low[2]])
    turned = pose(rotation=rotation_about_z(math.radians(degrees)), translation=at)
    return Standing(model, turned @ pose(rotation=face, translation=-foot))
