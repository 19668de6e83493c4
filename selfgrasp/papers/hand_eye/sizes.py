"""How much of everything the reproduction takes, and what its steps work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selfgrasp.papers import reproduction
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig

ROWS = ("random_servo", "heuristic", "open", "closed")
"""Of `deplete`, from worst to best in the paper."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of attempts, trainings and trials.

    Attributes:
        random: attempts with random motions.
        rounds: motions an attempt may take in each round of servoing; they grow, as in the paper.
        round: attempts of a round.
        tries: of a round on one bin; what is lifted is set aside, so that the bin empties as in
            `deplete`.
        doubted: attempts with random motions after which a hand that feels empty is opened over the
            bin.
        amounts: of random attempts, for the curve over data; `random` is its end.
        validation_bins: of validation objects, on which networks are compared while they grow.
        bins: of `deplete`.
        changed_rows: of the paper, played where the camera moved or objects are nudged as well.
        count: objects of a bin that is learned from.
        picture_px: side of all pictures.
        attempts_per_scene: random tries on one drop of objects; what is lifted is dropped in again.
        growing_epochs: of the trainings before the last round's; None is the recipe's.
        epochs: of the last round's.
        seeds: trainings of the last round.
    """

    random: int = 12_000
    rounds: tuple[int, ...] = (2, 4, 7, 10)
    round: int = 12_000
    tries: int = 30
    doubted: int = 1_000
    amounts: tuple[int, ...] = (3_000, 6_000)
    validation_bins: int = 8
    bins: int = 15
    changed_rows: tuple[str, ...] = ROWS
    count: int = 25
    picture_px: int = 128
    attempts_per_scene: int = 10
    growing_epochs: int | None = 10
    epochs: int | None = None
    seeds: int = 3


def quick() -> Sizes:
    """Every step once, as small as it gets: its figures mean nothing."""
    return Sizes(
        random=120,
        rounds=(2,),
        round=40,
        tries=6,
        doubted=20,
        amounts=(60,),
        validation_bins=1,
        bins=1,
        changed_rows=("closed",),
        count=6,
        picture_px=64,
        attempts_per_scene=4,
        growing_epochs=1,
        epochs=1,
        seeds=1,
    )


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many bins."""
    return replace(sizes, bins=trials)


def scaled(sizes: Sizes, random: int) -> Sizes:
    """`sizes` for another number of random attempts: rounds and amounts shrink or grow with it,
    what measures does not."""
    share = random / sizes.random

    def of(count: int) -> int:
        return max(1, round(count * share))

    return replace(
        sizes, random=random, round=of(sizes.round), amounts=tuple(map(of, sizes.amounts))
    )


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on."""

    MAY_GROW = ("seeds", "bins", "validation_bins")

    sizes: Sizes

    @property
    def options(self) -> KukaBinConfig:
        """Of the cell that is learned in."""
        return KukaBinConfig(count=self.sizes.count, picture_px=self.sizes.picture_px)

    @property
    def finals(self) -> tuple[str, ...]:
        """Runs of the last round, a training seed each."""
        return tuple(self.trained(len(self.sizes.rounds), seed) for seed in self.seeds)

    @property
    def final(self) -> str:
        """The last round's run of the first seed: what is shipped and looked at."""
        return self.finals[0]

    def trained(self, round: int, seed: int) -> str:
        """Name of the run that has learned from everything up to a round; round 0 from random
        motions alone."""
        return f"round{round}-{seed}"

    def data(self, rounds: int) -> list[Path]:
        """Random motions, and what was collected in so many rounds."""
        return [
            self.folders.data("random"),
            *(self.folders.data(f"round{k}") for k in range(1, rounds + 1)),
        ]


def runs_to_compare(work: Work) -> Sequence[tuple[str, int, int]]:
    """Networks as they grow: run, attempts it has learned from, rounds among them."""
    sizes = work.sizes
    fewer = [(f"random{n}-{work.seed}", n, 0) for n in sizes.amounts]
    return [
        *fewer,
        *(
            (work.trained(k, work.seed), sizes.random + k * sizes.round, k)
            for k in range(len(sizes.rounds) + 1)
        ),
    ]
