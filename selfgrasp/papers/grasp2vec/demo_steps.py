"""What came of a goal: where it was thought to be, what was held, and the arithmetic of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selfgrasp.core import CellSpec, Heat2D, Verdict, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.methods.grasp2vec.embedding import PictureEmbedding
from selfgrasp.papers.grasp2vec.demo_goals import Wanted
from selfgrasp.papers.reaches import Reach

GOAL = "the goal"
"""The first row of an arithmetic."""


@dataclass(frozen=True)
class Likeness:
    """How alike a picture in the hand is to what was held: cosines of vectors.

    Attributes:
        difference: of the bin before the grasp, less the bin after it.
        held: of the picture of what was held, of the features by which it is accepted.
    """

    difference: float
    held: float


@dataclass(frozen=True, eq=False)
class Fetched:
    """A goal, and what came of it.

    Attributes:
        wanted: what was asked for.
        reach: the last attempt.
        verdict: what the robot said of what it held then; None where it held nothing.
        dropped: names of what was held before and was not accepted, for this page.
        tries: attempts for the goal.
        heat: of the goal over the picture before the last attempt.
        similarity: of the goal and its likeliest place, see `Heat2D.similarity`.
        likeness: of the goal, and of each object of the bin by its name; empty where nothing was
            held, or no picture of it or of the bin was taken.
    """

    wanted: Wanted
    reach: Reach
    verdict: Verdict | None
    dropped: tuple[str, ...]
    tries: int
    heat: Heat2D
    similarity: float
    likeness: Mapping[str, Likeness]

    @property
    def tried(self) -> bool:
        """Whether anything was done."""
        return self.tries > 1 or bool(self.reach.attempt.steps)

    @property
    def accepted(self) -> bool:
        """Whether something is held that was taken for the goal."""
        return self.verdict is not None and self.verdict.accepted

    @property
    def right(self) -> bool | None:
        """Whether what was asked for was fetched, or rightly nothing; None where nobody knows."""
        if self.wanted.there is None:
            return None
        if not self.wanted.there:
            return not self.accepted
        return self.accepted and self.reach.thing == self.wanted.name


def fetched(
    embedding: PictureEmbedding,
    spec: CellSpec,
    presented: Mapping[str, View],
    wanted: Wanted,
    tries: Sequence[tuple[Reach, Verdict | None]],
) -> Fetched | None:
    """What came of a goal; None where the camera gave no picture before the last attempt.

    Args:
        embedding: whose vectors.
        spec: the cell.
        presented: pictures in the hand of what lies in the bin, by name.
        wanted: what was asked for.
        tries: the attempts for it, with what the robot said of what it held.
    """
    *others, (reach, verdict) = tries
    if reach.attempt.before is None:
        return None
    view = reach.attempt.before.view()
    vector = embedding.objects([wanted.picture], spec)[0]
    heat = embedding.heat(view, vector, spec)
    shown = {GOAL: wanted.picture, **presented}
    return Fetched(
        wanted,
        reach,
        verdict,
        tuple(one.thing for one, said in others if said is not None and one.thing),
        len(tries),
        heat,
        heat.similarity(vector),
        _likeness(embedding, spec, shown, reach),
    )


def _likeness(
    embedding: PictureEmbedding, spec: CellSpec, shown: Mapping[str, View], reach: Reach
) -> dict[str, Likeness]:
    attempt = reach.attempt
    if attempt.before is None or attempt.after is None or attempt.present is None:
        return {}
    before, after = embedding.scenes([attempt.before.view(), attempt.after.view()], spec)
    vectors = embedding.objects([*shown.values(), attempt.present], spec)
    features = embedding.features(vectors)
    to_difference, to_held = (
        cosines(before - after, vectors[:-1]),
        cosines(features[-1], features[:-1]),
    )
    return {
        name: Likeness(difference, present)
        for name, difference, present in zip(
            shown, to_difference.tolist(), to_held.tolist(), strict=True
        )
    }


def cosines(vector: FloatArray, others: FloatArray) -> FloatArray:
    """(N,) between a vector (D,) and each of others (N, D); 0 for those of zeros."""
    found: FloatArray = unit(others) @ unit(vector[None])[0]
    return found


def came_of(one: Fetched) -> str:
    """What came of a goal, in a phrase."""
    thing, wanted = one.reach.thing, one.wanted
    if not one.tried:
        truth = {True: ", but it is there", False: "", None: ""}[wanted.there]
        return f"not in the bin{truth}"
    absent = "not there, and " if wanted.there is False else ""
    dropped = f", {' and '.join(one.dropped)} dropped" if one.dropped else ""
    if not one.accepted:
        count = "one attempt" if one.tries == 1 else f"{one.tries} attempts"
        return f"{absent}nothing fetched in {count}{dropped}"
    if wanted.there and thing == wanted.name:
        return f"fetched{dropped}"
    return f"{'not there, but ' if wanted.there is False else ''}{thing} fetched{dropped}"
