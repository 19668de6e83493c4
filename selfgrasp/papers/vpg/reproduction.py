"""Zeng et al. 2018, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.reproduction import Reproduction, Step
from selfgrasp.papers.vpg import evaluate, report
from selfgrasp.papers.vpg.learn import learn
from selfgrasp.papers.vpg.sizes import Sizes, Training, Work, quick, scaled, with_trials


def steps_of(work: Work) -> tuple[Step[Work], ...]:
    """In order; each ends within two hours on two cores."""
    return (
        *(
            Step(f"learn: {name}", partial(_learn, training=one))
            for name, one in work.trainings.items()
        ),
        *(
            Step(f"clear: {one.title}", partial(evaluate.play, table=one))
            for one in evaluate.tables(work)
        ),
    )


def _learn(work: Work, training: Training) -> str:
    return learn(work, training)


REPRODUCTION = Reproduction(
    paper="Zeng et al., Learning synergies between pushing and grasping, IROS 2018",
    presets={"small": Sizes},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
"""Of the paper."""
