"""Jang et al. 2017, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.reproduction import Reproduction, Step
from selfgrasp.papers.semantic import classifiers, collect, evaluate, not_found, report, train
from selfgrasp.papers.semantic.sizes import Sizes, Work, paper, quick, scaled, with_trials


def steps_of(_: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("collect from bins of one category", collect.collect_single_category),
        Step("collect from bins of everything", collect.collect_mixed),
        Step("collect auxiliary grasps, of other objects", collect.collect_auxiliary),
        Step("hold test objects before the camera", collect.collect_present_images),
        Step("train the dorsal stream", train.train_dorsal),
        Step("rate pictures", classifiers.rate),
        Step("train classifiers of presented pictures, by amount", train.train_classifiers),
        Step("measure how often they are right", classifiers.measure_classifiers),
        Step("a probe of colour and size", classifiers.measure_probe),
        Step("propagate labels", classifiers.propagate_labels),
        Step("train all rows", train.train_rows),
        Step("fetch validation instances, which chooses the best rows", evaluate.play_candidates),
        Step("fetch training instances", partial(evaluate.play_rows, label="seen")),
        Step("fetch unseen instances", partial(evaluate.play_rows, label="novel")),
        Step("when to say that something is not there", not_found.measure_found),
        Step("the best row, to be shipped", not_found.ship),
        Step(
            "train the best three rows, and what they are compared with, on more seeds",
            evaluate.train_further,
        ),
        Step("fetch with these", evaluate.play_further),
    )


REPRODUCTION = Reproduction(
    paper="Jang et al., End-to-end learning of semantic grasping, CoRL 2017",
    presets={"small": Sizes, "paper": paper},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
