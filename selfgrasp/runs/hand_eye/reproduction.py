"""Levine et al. 2016, step by step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from selfgrasp.runs.hand_eye import report, robot, work
from selfgrasp.runs.hand_eye.work import Sizes, Work, quick, scaled
from selfgrasp.runs.reproduce import Args
from selfgrasp.runs.steps import Folders, Step

PAPER = "Levine et al., Learning hand-eye coordination for robotic grasping, IJRR 2016"
parts = report.parts


def work_of(args: Args) -> Work:
    """Sizes and folders for these arguments."""
    sizes = quick() if args.quick else Sizes()
    sizes = sizes if args.attempts is None else scaled(sizes, args.attempts)
    sizes = sizes if args.seeds is None else replace(sizes, seeds=args.seeds)
    sizes = sizes if args.trials is None else replace(sizes, bins=args.trials)
    return Work(Folders(args.out), sizes, args.preset, args.workers, args.seed, args.device)


def steps_of(made: Work) -> tuple[Step, ...]:
    """In order."""
    return (
        Step("collect random motions", work.collect_random),
        Step("collect with the drop test", work.collect_doubted),
        Step("train on them, by amount", work.train_random),
        *(
            Step(f"round {number}: servo, up to {motions} motions, and learn from all", partial(work.run_round, number=number))
            for number, motions in enumerate(made.sizes.rounds, start=1)
        ),
        Step("deplete bins of validation objects, by attempts and rounds", robot.play_validation),
        *(Step(f"deplete, {condition.title}", partial(robot.play, condition=condition)) for condition in robot.conditions(made)),
    )
