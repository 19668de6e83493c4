"""Pictures of what an embedding found, for who draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Heat2D, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.core.places import Places
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation.localization import Asked
from selfgrasp.evaluation.vectors import LiftVectors, picture
from selfgrasp.protocols.embedding import Lifts, among, is_right, nearest
from selfgrasp.protocols.embedding_shown import Shown, ShownHeat, ShownRetrieval, ShownScenes

RIGHT, WRONG = 4, 4
"""Retrievals, and heats, of each kind that are shown of a policy and a dataset."""
SCENES, NEIGHBORS = 3, 4
"""Scenes that are shown with their nearest ones, and how many of these."""
Show = Callable[[Shown], None]


def show_retrievals(
    show: Show,
    data: Dataset,
    title: tuple[str, str],
    lifts: Lifts,
    vectors: LiftVectors,
    gallery: NDArray[np.int64],
) -> None:
    """Some right and some wrong retrievals, of different objects, drawn by the ids alone.

    Args:
        show: is handed them.
        data: holds the pictures.
        title: the policy's label and what rows call the objects.
        lifts: N of them; each is a query.
        vectors: of them.
        gallery: (G,) rows of `lifts`.
    """
    pictures = lifts[gallery]
    found = nearest(
        vectors.before - vectors.after, vectors.present[gallery], among(lifts, pictures)
    )
    right = is_right(lifts, pictures, found)
    wrong = ~right & (found >= 0)
    for row in [*_some(lifts, right, RIGHT), *_some(lifts, wrong, WRONG)]:
        other = gallery[found[row]]
        query, retrieved = data.attempts([lifts.ids[row], lifts.ids[other]], threads=1)
        show(
            ShownRetrieval(
                *title,
                picture(query, "before"),
                picture(query, "after"),
                picture(query, "present"),
                picture(retrieved, "present"),
                str(lifts.objects[row]),
                str(lifts.objects[other]),
            )
        )


def _some(lifts: Lifts, those: NDArray[np.bool_], most: int) -> list[int]:
    """Up to `most` rows of `those` (N,), one of each object."""
    rows: dict[str, int] = {}
    for row in np.random.default_rng(0).permutation(np.flatnonzero(those)).tolist():
        rows.setdefault(str(lifts.objects[row]), row)
    return sorted(rows.values())[:most]


def show_scenes(
    show: Show,
    data: Dataset,
    title: tuple[str, str],
    lifts: Lifts,
    vectors: LiftVectors,
    places: Mapping[str, str],
) -> None:
    """Some scenes with the nearest scenes of other drops, by cosine; one of each drop."""
    first = [int(np.flatnonzero(lifts.scenes == one)[0]) for one in dict.fromkeys(lifts.scenes)]
    for row in first[:SCENES]:
        near = _other_drops(lifts, vectors.before, row)
        if not near:
            return
        views = _views(data, [str(lifts.ids[i]) for i in (row, *near)])
        mine, *others = (_visible(places, str(lifts.ids[i])) for i in (row, *near))
        common = tuple(
            None if mine is None or other is None else (mine & other).total() for other in others
        )
        show(ShownScenes(*title, views[0], tuple(views[1:]), common))


def _other_drops(lifts: Lifts, before: FloatArray, row: int) -> list[int]:
    vectors = unit(before.astype(np.float64))
    order = np.argsort(-(vectors @ vectors[row]), kind="stable")
    found: dict[str, int] = {}
    for other in order.tolist():
        if lifts.scenes[other] != lifts.scenes[row]:
            found.setdefault(str(lifts.scenes[other]), other)
    return list(found.values())[:NEIGHBORS]


def _views(data: Dataset, ids: Sequence[str]) -> list[View]:
    return [picture(attempt, "before") for attempt in data.attempts(ids, threads=1)]


def _visible(places: Mapping[str, str], attempt: str) -> Counter[str] | None:
    if attempt not in places:
        return None
    one = Places.from_text(places[attempt])
    return Counter(one.names[index] for index in np.unique(one.shown[one.shown >= 0]).tolist())


class Showing:
    """Hands the first right and the first wrong heats of each policy, of different objects, to who
    draws.

    Args:
        show: is handed them; None where nobody draws.
        data: holds the pictures.
        objects: what rows call the objects.
        gallery: lifts whose present pictures are looked for.
        question: which is looked for in which scene.
    """

    def __init__(
        self, show: Show | None, data: Dataset, objects: str, gallery: Lifts, question: Asked
    ) -> None:
        self._show, self._data, self._objects = show, data, objects
        self._gallery, self._question = gallery, question
        self._shown: dict[tuple[str, bool], set[str]] = {}

    def heat(self, policy: str, index: int, view: View, heat: Heat2D, found: str) -> None:
        """One scene's, see `localization.localize`."""
        name = str(self._question.scenes.objects[index])
        right = found == name
        shown = self._shown.setdefault((policy, right), set())
        if self._show is None or name in shown or len(shown) == (RIGHT if right else WRONG):
            return
        shown.add(name)
        goal = str(self._gallery.ids[self._question.goal[index]])
        (attempt,) = self._data.attempts([goal], threads=1)
        self._show(
            ShownHeat(policy, self._objects, view, picture(attempt, "present"), heat, name, found)
        )
