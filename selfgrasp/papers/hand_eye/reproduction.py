"""Levine et al. 2016, step by step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from selfgrasp.papers.hand_eye import report, robot, work
from selfgrasp.papers.hand_eye.work import Sizes, Work, quick, scaled
from selfgrasp.papers.steps import Folders, Step

PAPER = "Levine et al., Learning hand-eye coordination for robotic grasping, IJRR 2016"
parts = report.parts

__all__ = [
    "PAPER",
    "Folders",
    "Work",
    "parts",
    "quick",
    "scaled",
    "sizes_of",
    "steps_of",
    "with_trials",
]


def sizes_of(_: str) -> Sizes:
    """The same for both presets."""
    return Sizes()


def with_trials(sizes: Sizes, trials: int) -> Sizes:
    """As many as were asked for."""
    return replace(sizes, bins=trials)


def steps_of(made: Work) -> tuple[Step, ...]:
    """In order."""
    return (
        Step("collect random motions", work.collect_random),
        Step("collect with the drop test", work.collect_doubted),
        Step("train on them, by amount", work.train_random),
        *(
            Step(
                f"round {number}: servo, up to {motions} motions, and learn from all",
                partial(work.run_round, number=number),
            )
            for number, motions in enumerate(made.sizes.rounds, start=1)
        ),
        Step("deplete bins of validation objects, by attempts and rounds", robot.play_validation),
        *(
            Step(f"deplete, {condition.title}", partial(robot.play, condition=condition))
            for condition in robot.conditions(made)
        ),
    )
