"""Which object each pixel of a picture shows: what only a simulator knows, and only an evaluation
may read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.errors import InputError, first_line

PLACES = "truth.places"
"""The label of an attempt and a view that holds `Places.to_text` of its picture before the
attempt."""
_MOST_PX = 4096


@dataclass(frozen=True, eq=False)
class Places:
    """The objects in a picture.

    Attributes:
        names: of the objects.
        shown: (H, W) int32, the index in `names` of the object that a pixel shows; -1 where it
            shows none. What another object hides is shown nowhere.
    """

    names: tuple[str, ...]
    shown: NDArray[np.int32]

    def at(self, px: NDArray[np.floating[Any]]) -> str:
        """Name of the object that the picture shows at (2,) px, x and y; empty for none and outside
        the picture."""
        column, row = (int(v) for v in np.floor(px))
        height, width = self.shown.shape
        inside = 0 <= column < width and 0 <= row < height
        index = int(self.shown[row, column]) if inside else -1
        return self.names[index] if index >= 0 else ""

    def of(self, name: str) -> NDArray[np.bool_]:
        """(H, W) bool, the pixels that show the object called `name`."""
        found: NDArray[np.bool_] = np.isin(
            self.shown, [i for i, one in enumerate(self.names) if one == name]
        )
        return found

    def to_text(self) -> str:
        """JSON: `size` [H, W], and in `runs` for each object the starts and lengths of its runs of
        pixels, in turn, counted along the rows from the upper left corner."""
        flat = self.shown.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        starts = np.concatenate([[0], edges])
        lengths = np.diff(np.append(starts, flat.size))
        runs: dict[str, list[int]] = {name: [] for name in self.names}
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            if flat[start] >= 0:
                runs[self.names[flat[start]]] += [start, length]
        values = {"size": list(self.shown.shape), "runs": runs}
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def from_text(text: str) -> Places:
        """The inverse of `to_text`.

        Raises:
            InputError: text that `to_text` did not write.
        """
        try:
            values = json.loads(text)
            height, width = (int(v) for v in values["size"])
            return Places(tuple(values["runs"]), _filled(height, width, values["runs"]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(
                given=f"{text!r:.60} as {PLACES} ({first_line(error)})",
                wanted="what `selfgrasp collect --note-places` writes",
            ) from error


def _filled(height: int, width: int, runs: Mapping[str, Sequence[int]]) -> NDArray[np.int32]:
    if not (0 < height <= _MOST_PX and 0 < width <= _MOST_PX):
        raise ValueError(f"a picture of {height} x {width}")
    flat = np.full(height * width, -1, np.int32)
    for index, numbers in enumerate(runs.values()):
        pairs = np.asarray(numbers, dtype=np.int64).reshape(-1, 2)
        if len(pairs) and not (pairs.min() >= 0 and pairs.sum(axis=1).max() <= flat.size):
            raise ValueError("a run outside the picture")
        for start, length in pairs.tolist():
            flat[start : start + length] = index
    return flat.reshape(height, width)
