"""How much of everything the reproduction takes, and what its steps work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from selfgrasp.papers import reproduction

COMPARED = ("small", "reactive", "grasping")
"""Presets that are trained on every seed."""
OTHERS = (
    *("published", "no_reward", "short_sighted", "immediate", "no_height", "trial"),
    *("ahead", "rise", "measured", "balanced"),
)
LANDMARKS = (
    "random_push_grasp",
    "heuristic",
    "heuristic+push",
    "supersizing",
    "supersizing+push",
)
TITLES: Mapping[str, str] = {
    "small": "VPG",
    "reactive": "P+G reactive",
    "grasping": "grasping only",
    "published": "VPG, published rewards and Q-learning",
    "no_reward": "VPG-noreward",
    "short_sighted": "VPG-myopic (discount 0.2)",
    "immediate": "the rewards alone (discount 0)",
    "no_height": "VPG-nodepth",
    "trial": "SPOT's trial reward",
    "ahead": "pushes valued by the grasp network",
    "rise": "pushes valued by the rise of that (EPG)",
    "measured": "pushes valued by tries before and after (simulation only)",
    "balanced": "VPG, as many successes as failures in replay",
    "long": "VPG, long",
    "learn": "VPG, learning at test time",
    "random_push_grasp": "random",
    "heuristic": "heuristic",
    "heuristic+push": "heuristic, a random push after each miss",
    "supersizing": "supersizing",
    "supersizing+push": "supersizing, a random push after each miss",
}


@dataclass(frozen=True)
class Sizes:
    """Numbers of transitions, trainings and runs.

    Attributes:
        transitions: of each training.
        random: of these at random, before the first network.
        round: of these between two trainings.
        steps: of training after each round.
        long: transitions of the long training of `small`.
        long_round: likewise between two trainings, once `transitions` are reached.
        long_steps: of training after each of these.
        runs: of each case of `arrangements`.
        cases: so many are met as often; fewer than all of our own leave the last ones out.
        tables: of `declutter`.
        isolated: single blocks, which any trained policy can grasp.
        cleared: which tables are cleared, by `evaluate.Table.name`.
        seeds: trainings of the presets that are compared.
        compared: presets that are trained on every seed.
        others: presets that are trained once.
        landmarks: policies that are not trained here.
    """

    transitions: int = 2_500
    random: int = 500
    round: int = 500
    steps: int = 400
    long: int = 20_000
    long_round: int = 2_500
    long_steps: int = 2_000
    runs: int = 30
    cases: int = 13
    tables: int = 30
    isolated: int = 30
    cleared: tuple[str, ...] = (
        "arrangements",
        "arrangements-85",
        "declutter",
        "declutter-10",
        "declutter-novel",
        "declutter-1",
    )
    seeds: int = 3
    compared: tuple[str, ...] = COMPARED
    others: tuple[str, ...] = OTHERS
    landmarks: tuple[str, ...] = LANDMARKS


def quick() -> Sizes:
    """Every kind of step once, as small as it gets: its figures mean nothing."""
    return Sizes(
        transitions=60,
        random=40,
        round=20,
        steps=3,
        long=80,
        long_round=20,
        long_steps=3,
        runs=1,
        cases=1,
        tables=1,
        isolated=1,
        cleared=("arrangements", "declutter-1"),
        seeds=1,
        compared=("small",),
        others=("published",),
        landmarks=("heuristic+push",),
    )


def scaled(sizes: Sizes, attempts: int) -> Sizes:
    """`sizes` for another number of transitions of each training; what measures stays."""
    share = attempts / sizes.transitions
    return replace(
        sizes,
        transitions=attempts,
        random=max(1, round(sizes.random * share)),
        round=max(1, round(sizes.round * share)),
        long=max(attempts, round(sizes.long * share)),
        long_round=max(1, round(sizes.long_round * share)),
    )


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many runs of each case, tables and single blocks."""
    return replace(sizes, runs=trials, tables=trials, isolated=trials)


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on."""

    MAY_GROW = (
        *("seeds", "compared", "others", "landmarks", "long"),
        *("runs", "cases", "tables", "isolated", "cleared"),
    )

    sizes: Sizes

    @property
    def trainings(self) -> Mapping[str, Training]:
        """By name, in the order in which they are made: the long one follows the one that it
        goes on from."""
        compared = [
            Training(p, seed, self.sizes) for seed in self.seeds for p in self.sizes.compared
        ]
        others = [Training(preset, self.seed, self.sizes) for preset in self.sizes.others]
        every = (*compared[:1], self.long, *compared[1:], *others)
        return {one.name: one for one in every}

    @property
    def long(self) -> Training:
        """Of `small`, with many more transitions."""
        return Training("small", self.seed, self.sizes, long=True)

    @property
    def transitions(self) -> int:
        """Of all datasets, those that several trainings share once."""
        rounds = [one for training in self.trainings.values() for one in training.rounds]
        return sum({one.data[-1]: one.transitions for one in rounds}.values())

    @property
    def learning_on(self) -> str:
        """The first training, which goes on learning while it is tested."""
        return f"{self.policy(next(iter(self.trainings.values())))}+learn"

    def policy(self, training: Training) -> str:
        """The run with the weights that a training ends with."""
        return str(self.folders.run(training.rounds[-1].name))


@dataclass(frozen=True)
class Round:
    """Of a training: collect, then learn.

    Attributes:
        name: of its run; of its dataset, where it has one of its own.
        number: counts from 0.
        transitions: that are collected for it.
        steps: of training.
        data: names of all datasets so far.
    """

    name: str
    number: int
    transitions: int
    steps: int
    data: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """One network's life.

    Attributes:
        preset: of vpg.
        seed: of scenes, choices and weights.
        sizes: see there.
        long: whether it goes on to `Sizes.long` transitions.
    """

    preset: str
    seed: int
    sizes: Sizes
    long: bool = False

    @property
    def name(self) -> str:
        """Of the row."""
        return f"{'long' if self.long else self.preset}-{self.seed}"

    @property
    def rounds(self) -> tuple[Round, ...]:
        """In order. The first is of random actions, the same for all presets of a seed. The long
        training begins with the rounds of the short one."""
        sizes, own = self.sizes, f"{self.preset}-{self.seed}"
        begun = sizes.random
        data: tuple[str, ...] = (f"random-{self.seed}",)
        found = [Round(f"{own}-0", 0, sizes.random, sizes.steps, data)]
        while begun < (sizes.long if self.long else sizes.transitions):
            longer = begun >= sizes.transitions
            size, last = (
                (sizes.long_round, sizes.long) if longer else (sizes.round, sizes.transitions)
            )
            count = min(size, last - begun)
            begun, number = begun + count, len(found)
            name = f"{own}-{number}"
            data = (*data, name)
            steps = sizes.long_steps if longer else sizes.steps
            found.append(Round(name, number, count, steps, data))
        return tuple(found)
