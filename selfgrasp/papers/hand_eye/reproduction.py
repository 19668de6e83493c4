"""Levine et al. 2016, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.hand_eye import collect, evaluate, report, train
from selfgrasp.papers.hand_eye.sizes import Sizes, Work, quick, scaled, with_trials
from selfgrasp.papers.reproduction import Reproduction, Step


def steps_of(made: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("collect random motions", collect.collect_random),
        Step("collect with the drop test", collect.collect_doubted),
        Step("train on them, by amount", train.train_random),
        *(
            Step(
                f"round {number}: servo, up to {motions} motions, and learn from all",
                partial(train.run_round, number=number),
            )
            for number, motions in enumerate(made.sizes.rounds, start=1)
        ),
        Step(
            "deplete bins of validation objects, by attempts and rounds", evaluate.play_validation
        ),
        *(
            Step(f"deplete, {condition.title}", partial(evaluate.play, condition=condition))
            for condition in evaluate.conditions(made)
        ),
    )


REPRODUCTION = Reproduction(
    paper="Levine et al., Learning hand-eye coordination for robotic grasping, IJRR 2016",
    presets={"small": Sizes, "paper": Sizes},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
