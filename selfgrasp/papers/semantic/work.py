"""How much of everything the reproduction takes; collecting, labelling and training with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.common.intervals import clustered
from selfgrasp.dataset import Dataset
from selfgrasp.methods.semantic.config import CATEGORIES
from selfgrasp.methods.semantic.examples import LABEL, PICTURE_LABEL, PROPAGATED_LABEL
from selfgrasp.objects.catalogue import catalogue_hash, objects_by_name
from selfgrasp.papers import reproduction, steps
from selfgrasp.papers.semantic import labels, probe
from selfgrasp.papers.semantic.labels import Raters
from selfgrasp.rollout.jobs import CollectJob, TrainJob
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.cells.config import Objects
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig

Counts = list[list[float]]
"""For each scene: how many were right, of how many; perhaps more."""
COLLECTOR = "hand_eye+explore4"
"""Who tries: hand-eye coordination as it is shipped, which knows no categories, with up to four
motions."""
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
    epochs: int | None = None
    classifying: int = 240


def quick() -> Sizes:
    """Everything once, as small as it gets: its figures mean nothing."""
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
class Row:
    """A row of Jang et al. 2017, table 2.

    Attributes:
        name: of the run.
        title: the paper's.
        method: what is trained, with its preset.
        auxiliary: whether auxiliary grasps, of other objects, teach, too.
        test_pictures: whether presented pictures of the test objects do (S2).
        paper: objects/attempts and class/attempts, training objects and unseen ones.
    """

    name: str
    title: str
    method: str
    paper: tuple[float, float, float, float]
    auxiliary: bool = False
    test_pictures: bool = False


ROWS = (
    # Played by another row's network that has it, told to hold anything: with as many motions and
    # as wide a search as all.
    Row("dorsal", "dorsal only", "hand_eye:small", (0.735, 0.153, 0.731, 0.126), auxiliary=True),
    Row("box", "bounding box", "semantic:box", (0.539, 0.224, 0.597, 0.193)),
    Row("single", "single stream", "semantic:single", (0.267, 0.169, 0.243, 0.153)),
    Row("branches", "two branches", "semantic:branches", (0.503, 0.330, 0.430, 0.233)),
    Row(
        "branches-aux-s1",
        "two branches + aux grasp data + S1",
        "semantic:branches_pictures",
        (0.520, 0.317, 0.497, 0.296),
        auxiliary=True,
    ),
    Row("separated", "separated", "semantic:small", (0.517, 0.318, 0.610, 0.250)),
    Row(
        "separated-aux",
        "separated + aux grasp data",
        "semantic:small",
        (0.625, 0.348, 0.564, 0.305),
        auxiliary=True,
    ),
    Row("attention", "separated + attention", "semantic:attention", (0.486, 0.319, 0.621, 0.321)),
    Row(
        "attention-aux",
        "separated + attention + aux grasp data",
        "semantic:attention",
        (0.511, 0.342, 0.630, 0.354),
        auxiliary=True,
    ),
    Row(
        "attention-aux-s1",
        "separated + attention + aux grasp data + S1",
        "semantic:attention_pictures",
        (0.620, 0.412, 0.669, 0.318),
        auxiliary=True,
    ),
    Row(
        "attention-aux-s2",
        "separated + attention + aux grasp data + S2",
        "semantic:attention",
        (0.640, 0.460, 0.617, 0.390),
        auxiliary=True,
        test_pictures=True,
    ),
)


PROPAGATOR = "classifier"
"""Name of the run whose answers become labels."""
DORSAL, BOX, SINGLE = ROWS[:3]
TWO_STREAMS = ROWS[3:]


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step works on; the preset paper has larger streams."""

    MAY_GROW = ("seeds", "bins")

    sizes: Sizes

    def run(self, row: str, seed: int | None = None) -> Path:
        """Folder of a row's training."""
        return self.folders.run(f"{row}-{self.seed if seed is None else seed}")

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
    def frozen(self) -> dict[str, Any]:
        """Also who rates, and how often a propagated label must be right."""

        objects = {
            f"objects.{name}": catalogue_hash(objects_by_name(name))[:12]
            for name in (SEEN, VALIDATION, NOVEL, ASSORTED)
        }
        return {**super().frozen, "raters": vars(self.raters), "right": RIGHT, **objects}


