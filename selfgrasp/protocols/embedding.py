"""`embedding`: is the nearest held picture to a difference of scenes one of the same object, and
does the heat's peak lie on it (Jang et al. 2018, section 5.1)?

Shapes: Q queries, G pictures of the gallery, D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.intervals import Estimate, clustered, ratio
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.protocols.metric import Metric

RETRIEVAL = Metric(
    "retrieval",
    "Retrieval",
    "share of lifts whose difference of scene vectors is nearest, by cosine, to a present picture "
    "of the same object",
)
RETRIEVAL_OTHER_SCENES = Metric(
    "retrieval_other_scenes",
    "Retrieval from other scenes",
    "the same among pictures from other scenes alone, of the lifts whose object has one there: "
    "neither light nor background helps",
)
RETRIEVAL_INNER_PRODUCT = Metric(
    "retrieval_inner_product",
    "Retrieval by inner product",
    "the same as retrieval, nearest by the inner product",
)
OUTCOME_NEIGHBOR = Metric(
    "outcome_neighbor",
    "Outcome neighbor",
    "share of present pictures whose nearest other one, by cosine, shows the same object",
)
OUTCOME_NEIGHBOR_OTHER_SCENES = Metric(
    "outcome_neighbor_other_scenes",
    "Outcome neighbor from other scenes",
    "the same as outcome neighbor among pictures from other scenes alone, of the objects that have "
    "one there",
)
LOCALIZATION = Metric(
    "localization",
    "Localization",
    "share of scenes in which the peak of the heat of an object's picture from another attempt "
    "lies on that object",
)
METRICS = (
    RETRIEVAL,
    RETRIEVAL_OTHER_SCENES,
    RETRIEVAL_INNER_PRODUCT,
    OUTCOME_NEIGHBOR,
    OUTCOME_NEIGHBOR_OTHER_SCENES,
    LOCALIZATION,
)


class Similarity(StrEnum):
    """How near two vectors are: the cosine of their angle (0 for a vector of zeros), or their inner
    product."""

    COSINE = "cosine"
    INNER_PRODUCT = "inner product"


@dataclass(frozen=True, eq=False)
class Lifts:
    """Attempts that lifted one object and presented it.

    Attributes:
        ids: (N,) str.
        objects: (N,) str, the instance that was lifted.
        scenes: (N,) str, drops of objects: attempts on one are not independent.
    """

    ids: NDArray[np.str_]
    objects: NDArray[np.str_]
    scenes: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Lifts:
        return Lifts(self.ids[rows], self.objects[rows], self.scenes[rows])

    @staticmethod
    def of(ids: Sequence[str], objects: Sequence[str], scenes: Sequence[str]) -> Lifts:
        """From lists of equal lengths."""
        return Lifts(*(np.array(list(one), dtype=np.str_) for one in (ids, objects, scenes)))


def chosen(lifts: Lifts, count: int | None, *, seed: int, purpose: int) -> Lifts:
    """`count` of the lifts, drawn by their ids and the seed alone, in the order of ids; all where
    None."""
    lifts = lifts[np.argsort(lifts.ids, kind="stable")]
    if count is None or count >= len(lifts):
        return lifts
    rng = np.random.default_rng([seed, purpose])
    return lifts[np.sort(rng.permutation(len(lifts))[:count])]


def goals(scenes: Lifts, pictures: Lifts, *, seed: int) -> NDArray[np.int64]:
    """(Q,) for each of `scenes` the index in `pictures` of a present picture of the same object,
    drawn at random from those of other scenes, or else of other attempts; -1 where there is
    none."""
    rng = np.random.default_rng([seed, 7])
    places = rng.random((len(scenes), len(pictures)))
    same = scenes.objects[:, None] == pictures.objects
    other = same & (scenes.ids[:, None] != pictures.ids)
    away = same & (scenes.scenes[:, None] != pictures.scenes)
    score = np.where(away, places + 1, np.where(other, places, -1.0))
    if not len(pictures):
        return np.full(len(scenes), -1)
    best: NDArray[np.int64] = score.argmax(axis=1)
    return np.where(score.max(axis=1) < 0, -1, best)


def among(queries: Lifts, gallery: Lifts, *, other_scenes: bool = False) -> NDArray[np.bool_]:
    """(Q, G) which pictures may be found: all but the query's own, or but those of its scene."""
    if other_scenes:
        return np.asarray(queries.scenes[:, None] != gallery.scenes)
    return np.asarray(queries.ids[:, None] != gallery.ids)


