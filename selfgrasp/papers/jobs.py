"""What to reproduce: plain values, so that `--help` comes at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from selfgrasp.core.bounds import Between, Count, Seed, Workers
from selfgrasp.papers.registry import reproductions

_SYSTEM = tyro.conf.arg(help=f"the paper's system: {', '.join(reproductions())}.")


@dataclass(frozen=True)
class ReproduceJob:
    """Do a paper again from nothing: collect, train, measure, and put its figures beside ours.

    Every step skips what is done already: run the same command again to go on after an
    interruption, at any point.

    Attributes:
        system: name of the paper's system.
        out: folder of everything.
        preset: small trains on two cores; paper has the paper's sizes of network, and wants a GPU.
        attempts: of the first and largest collection; all others grow or shrink with it.
        seeds: trainings of everything that is compared.
        trials: scenes a policy of the protocol with the most; the others go with it.
        workers: processes.
        seed: of scenes, choices and the first training.
        device: to train on: auto, cpu, cuda.
        quick: tiny sizes, to see that everything runs; its figures mean nothing.
    """

    system: Annotated[str, tyro.conf.Positional, _SYSTEM]
    out: Path
    preset: Literal["small", "paper"] = "small"
    attempts: Count | None = None
    seeds: Annotated[int, Between(1, 1000)] | None = None
    trials: Annotated[int, Between(1, 10**6)] | None = None
    workers: Workers = 2
    seed: Seed = 0
    device: str = "auto"
    quick: bool = False
