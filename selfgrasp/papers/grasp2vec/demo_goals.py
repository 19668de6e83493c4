"""What the demo asks for: pictures of vessels that lie in a bin, and of one that does not."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError, View
from selfgrasp.core.places import Places
from selfgrasp.rollout.find import read_picture
from selfgrasp.rollout.places import shown
from selfgrasp.vision.square_crop import square_crop
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.sim.presented import presented, simulated_scene

IN_HAND = 3
"""Vessels that are asked for by pictures of them in the hand."""
_ORDER = 12
"""Purpose of random numbers."""
_MARGIN, _LEAST_PX = 1.25, 16
"""Side of a crop of the scene, in widths of what it shows and in px at least."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What an attempt is asked for.

    Attributes:
        words: what the picture is.
        picture: of the object.
        name: of the object, which the policy never hears; empty where nobody knows.
        there: whether it lies in the bin; None where nobody knows.
    """

    words: str
    picture: View
    name: str
    there: bool | None

    @property
    def title(self) -> str:
        """What the picture is, and of what."""
        return f"{self.words} of {self.name}" if self.name else self.words


@dataclass(frozen=True, eq=False)
class Bin:
    """A bin, and what is asked for.

    Attributes:
        scene: seed.
        view: the first picture of it.
        presented: pictures in the hand of what lies there, by name, from drops of their own.
        wanted: in order.
    """

    scene: int
    view: View
    presented: Mapping[str, View]
    wanted: tuple[Wanted, ...]


def laid_out(cell: SimCell, scene: int, mine: Path | None, stop: threading.Event) -> Bin:
    """A bin and its goals. The cell has to be reset afterwards.

    Args:
        cell: simulated, and one that presents what it holds.
        scene: seed.
        mine: file of a picture of one's own; None for none.
        stop: looked at before each picture in the hand.

    Raises:
        InputError: a file without a picture, or a cell that presents nothing.
        KeyboardInterrupt: `stop` was set.
    """
    own = [] if mine is None else [Wanted(mine.name, read_picture(mine, "object"), "", None)]
    before, simulated = cell.cell.reset(scene), simulated_scene(cell.cell, "the demo")
    if before is None:
        raise InputError(given="a camera that gave no picture", wanted="another --seed")
    places = shown(cell)
    rng = np.random.default_rng([scene, _ORDER])
    there = rng.permutation([one.name for one in simulated.left()]).tolist()
    others = rng.permutation(sorted({*simulated.pool} - {*there})).tolist()[:1]
    pictures = _in_the_hand(cell, [*there, *others], rng, stop)
    known = [one for one in there if one in pictures]
    crops = _most_visible(places, known)
    in_hand = [one for one in known if one not in crops][:IN_HAND]
    view = before.view()
    wanted = (
        *(Wanted("a picture in the hand", pictures[one], one, True) for one in in_hand),
        *(
            Wanted("a crop of the first picture", cut_out(view, places, one), one, True)
            for one in crops
        ),
        *own,
        *(
            Wanted("a picture in the hand", pictures[one], one, False)
            for one in others
            if one in pictures
        ),
    )
    return Bin(scene, view, {one: pictures[one] for one in known}, wanted)


def _in_the_hand(
    cell: SimCell, names: Sequence[str], rng: np.random.Generator, stop: threading.Event
) -> dict[str, View]:
    """Present images by name, of those that the oracle can hold."""
    found: dict[str, View] = {}
    with Progress("present", len(names), unit="objects") as progress:
        for number, name in enumerate(names, start=1):
            if stop.is_set():
                raise KeyboardInterrupt
            picture = presented(cell.cell, name, int(rng.integers(2**31)))
            if picture is not None:
                found[name] = picture
            progress.update(number)
    return found


def _most_visible(places: Places, names: Sequence[str]) -> list[str]:
    """The one of which most pixels are seen; none of nothing."""
    seen = {name: int(places.of(name).sum()) for name in names}
    return [name for name in names if seen[name] == max(seen.values()) > 0][:1]


def cut_out(view: View, places: Places, name: str) -> View:
    """The square of a picture around the pixels that show an object, as a picture without a
    calibration."""
    rows, columns = np.nonzero(places.of(name))
    low = np.array([columns.min(), rows.min()])
    high = np.array([columns.max(), rows.max()]) + 1.0
    side = max(_LEAST_PX, round(_MARGIN * float((high - low).max())))
    return View.uncalibrated(square_crop(view.color, (low + high) / 2, side / 2, side).color)