def nearest(
    queries: FloatArray,
    gallery: FloatArray,
    may: NDArray[np.bool_],
    similarity: Similarity = Similarity.COSINE,
) -> NDArray[np.int64]:
    """(Q,) the index of the most similar vector of the gallery that each query may find; -1 where
    it may find none.

    Args:
        queries: (Q, D).
        gallery: (G, D).
        may: (Q, G).
        similarity: see there.
    """
    if not len(gallery):
        return np.full(len(queries), -1)
    a, b = queries.astype(np.float64), gallery.astype(np.float64)
    if similarity is Similarity.COSINE:
        a, b = unit(a), unit(b)
    similar = np.where(may, a @ b.T, -np.inf)
    best: NDArray[np.int64] = similar.argmax(axis=1)
    return np.where(may.any(axis=1), best, -1)


def is_right(queries: Lifts, gallery: Lifts, found: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(Q,) whether what was found shows the query's object; nothing found is wrong."""
    if not len(gallery):
        return np.zeros(len(queries), np.bool_)
    return np.asarray((found >= 0) & (gallery.objects[found] == queries.objects))


def chance(queries: Lifts, gallery: Lifts, may: NDArray[np.bool_]) -> FloatArray:
    """(Q,) the share of pictures of the query's object among those that it may find."""
    same = (queries.objects[:, None] == gallery.objects) & may
    share: FloatArray = same.sum(axis=1) / np.maximum(may.sum(axis=1), 1)
    return share


@dataclass(frozen=True, eq=False)
class Answers:
    """Whether each query was answered rightly.

    Attributes:
        right: (Q,) 0 or 1, or the probability of it.
        scenes: (Q,) str.
    """

    right: FloatArray
    scenes: NDArray[np.str_]

    @property
    def estimate(self) -> Estimate:
        """The share, bootstrapped by scene; `n` is the number of queries."""
        found = _mean(self.scenes, self.right)
        return Estimate(found.value, found.low, found.high, len(self.right))

    def of(self, some: NDArray[np.bool_] | NDArray[np.int64]) -> Answers:
        """Those of some queries alone: (Q,) whether, or their indices."""
        return Answers(self.right[some], self.scenes[some])

    def better_than(self, other: Answers) -> Estimate:
        """By how much on the same queries, bootstrapped by scene, whose number is `n`."""
        return _mean(self.scenes, self.right - other.right)


def _mean(scenes: NDArray[np.str_], values: FloatArray) -> Estimate:
    if not len(values):
        return Estimate(float("nan"), 0.0, 1.0, 0)
    return ratio(clustered(scenes, np.stack([values, np.ones(len(values))], axis=1)))


def answers(
    queries: Lifts,
    gallery: Lifts,
    differences: FloatArray,
    present: FloatArray,
    own: FloatArray,
) -> Mapping[Metric, Answers]:
    """Every metric of retrieval.

    Args:
        queries: the lifts asked about.
        gallery: whose pictures are found.
        differences: (Q, D) of scenes, before less after.
        present: (G, D) of the gallery's pictures.
        own: (Q, D) of the queries' own pictures.
    """
    may = among(queries, gallery)
    elsewhere = among(queries, gallery, other_scenes=True)
    found = {
        RETRIEVAL: nearest(differences, present, may),
        RETRIEVAL_OTHER_SCENES: nearest(differences, present, elsewhere),
        RETRIEVAL_INNER_PRODUCT: nearest(differences, present, may, Similarity.INNER_PRODUCT),
        OUTCOME_NEIGHBOR: nearest(own, present, may),
        OUTCOME_NEIGHBOR_OTHER_SCENES: nearest(own, present, elsewhere),
    }
    given = {
        metric: Answers(is_right(queries, gallery, at).astype(np.float64), queries.scenes)
        for metric, at in found.items()
    }
    findable = chance(queries, gallery, elsewhere) > 0
    away = (RETRIEVAL_OTHER_SCENES, OUTCOME_NEIGHBOR_OTHER_SCENES)
    return {**given, **{metric: given[metric].of(findable) for metric in away}}


def chances(queries: Lifts, gallery: Lifts) -> Mapping[Metric, Answers]:
    """What drawing a picture at random scores."""
    may = among(queries, gallery)
    elsewhere = chance(queries, gallery, among(queries, gallery, other_scenes=True))
    share = Answers(chance(queries, gallery, may), queries.scenes)
    away = Answers(elsewhere, queries.scenes).of(elsewhere > 0)
    return {
        RETRIEVAL: share,
        RETRIEVAL_OTHER_SCENES: away,
        RETRIEVAL_INNER_PRODUCT: share,
        OUTCOME_NEIGHBOR: share,
        OUTCOME_NEIGHBOR_OTHER_SCENES: away,
    }