def collect_single_category(work: Work) -> str:
    """Bins of one category, whose label is known to who filled them."""
    return _collect(work, "single_category", SEEN, work.sizes.single_category, mixture="alike")


def collect_mixed(work: Work) -> str:
    """Bins of everything, and of some things of no category among it."""
    return _collect(work, "mixed", ASSORTED, work.sizes.mixed)


def collect_auxiliary(work: Work) -> str:
    """Other things; those few that are bowls and spoons are named by nobody."""
    return _collect(work, "auxiliary", "train", work.sizes.auxiliary)


def collect_present_images(work: Work) -> str:
    """Test objects, held before the camera; only those pictures are learned from, and by the row
    with S2 alone."""
    return _collect(work, "present_images", NOVEL, work.sizes.present_images)


def _collect(
    work: Work, name: str, objects: str, attempts: int, *, mixture: Objects = "any"
) -> str:

    sizes = work.sizes
    return steps.collected(
        work.folders,
        CollectJob(
            out=work.folders.data(name),
            attempts=attempts,
            policy=COLLECTOR,
            objects=objects,
            cell="kuka_bin",
            workers=work.workers,
            seed=work.seed,
            attempts_per_scene=sizes.tries,
            after="set_aside",
            options=KukaBinConfig(count=sizes.count, picture_px=sizes.picture_px, mixture=mixture),
        ),
    )


def rate(work: Work) -> str:
    """Part of the mixed attempts, and all pictures of the test objects."""

    mixed = labels.rate(
        work.folders.data("mixed"), work.raters, CATEGORIES, share=max(work.sizes.rated), name=LABEL
    )
    test = labels.rate(
        work.folders.data("present_images"),
        work.raters,
        CATEGORIES,
        share=1.0,
        name=PICTURE_LABEL,
        label_all=True,
    )
    return f"{mixed} mixed and {test} test pictures rated"


def train_classifiers(work: Work) -> str:
    """Of presented pictures: from the rated ones alone, by how many there are, and the one that
    propagates labels, which learns from the bins of one category, too."""
    jobs = [
        replace(
            _job(
                work,
                classifier(share),
                "semantic:presented",
                ["mixed"],
                trunk="dorsal",
                attempts=max(8, round(0.8 * share * work.sizes.mixed)),
            ),
            epochs=work.sizes.epochs
            or round(work.sizes.classifying * (max(work.sizes.rated) / share) ** 0.5),
        )
        for share in work.sizes.rated
    ]
    return steps.train_all(
        work,
        [
            _job(
                work, PROPAGATOR, "semantic:presented", ["single_category", "mixed"], trunk="dorsal"
            ),
            *jobs,
        ],
    )


def classifier(share: float) -> str:
    """Name of the classifier from so many rated attempts."""
    return f"classifier{round(1000 * share):03d}"


def classifiers(work: Work) -> dict[str, str]:
    """Titles of all classifiers, and their names."""
    return {
        **{f"{share:.0%}": classifier(share) for share in work.sizes.rated},
        f"{max(work.sizes.rated):.0%} and bins of one category": PROPAGATOR,
    }


def measure_classifiers(work: Work) -> str:
    """How often they are right: on training instances that nobody rated, and on test instances."""
    *_, (title, last) = classifier_figures(work).items()
    return f"{title}: {_told(last)}"


def _told(found: Mapping[str, Counts]) -> str:
    sums = {label: np.sum(counts, axis=0) for label, counts in found.items()}
    return ", ".join(
        f"{label} {right:.0f} of {of:.0f} right" for label, (right, of, *_) in sums.items()
    )


def classifier_figures(work: Work) -> dict[str, dict[str, Counts]]:
    """By classifier and set of objects, for each scene: right, of how many; of those above the
    threshold likewise."""

    of = {title: resolve(str(work.run(run))).identity for title, run in classifiers(work).items()}
    found: dict[str, dict[str, Counts]] = steps.measured_of(
        work.folders.measured("classifiers"), of, lambda: {"by_scene": _named(work)}
    )["by_scene"]
    return found


