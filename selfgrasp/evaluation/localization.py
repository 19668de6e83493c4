"""Where the heat of a picture of an object has its peak in scenes, against what each pixel truly
shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.parts import Cell, Table
from selfgrasp.common.progress import Progress
from selfgrasp.core import Embedding, Heat2D, InputError, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.places import Places
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.vectors import picture
from selfgrasp.protocols.embedding import Answers, Lifts, goals
from selfgrasp.vision.workspace import floor_pixels

_PARTS = 4
"""Of scenes, by how much of the object is seen."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Scenes in which an object is to be found, each with a picture of it from another attempt.

    Attributes:
        queries: (Q,) rows of the queries that are asked about.
        scenes: their lifts, whose `before` picture is searched for what they lifted.
        goal: (Q,) index of the picture's lift in the gallery.
        places: what each scene's pixels show.
        seen_px: (Q,) how many show the object.
        counts: by what they count.
    """

    queries: NDArray[np.int64]
    scenes: Lifts
    goal: NDArray[np.int64]
    places: Sequence[Places]
    seen_px: NDArray[np.int64]
    counts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Localized:
    """What became of it.

    Attributes:
        answers: by the policy's label.
        place: probability that a random pixel of the bin shows the object.
        thing: probability that it is a random one of the objects that can be seen in the bin.
    """

    answers: Mapping[str, Answers]
    place: Answers
    thing: Answers


@dataclass(eq=False)
class _Right:
    """Whether each scene was right, so far."""

    of: dict[str, list[float]] = field(default_factory=dict)
    place: list[float] = field(default_factory=list)
    thing: list[float] = field(default_factory=list)


def asked(queries: Lifts, gallery: Lifts, places: Mapping[str, str], *, seed: int) -> Asked:
    """What to look for in the scenes of `queries`: those whose objects have a picture from another
    attempt in the gallery, and whose pixels are known.

    Raises:
        InputError: places that cannot be read.
    """
    noted = np.array([i in places for i in queries.ids.tolist()], dtype=np.bool_)
    goal = goals(queries, gallery, seed=seed)
    there = noted & (goal >= 0)
    scenes = queries[there]
    read = [Places.from_text(places[i]) for i in scenes.ids.tolist()]
    seen = [
        int(one.of(name).sum()) for one, name in zip(read, scenes.objects.tolist(), strict=True)
    ]
    counts = {
        "scenes searched": len(scenes),
        "scenes without truth.places": int((~noted).sum()),
        "scenes whose object has no other picture": int((noted & (goal < 0)).sum()),
        "scenes in which the object is hidden (wrong whatever is answered)": seen.count(0),
    }
    return Asked(np.flatnonzero(there), scenes, goal[there], read, np.array(seen, np.int64), counts)


def localize(
    data: Dataset,
    of: Asked,
    embeddings: Mapping[str, Embedding],
    present: Mapping[str, FloatArray],
    seen: Callable[[str, int, View, Heat2D, str], None],
) -> Localized:
    """Searches every scene with every embedding.

    Args:
        data: holds the scenes.
        of: what is asked.
        embeddings: by the policy's label.
        present: (G, D) vectors of the gallery's pictures, likewise.
        seen: called with a label, the scene's index and picture, the heat, and the name of the
            object at the peak, empty for none.
    """
    right = _Right({label: [] for label in embeddings})
    with Progress("localize", len(of.scenes), unit="scenes") as progress:
        for index, (view, places) in enumerate(_scenes(data, of)):
            name = str(of.scenes.objects[index])
            for label, embedding in embeddings.items():
                heat = embedding.heat(view, present[label][of.goal[index]], data.spec)
                found = places.at(heat.peak_px)
                right.of[label].append(found == name)
                seen(label, index, view, heat, found)
            place, thing = by_chance(places, floor_pixels(view, data.spec), name)
            right.place.append(place)
            right.thing.append(thing)
            progress.update(index + 1)
    scenes = of.scenes.scenes
    return Localized(
        {label: Answers(np.array(one, float), scenes) for label, one in right.of.items()},
        Answers(np.array(right.place, float), scenes),
        Answers(np.array(right.thing, float), scenes),
    )


def _scenes(data: Dataset, of: Asked) -> Iterator[tuple[View, Places]]:
    attempts = data.attempts(of.scenes.ids.tolist(), threads=1)
    for attempt, places in zip(attempts, of.places, strict=True):
        view = picture(attempt, "before")
        if places.shown.shape != view.size:
            raise InputError(
                given=f"truth.places of {places.shown.shape} px for {attempt.id}",
                wanted=f"the size of its picture, {view.size}",
            )
        yield view, places


def occlusion_table(title: str, of: Asked, found: Mapping[str, Sequence[Answers]]) -> Table:
    """What is right of objects of which few pixels are seen, and of which many.

    Args:
        title: how rows call the objects.
        of: what was asked.
        found: by the policy's label, retrieval and localization of each of Q.
    """
    order = np.argsort(of.seen_px, kind="stable")
    order = order[of.seen_px[order] > 0]
    rows: list[list[Cell]] = []
    for label, each in found.items():
        for part in np.array_split(order, _PARTS):
            if len(part):
                low, high = of.seen_px[part[0]], of.seen_px[part[-1]]
                shares = [one.of(part).estimate.text() for one in each]
                rows.append([label, f"{low} to {high}", len(part), *shares])
    return Table(
        title=f"By how much is seen of what is lifted: {title}",
        note="Quarters of the scenes in which any of it is seen, by the pixels that show it.",
        columns=["policy", "pixels", "scenes", "retrieval", "localization"],
        rows=rows,
    )


def by_chance(places: Places, inside: NDArray[np.bool_], name: str) -> tuple[float, float]:
    """The probability that a random pixel of the bin shows the object called `name`, and that a
    random one of the objects that can be seen there is it."""
    shown = places.of(name) & inside
    visible = len(np.unique(places.shown[inside & (places.shown >= 0)]))
    return (
        float(shown.sum() / max(1, inside.sum())),
        float(shown.any()) / max(1, visible),
    )
