"""Mahler et al. 2017, step by step."""

from __future__ import annotations

from functools import partial

from selfgrasp.papers.dexnet import collect, evaluate, report, train
from selfgrasp.papers.dexnet.sizes import Sizes, Work, paper, quick, scaled, with_trials
from selfgrasp.papers.reproduction import Reproduction, Step


def steps_of(work: Work) -> tuple[Step[Work], ...]:
    """In order."""
    return (
        Step("candidates of the training objects, alone and in heaps", collect.collect_candidates),
        Step("candidates of few, and of the adversarial objects", collect.collect_few),
        Step("physical tries of the adversarial objects", collect.collect_tries),
        Step("train GQ, on every seed", train.train_gq),
        Step("train GQ-S and GQ-Adv", train.train_few),
        Step("train GQ-Adv-Phys", train.train_physical),
        Step("compare networks with labels", evaluate.measure_agreement),
        *(
            Step(f"shake, {one.title}", partial(evaluate.play_shake, condition=one))
            for one in evaluate.conditions(work)
        ),
        *(
            Step(f"heaps of {count}", partial(evaluate.play_heaps, count=count))
            for count in work.sizes.heap_counts
        ),
        Step("try grasps of each class of robust epsilon", evaluate.try_grasps),
    )


REPRODUCTION = Reproduction(
    paper="Mahler et al., Dex-Net 2.0, RSS 2017",
    presets={"small": Sizes, "paper": paper},
    quick=quick,
    scaled=scaled,
    with_trials=with_trials,
    work=Work,
    steps=steps_of,
    report=report.report,
)