def label_threshold(work: Work) -> tuple[float, bool]:
    """Chance of the classifier's answer from which it becomes a label.

    See `labels.confidence_threshold`. It is measured on the rated pictures that chose the
    classifier's best epoch and that it did not learn from.
    """

    run, mixed = work.run(PROPAGATOR), work.folders.data("mixed")

    def measure() -> dict[str, Any]:
        threshold, enough = labels.confidence_threshold(
            labels.check(mixed, run, known=LABEL), RIGHT
        )
        return {"threshold": threshold, "enough": enough}

    found = steps.measured_of(
        work.folders.measured("label_threshold"),
        {"classifier": resolve(str(run)).identity, "right": RIGHT},
        measure,
    )
    return found["threshold"], found["enough"]


def _named(work: Work) -> dict[str, dict[str, Counts]]:

    found: dict[str, dict[str, Counts]] = {}
    threshold, _ = label_threshold(work)
    for label, name, first in (
        ("seen", "mixed", max(work.sizes.rated)),
        ("novel", "present_images", 0.0),
    ):
        with Dataset.open(work.folders.data(name)) as data:
            truth = labels.what_is_held(data, CATEGORIES)
            shown = data.column("has_present") & (np.arange(len(data)) >= round(first * len(data)))
            ids = list(data.ids()[shown])
            for title, run in classifiers(work).items():
                said = [
                    (answer == truth[i], chance >= threshold)
                    for i, (answer, chance) in zip(
                        ids, labels.named(data, ids, work.run(run)), strict=True
                    )
                ]
                rows = [(right, 1, right and believed, believed) for right, believed in said]
                found.setdefault(title, {})[label] = clustered(
                    data.column("scene")[shown], np.reshape(rows, (-1, 4))
                ).tolist()
    return found


def measure_probe(work: Work) -> str:
    """What colour and size alone tell; the test objects' pictures are no one's to learn from here,
    either."""
    return _told(probe_figures(work))


def probe_figures(work: Work) -> dict[str, Counts]:
    """By set of objects, for each scene: right, of how many; and how many of these the classifier
    that propagates labels has right."""

    def measure() -> dict[str, Any]:
        return {
            "by_scene": probe.measure_probe(
                work.folders.data("mixed"),
                work.folders.data("present_images"),
                work.run(PROPAGATOR),
                seed=work.seed,
            )
        }

    of = {"classifier": resolve(str(work.run(PROPAGATOR))).identity}
    found: dict[str, Counts] = steps.measured_of(work.folders.measured("probe"), of, measure)[
        "by_scene"
    ]
    return found


def propagate_labels(work: Work) -> str:
    """The classifier's names for the pictures that nobody rated."""

    threshold, enough = label_threshold(work)
    said = labels.propagate(
        work.folders.data("mixed"),
        work.run(PROPAGATOR),
        known=LABEL,
        name=PROPAGATED_LABEL,
        threshold=threshold,
    )
    return (
        f"{said} labels propagated, from a chance of {threshold:.2f} "
        f"on{'' if enough else f', which is not enough for {RIGHT:.0%} right'}"
    )


def train_dorsal(work: Work) -> str:
    """The dorsal stream, one for all rows that have one of their own, with its eye."""
    return steps.train_all(
        work, [_job(work, DORSAL.name, DORSAL.method, ["single_category", "mixed", "auxiliary"])]
    )


def train_rows(work: Work) -> str:
    """All the others, once, the longest trainings first."""
    return steps.train_all(
        work, [row_job(work, row) for row in (BOX, *reversed(TWO_STREAMS), SINGLE)]
    )


def row_job(work: Work, row: Row, seed: int | None = None) -> TrainJob:
    """The training of a row."""
    data = [
        "single_category",
        "mixed",
        *(["auxiliary"] if row.auxiliary else []),
        *(["present_images"] if row.test_pictures else []),
    ]
    return _job(work, row.name, work.method(row), data, trunk="dorsal", seed=seed)


def _job(
    work: Work,
    name: str,
    method: str,
    data: Sequence[str],
    *,
    trunk: str | None = None,
    attempts: int | None = None,
    seed: int | None = None,
) -> TrainJob:

    return TrainJob(
        method=method,
        data=tuple(work.folders.data(d) for d in data),
        out=work.run(name, seed),
        epochs=work.sizes.epochs,
        attempts=attempts,
        trunk=None if trunk is None else str(work.run(trunk)),
        seed=work.seed if seed is None else seed,
        device=work.device,
        threads=1,
    )


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
