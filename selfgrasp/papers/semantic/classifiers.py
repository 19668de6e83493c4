"""Labels: raters, classifiers of presented pictures and how often these are right, and the labels
that are propagated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from selfgrasp.common.intervals import clustered
from selfgrasp.dataset import Dataset
from selfgrasp.methods.semantic.config import CATEGORIES
from selfgrasp.methods.semantic.examples import LABEL, PICTURE_LABEL, PROPAGATED_LABEL
from selfgrasp.methods.semantic.propagation import confidence_threshold
from selfgrasp.papers import steps
from selfgrasp.papers.semantic import labels, probe
from selfgrasp.papers.semantic.rows import PROPAGATOR
from selfgrasp.papers.semantic.sizes import RIGHT, Work
from selfgrasp.papers.semantic.train import classifier
from selfgrasp.rollout.policies import resolve

Counts = list[list[float]]
"""For each scene: how many were right, of how many; perhaps more."""


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
    """By set of objects how many were right; of no pictures 0 of 0."""
    sums = {
        label: (sum(row[0] for row in counts), sum(row[1] for row in counts))
        for label, counts in found.items()
    }
    return ", ".join(
        f"{label} {right:.0f} of {of:.0f} right" for label, (right, of) in sums.items()
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

    def measure() -> dict[str, object]:
        threshold, enough = confidence_threshold(labels.check(mixed, run, known=LABEL), RIGHT)
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

    def measure() -> dict[str, object]:
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
