"""How much of everything the reproduction takes, and what its steps work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.named import objects_named
from selfgrasp.papers import reproduction
from selfgrasp.papers.grasp2vec.rows import (
    ANYTHING,
    METHOD,
    NEAR,
    ROWS,
    SHIPPED,
    TOWERS,
    Row,
    Towers,
)

LIFTS = "vessels"
"""Set of objects that everything is learned from."""
ASKED = "vessels-asked"
"""Dataset of attempts with the same objects, each asked for one of them by its picture."""
VALIDATION = "vessels-validation"
"""Set of objects by which the not-found threshold is chosen."""
SETS: Mapping[str, str] = {"seen": LIFTS, "novel": "vessels-novel"}
"""Of objects that are measured, by what reports call them."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of attempts, trainings and trials.

    Attributes:
        lifts: attempts, of which about half lift something.
        held_out: attempts with each of the sets of objects that nothing is learned from.
        sets: these.
        asked: attempts that are asked for what was held before in the same bin.
        count: objects of a bin.
        tries: on one bin; what is lifted is set aside.
        picture_px: side of all pictures.
        judge_steps: of training who grasps, twice.
        steps: of training the towers.
        goal_steps: of training the goal-conditioned network.
        bins: of `instance`, with six goals each; of `composite` twice as many, with three each.
        towers, rows: names of those that are trained and measured.
        seeds: trainings of the first towers, and of the rows over them.
        shares: of the lifts, for the curve over attempts.
    """

    lifts: int = 27_000
    held_out: int = 2_000
    asked: int = 6_000
    sets: tuple[str, ...] = ("vessels-novel", VALIDATION, "vessels-white")
    count: int = 6
    tries: int = 8
    picture_px: int = 224
    judge_steps: int = 2_000
    steps: int = 1_500
    goal_steps: int = 1_000
    bins: int = 50
    towers: tuple[str, ...] = tuple(one.name for one in TOWERS)
    rows: tuple[str, ...] = tuple(one.name for one in ROWS)
    seeds: int = 3
    shares: tuple[float, ...] = (1 / 8, 1 / 4, 1 / 2)


def quick() -> Sizes:
    """Every kind of step once, as small as it gets: its figures mean nothing."""
    return Sizes(
        lifts=48,
        held_out=16,
        asked=16,
        sets=("vessels-novel",),
        picture_px=96,
        judge_steps=3,
        steps=3,
        goal_steps=3,
        bins=1,
        towers=("small",),
        rows=("anything", "goal", "goal_embedded", "near"),
        seeds=1,
        shares=(1 / 2,),
    )


def paper() -> Sizes:
    """Pictures and towers as large as published, for a GPU: 50,000 steps."""
    return Sizes(picture_px=512, steps=50_000, towers=("small",))


def scaled(sizes: Sizes, lifts: int) -> Sizes:
    """`sizes` for another number of attempts to learn from; what measures stays."""
    return replace(sizes, lifts=lifts)


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many bins."""
    return replace(sizes, bins=trials)


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on. The preset paper has the published towers."""

    MAY_GROW = ("seeds", "bins", "towers", "rows", "sets", "shares")

    sizes: Sizes

    @property
    def towers(self) -> tuple[tuple[Towers, int], ...]:
        """Those that are trained, with their seeds; the first ones first."""
        chosen = [one for one in TOWERS if one.name in self.sizes.towers]
        first = [(one, self.seed) for one in chosen]
        return (*first, *((one, s) for s in self.seeds[1:] for one in chosen if one.every_seed))

    @property
    def rows(self) -> tuple[tuple[Row, int], ...]:
        """Rows of table 2, in the paper's order, over towers that are trained, with their seeds;
        the first ones first."""
        sizes = self.sizes
        first = [r for r in ROWS if r.name in sizes.rows and r.towers in sizes.towers]
        every = [one.name for one in TOWERS if one.every_seed]
        again = [r for r in first if r.towers in every and r != ANYTHING]
        return (
            *((row, self.seed) for row in first),
            *((row, seed) for seed in self.seeds[1:] for row in again),
        )

    @property
    def learned(self) -> tuple[tuple[Row, int], ...]:
        """Those of them that are trained, and what is shipped."""
        rows = dict.fromkeys((*self.rows, (SHIPPED, self.seed)))
        return tuple(one for one in rows if one[0] not in (ANYTHING, NEAR))

    def run(self, name: str, seed: int | None = None) -> Path:
        """Folder of a training."""
        return self.folders.run(f"{name}-{self.seed if seed is None else seed}")

    @property
    def amounts(self) -> tuple[int, ...]:
        """Attempts that the curve's networks learn from, but for the last ones."""
        return tuple(round(share * self.sizes.lifts) for share in self.sizes.shares)

    def method(self, towers: Towers) -> str:
        """What towers train."""
        preset = "paper" if self.preset == "paper" and towers.name == "small" else towers.name
        return f"{METHOD}:{preset}"

    def goal_method(self, row: Row) -> str:
        """What a row trains, over towers of this preset's size."""
        larger = "paper_" if self.preset == "paper" and row.towers == "small" else ""
        return f"{METHOD}:{larger}{row.preset or row.name}"

    def weights(self, towers: str = "small", seed: int | None = None) -> Path:
        """File of towers together with who grasps."""
        return self.folders.root / f"towers-{self.run(towers, seed).name}.safetensors"

    @property
    def shipped(self) -> Path:
        """File of what goes with the package."""
        return self.folders.root / f"{METHOD}.safetensors"

    def policy(self, row: Row, seed: int, protocol: str) -> str:
        """What plays a row; `fetch` what is shipped, with its thresholds."""
        towers = str(self.weights(seed=seed))
        if row == ANYTHING:
            return f"{towers}+anything"
        if row == NEAR:
            return towers
        return str(self.shipped if protocol == "fetch" else self.run(row.name, seed))

    @property
    def frozen(self) -> dict[str, object]:
        """Also the objects."""
        names = (LIFTS, "vessels-novel", VALIDATION, "vessels-white")
        objects = {f"objects.{n}": catalogue_hash(objects_named(n))[:12] for n in names}
        return {**super().frozen, **objects}
