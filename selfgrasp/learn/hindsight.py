"""Attempts relabelled with goals: with what they were asked for, with what they achieved, and with
what they might have been asked for (Jang et al. 2018, section 4 and algorithm 1; Andrychowicz et
al. 2017, "Hindsight experience replay").

Any goal-conditioned method learns from the triples that come of it: an attempt, a goal, a reward.
Goals are pictures, and pictures are rows of whatever the method keeps of them.

N attempts, K triples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import InputError

Similarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.floating]]
"""From (K,) and (K,) pictures to (K,), from 0 to 1: how sure it is that both show the same
object."""
NOTHING = -1
"""In place of a picture: nothing was held, or nothing was asked for."""


class Labels(StrEnum):
    """Which triples are made of attempts (Jang et al. 2018, section 4 and table 2).

    posthoc: what was held is a goal that was achieved; what was asked for is one that was missed,
    where nothing was held (PL). posthoc_auxiliary: beside that, another goal counts as missed where
    something was held (PL + Aux(0)). similarity: posthoc, and what was asked for is achieved as far
    as it is similar to what was held (PL + ES). similarity_auxiliary: beside that, the other goal
    is, too (PL + Aux + ES).
    """

    POSTHOC = "posthoc"
    POSTHOC_AUXILIARY = "posthoc_auxiliary"
    SIMILARITY = "similarity"
    SIMILARITY_AUXILIARY = "similarity_auxiliary"

    @property
    def compares(self) -> bool:
        """Whether rewards come from similarities."""
        return self in (Labels.SIMILARITY, Labels.SIMILARITY_AUXILIARY)

    @property
    def has_auxiliary(self) -> bool:
        """Whether attempts are also given goals that nobody asked for."""
        return self in (Labels.POSTHOC_AUXILIARY, Labels.SIMILARITY_AUXILIARY)


@dataclass(frozen=True, eq=False)
class Achieved:
    """What attempts were for, and what came of them.

    Attributes:
        held: (N,) picture of what was held; `NOTHING` where nothing was.
        asked: (N,) picture of the goal; `NOTHING` for anything: then one is drawn, see `goal_set`.
        scenes: (N,) drops of objects. What was held in one of its attempts is the goal set of a
            scene: the paper's robot first collects ten pictures from a bin, and is asked for those.
    """

    held: NDArray[np.int64]
    asked: NDArray[np.int64]
    scenes: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.held) == len(self.asked) == len(self.scenes):
            raise InputError(
                given=f"{len(self.held)} held, {len(self.asked)} asked for, "
                f"{len(self.scenes)} scenes",
                wanted="one of each for every attempt",
            )

    def goal_set(self, scene: int) -> NDArray[np.int64]:
        """Pictures of what was held in a scene, in the order of its attempts."""
        mine = self.held[self.scenes == scene]
        shown: NDArray[np.int64] = mine[mine != NOTHING]
        return shown


@dataclass(frozen=True, eq=False)
class Relabelled:
    """Triples to learn from.

    Attributes:
        attempts: (K,) index of each.
        goals: (K,) pictures.
        rewards: (K,) from 0 to 1, of closing the hand there.
    """

    attempts: NDArray[np.int64]
    goals: NDArray[np.int64]
    rewards: NDArray[np.float32]


def relabelled(
    done: Achieved,
    rows: NDArray[np.int64],
    labels: Labels,
    similarity: Similarity,
    rng: np.random.Generator,
) -> Relabelled:
    """The triples of some attempts, in no order that means anything.

    Goals that nobody asked for are drawn from the attempt's scene, but never the picture of the
    attempt itself; where its scene has no other picture, there is no such triple.

    Args:
        done: all attempts.
        rows: (M,) which of them.
        labels: see there.
        similarity: rewards, see `Similarity`; asked only where `labels` compares.
        rng: draws goals.
    """
    held = done.held[rows]
    asked, other = _goals(done, rows, rng)
    holds, wanted = held != NOTHING, asked != NOTHING
    found = [
        # Posthoc labels: what was held was a success, what was asked for and not held was none.
        (rows[holds], held[holds], np.ones(int(holds.sum()))),
        _missed(rows, asked, ~holds & wanted),
    ]
    if labels.compares:
        found.append(_compared(rows, held, asked, holds & wanted, similarity))
    if labels.has_auxiliary:
        auxiliary = holds & (other != NOTHING)
        found.append(
            _compared(rows, held, other, auxiliary, similarity)
            if labels.compares
            else _missed(rows, other, auxiliary)
        )
    attempts, goals, rewards = (np.concatenate(part) for part in zip(*found, strict=True))
    return Relabelled(attempts, goals, rewards.astype(np.float32))


_Triples = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]]


def _missed(
    rows: NDArray[np.int64], goals: NDArray[np.int64], which: NDArray[np.bool_]
) -> _Triples:
    return rows[which], goals[which], np.zeros(int(which.sum()))


def _compared(
    rows: NDArray[np.int64],
    held: NDArray[np.int64],
    goals: NDArray[np.int64],
    which: NDArray[np.bool_],
    similarity: Similarity,
) -> _Triples:
    rewards = np.clip(similarity(held[which], goals[which]), 0.0, 1.0)
    return rows[which], goals[which], rewards


def _goals(
    done: Achieved, rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(M,) what each attempt was asked for, drawn where it was asked for anything, and (M,) another
    goal; `NOTHING` where there is none."""
    asked, other = done.asked[rows].copy(), np.full(len(rows), NOTHING)
    sets = {scene: done.goal_set(scene) for scene in np.unique(done.scenes[rows]).tolist()}
    for index, row in enumerate(rows.tolist()):
        goals = sets[int(done.scenes[row])]
        drawn = rng.permutation(goals[(goals != done.held[row]) & (goals != asked[index])])
        if asked[index] == NOTHING and len(drawn):
            asked[index], drawn = drawn[0], drawn[1:]
        if len(drawn):
            other[index] = drawn[0]
    return asked, other
