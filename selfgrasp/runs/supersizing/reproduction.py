"""Pinto & Gupta 2016, step by step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from selfgrasp.runs.reproduce import Args
from selfgrasp.runs.steps import Step
from selfgrasp.runs.supersizing import learning, prediction, repeats, report, robot
from selfgrasp.runs.supersizing.learning import Work
from selfgrasp.runs.supersizing.sizes import Layout, Sizes, quick, scaled

PAPER = "Pinto & Gupta, Supersizing self-supervision, ICRA 2016"
parts = report.parts


def work_of(args: Args) -> Work:
    """Sizes and folders for these arguments."""
    sizes = quick() if args.quick else Sizes()
    sizes = sizes if args.attempts is None else scaled(sizes, args.attempts)
    sizes = sizes if args.seeds is None else replace(sizes, seeds=args.seeds)
    sizes = sizes if args.trials is None else replace(sizes, trials=args.trials, clear=max(1, round(args.trials / 5)))
    return Work(Layout(args.out), sizes, args.preset, args.workers, args.seed, args.device)


def steps_of(work: Work) -> tuple[Step, ...]:
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
        *(Step(f"play {test.name}", partial(robot.play, test=test)) for test in robot.robot_tests(work)),
        Step("collect failures", robot.collect_failures),
        Step("draw", report.draw_pictures),
    )
