"""Jang et al. 2017, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.reproduction import Reproduction, Step
from selfgrasp.papers.semantic import found, report, robot, work
from selfgrasp.papers.semantic.work import Sizes, Work, paper, quick, scaled, with_trials


def steps_of(_: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("collect from bins of one category", work.collect_single_category),
        Step("collect from bins of everything", work.collect_mixed),
        Step("collect auxiliary grasps, of other objects", work.collect_auxiliary),
        Step("hold test objects before the camera", work.collect_present_images),
        Step("train the dorsal stream", work.train_dorsal),
        Step("rate pictures", work.rate),
        Step("train classifiers of presented pictures, by amount", work.train_classifiers),
        Step("measure how often they are right", work.measure_classifiers),
        Step("a probe of colour and size", work.measure_probe),
        Step("propagate labels", work.propagate_labels),
        Step("train all rows", work.train_rows),
        Step("fetch validation instances, which chooses the best rows", robot.play_candidates),
        Step("fetch training instances", partial(robot.play_rows, label="seen")),
        Step("fetch unseen instances", partial(robot.play_rows, label="novel")),
        Step("when to say that something is not there", found.measure_found),
        Step("the best row, to be shipped", found.ship),
        Step(
            "train the best three rows, and what they are compared with, on more seeds",
            robot.train_further,
        ),
        Step("fetch with these", robot.play_further),
    )


REPRODUCTION = Reproduction(
    paper="Jang et al., End-to-end learning of semantic grasping, CoRL 2017",
    presets={"small": Sizes, "paper": paper},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.parts,
)
