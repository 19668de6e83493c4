"""Pinto & Gupta 2016, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.reproduction import Reproduction, Step
from selfgrasp.papers.supersizing import learning, prediction, repeats, report, robot
from selfgrasp.papers.supersizing.sizes import Sizes, Work, quick, scaled, with_trials


def steps_of(work: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("collect random attempts", learning.collect_random),
        Step("collect test attempts", learning.collect_tests),
        Step("train on random attempts, by amount", learning.train_first),
        Step("collect test attempts that the network draws", learning.collect_chosen),
        Step("stages: collect with the network, learn on", learning.run_stages),
        Step("the same number of attempts at random", learning.run_same_budget),
        Step("ablations", learning.run_ablations),
        Step("repeat grasps from restored states", repeats.measure_repeats),
        Step("score the test attempts", prediction.score_all),
        Step("score the baselines", prediction.score_baselines),
        *(
            Step(f"play {test.name}", partial(robot.play, test=test))
            for test in robot.robot_tests(work)
        ),
        Step("collect failures", robot.collect_failures),
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
    report=report.parts,
)
