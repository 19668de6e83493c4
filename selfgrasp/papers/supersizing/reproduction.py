"""Pinto & Gupta 2016, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.reproduction import Reproduction, Step
from selfgrasp.papers.supersizing import collect, evaluate, repeats, report, scores, train
from selfgrasp.papers.supersizing.sizes import Sizes, Work, quick, scaled, with_trials


def steps_of(work: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("collect random attempts", collect.collect_random),
        Step("collect test attempts", collect.collect_tests),
        Step("train on random attempts, by amount", train.train_first),
        Step("collect test attempts that the network draws", collect.collect_chosen),
        Step("stages: collect with the network, learn on", train.run_stages),
        Step("the same number of attempts at random", train.run_same_budget),
        Step("ablations", train.run_ablations),
        Step("repeat grasps from restored states", repeats.measure_repeats),
        Step("score the test attempts", scores.score_all),
        Step("score the baselines", scores.score_baselines),
        *(
            Step(f"play {test.name}", partial(evaluate.play, test=test))
            for test in evaluate.robot_tests(work)
        ),
        Step("collect failures", evaluate.collect_failures),
        Step("draw", report.draw_pictures),
    )


REPRODUCTION = Reproduction(
    paper="Pinto & Gupta, Supersizing self-supervision, ICRA 2016",
    presets={"small": Sizes, "paper": Sizes},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
