"""How much of everything the reproduction takes, and what its steps work on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from selfgrasp.objects.catalogue import catalogue_hash, objects_by_name
from selfgrasp.papers import reproduction
from selfgrasp.papers.semantic.labels import Raters
from selfgrasp.papers.semantic.rows import BOX, DORSAL, ROWS, SINGLE, Row

RIGHT = 0.95
"""Share of the propagated labels that are to be right, see `label_threshold`."""


SEEN, VALIDATION, NOVEL, ASSORTED = (
    "categories",
    "categories-validation",
    "categories-test",
    "assorted",
)


@dataclass(frozen=True)
class Sizes:
    """Numbers of attempts, trainings and trials.

    Attributes:
        single_category: attempts on bins of one category.
        mixed: on bins of all of them; some are rated, the rest named by the classifier.
        auxiliary: on other objects, which teach grasping and no category.
        present_images: with test objects, for pictures of them.
        rated: shares of the mixed attempts that raters saw, for the curve; the last one is what
            everything else learns from.
        count: objects of a bin.
        picture_px: side of all pictures.
        tries: on one bin.
        bins: of `category`, for each row and set of objects.
        seeds: trainings of the rows that are compared on several.
        rows: names of the rows that are trained and played, in the paper's order.
        epochs: of every training; None is the recipe's, and `classifying` of the classifiers that
            learn from rated pictures alone.
        classifying: of the one that learns from the most; fewer pictures are seen more often.
    """

    single_category: int = 12_000
    mixed: int = 12_000
    auxiliary: int = 4_000
    present_images: int = 1_500
    rated: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    count: int = 8
    picture_px: int = 224
    tries: int = 8
    bins: int = 60
    seeds: int = 3
    rows: tuple[str, ...] = tuple(row.name for row in ROWS)
    epochs: int | None = None
    classifying: int = 240


def quick() -> Sizes:
    """Every step once, as small as it gets, with a row of each kind: its figures mean nothing."""
    return Sizes(
        single_category=60,
        mixed=80,
        auxiliary=20,
        present_images=20,
        rated=(0.5, 0.9),
        count=5,
        picture_px=64,
        tries=5,
        bins=1,
        seeds=1,
        rows=("dorsal", "box", "single", "separated", "attention-aux-s2"),
        epochs=1,
    )


def paper() -> Sizes:
    """As many labelled attempts as were published: 10,000 from bins of one category, 20,000 rated
    and 300,000 named by the classifier."""
    return Sizes(
        single_category=10_000,
        mixed=320_000,
        auxiliary=100_000,
        present_images=5_000,
        rated=(0.01, 0.03, 1 / 16),
        picture_px=472,
    )


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on; the preset paper has larger streams."""

    MAY_GROW = ("seeds", "bins")

    sizes: Sizes

    def run(self, row: str, seed: int | None = None) -> Path:
        """Folder of a row's training."""
        return self.folders.run(f"{row}-{self.seed if seed is None else seed}")

    @property
    def rows(self) -> list[Row]:
        """Those of the paper that are trained and played, in its order."""
        return [row for row in ROWS if row.name in self.sizes.rows]

    @property
    def two_streams(self) -> list[Row]:
        """Those of them that know what and where in two streams."""
        return [row for row in self.rows if row not in (DORSAL, BOX, SINGLE)]

    def policy(self, row: Row, seed: int | None = None) -> str:
        """What plays a row."""
        return f"{self.run('separated')}+dorsal" if row == DORSAL else str(self.run(row.name, seed))

    def method(self, row: Row) -> str:
        """What a row trains. The dorsal stream and the classifier of presented pictures are the
        same in both presets."""
        name, preset = row.method.split(":")
        larger = {"small": "paper"}.get(preset, f"paper_{preset}")
        return (
            f"{name}:{larger}"
            if self.preset == "paper" and row not in (DORSAL, BOX)
            else row.method
        )

    @property
    def raters(self) -> Raters:
        """Who rates."""
        return Raters(seed=self.seed)

    @property
    def frozen(self) -> dict[str, object]:
        """Also who rates, and how often a propagated label must be right."""

        objects = {
            f"objects.{name}": catalogue_hash(objects_by_name(name))[:12]
            for name in (SEEN, VALIDATION, NOVEL, ASSORTED)
        }
        return {**super().frozen, "raters": vars(self.raters), "right": RIGHT, **objects}


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """`sizes` with so many bins."""
    return replace(sizes, bins=trials)


def scaled(sizes: Sizes, mixed: int) -> Sizes:
    """`sizes` for another number of mixed attempts; what measures stays."""
    share = mixed / sizes.mixed
    single_category, auxiliary, present_images = (
        max(1, round(n * share))
        for n in (sizes.single_category, sizes.auxiliary, sizes.present_images)
    )
    return replace(
        sizes,
        mixed=mixed,
        single_category=single_category,
        auxiliary=auxiliary,
        present_images=present_images,
    )
