"""Trainings: GQ on several seeds, and those on less."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.dexnet.sizes import Work
from selfgrasp.rollout.jobs import TrainJob


def train_gq(work: Work) -> str:
    """GQ, on every seed."""
    return steps.train_all(
        work,
        [
            _job(work, work.gq(seed), "candidates", work.sizes.steps, seed=seed)
            for seed in work.seeds
        ],
    )


def train_few(work: Work) -> str:
    """GQ-S and GQ-Adv."""
    few = work.sizes.few_steps
    return steps.train_all(
        work,
        [
            _job(work, "gq-s", "candidates-few", few),
            _job(work, "gq-adv", "candidates-adversarial", few),
        ],
    )


def train_physical(work: Work) -> str:
    """GQ-Adv-Phys: from GQ-Adv on, what came of physical tries."""
    return steps.train_all(
        work,
        [
            _job(
                work,
                "gq-adv-phys",
                "tried",
                max(1, work.sizes.few_steps // 8),
                preset=physical_preset(work.preset),
                start="gq-adv",
            )
        ],
    )


def physical_preset(preset: str) -> str:
    """That of the network of `preset`, with the outputs that physical tries have labels for."""
    return "physical" if preset == "small" else f"{preset}_physical"


def _job(
    work: Work,
    name: str,
    data: str,
    count: int,
    *,
    preset: str = "",
    start: str = "",
    seed: int | None = None,
) -> TrainJob:
    return TrainJob(
        method=f"dexnet:{preset or work.preset}",
        data=(work.folders.data(data),),
        out=work.folders.run(name),
        start=str(work.folders.run(start)) if start else None,
        steps=count,
        seed=work.seed if seed is None else seed,
        device=work.device,
        threads=1,
    )
