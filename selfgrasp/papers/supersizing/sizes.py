"""How much of everything the reproduction takes, and where it keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from selfgrasp.papers import reproduction

FULL_RANDOM = 40_000
"""Random attempts of the paper's Table I, rounded."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of attempts, trainings and trials.

    Attributes:
        random: attempts of the random policy on the training objects: D0.
        stage: attempts of each of the `stages` that a trained network collects (III.D).
        stages: how many.
        test: random attempts on the test objects.
        chosen: attempts on the test objects that a network draws, as in a stage.
        validation: random attempts on the validation objects, which choose thresholds.
        amounts: of random attempts, for the curve over data (Figure 8); `random` is its end.
        pretrained: amounts at which training from the pretext task is compared with training from
            scratch.
        angles: attempts with several angles a point, against as many with one.
        repeats: grasps that are repeated from a restored state.
        closed: random attempts with a gripper whose fingers do not meet, for the eigenvalue limit.
        smoke: examples that the preset that is not trained in full gets for its one epoch; 0 leaves
            it out.
        trials: scenes a policy of `isolated`.
        clear: scenes a policy of `clear`.
        attempts_per_scene: tries on one drop of objects.
        epochs: of trainings from scratch; None is the recipe's.
        seeds: trainings of everything that is compared.
    """

    random: int = FULL_RANDOM
    stage: int = 2_400
    stages: int = 3
    test: int = 6_000
    chosen: int = 2_000
    validation: int = 4_000
    amounts: tuple[int, ...] = (5_000, 10_000, 20_000)
    pretrained: tuple[int, ...] = (5_000,)
    angles: int = 5_000
    repeats: int = 1_000
    closed: int = 1_500
    smoke: int = 512
    trials: int = 150
    clear: int = 30
    attempts_per_scene: int = 20
    epochs: int | None = None
    seeds: int = 3


def quick() -> Sizes:
    """Everything once, as small as it gets: its figures mean nothing.

    With fingers that do not meet one random attempt in thirty holds something, so that there are
    more of these.
    """
    return Sizes(
        random=160,
        stage=16,
        stages=1,
        test=120,
        chosen=40,
        validation=80,
        amounts=(80,),
        pretrained=(80,),
        angles=80,
        repeats=10,
        closed=400,
        smoke=4,
        trials=2,
        clear=1,
        attempts_per_scene=4,
        epochs=1,
        seeds=1,
    )


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many scenes of `isolated`, and a fifth as many of `clear`."""
    return replace(sizes, trials=trials, clear=max(1, round(trials / 5)))


def scaled(sizes: Sizes, random: int) -> Sizes:
    """`sizes` for another number of random attempts: collections and amounts shrink or grow with
    it, what measures does not."""
    share = random / sizes.random

    def of(count: int) -> int:
        return max(1, round(count * share))

    return replace(
        sizes,
        random=random,
        stage=of(sizes.stage),
        angles=of(sizes.angles),
        amounts=tuple(map(of, sizes.amounts)),
        pretrained=tuple(map(of, sizes.pretrained)),
    )


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on, and where it keeps what it makes."""

    MAY_GROW = ("seeds", "trials", "clear")

    sizes: Sizes

    @property
    def method(self) -> str:
        """As the command line calls it."""
        return f"supersizing:{self.preset}"

    @property
    def random_data(self) -> Path:
        """D0."""
        return self.folders.data("random")

    def stage_data(self, stage: int, seed: int) -> Path:
        """What the network of the stage before collected."""
        return self.folders.data(f"stage{stage}-{seed}")

    def same_budget_data(self, stage: int) -> Path:
        """As many attempts as a stage has, at random."""
        return self.folders.data(f"random{stage}")
