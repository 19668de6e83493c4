"""Jang et al. 2018 (Grasp2Vec), step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.grasp2vec import evaluate, not_found, report
from selfgrasp.papers.grasp2vec.collect import collect, collect_asked
from selfgrasp.papers.grasp2vec.sizes import (
    LIFTS,
    SETS,
    Sizes,
    Work,
    paper,
    quick,
    scaled,
    with_trials,
)
from selfgrasp.papers.grasp2vec.train import (
    FIRST_JUDGE,
    JUDGE,
    train_goals,
    train_growing,
    train_judge,
    train_towers,
)
from selfgrasp.papers.reproduction import Reproduction, Step


def steps_of(work: Work) -> tuple[Step[Work], ...]:
    """In order; each ends within two hours on two cores."""
    return (
        *(
            Step(f"collect lifts of {name}", partial(collect, objects=name))
            for name in (LIFTS, *work.sizes.sets)
        ),
        Step("train who grasps", partial(train_judge, name=FIRST_JUDGE)),
        Step("train towers from triplets", train_towers),
        Step("retrieve and localise", evaluate.measure_embedding),
        Step("when to say that something is not there", not_found.measure_found),
        Step("collect what pictures ask for", collect_asked),
        Step("train who grasps again", partial(train_judge, name=JUDGE)),
        Step("put towers and who grasps together", not_found.put_together),
        Step("train goal-conditioned networks", train_goals),
        Step("put together what is shipped", not_found.ship),
        *(
            Step(f"{name}, {label}", partial(evaluate.play, protocol=name, label=label))
            for name in ("instance", "fetch", "composite")
            for label in SETS
        ),
        Step("train on fewer lifts", train_growing),
        *(
            Step(f"what more attempts bring, {label}", partial(evaluate.play_growing, label=label))
            for label in SETS
        ),
    )


REPRODUCTION = Reproduction(
    paper="Jang et al., Grasp2Vec: learning object representations from self-supervised grasping, "
    "CoRL 2018",
    presets={"small": Sizes, "paper": paper},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
