"""Training, by amount of random motions and by round."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.hand_eye.collect import collect_round
from selfgrasp.papers.hand_eye.sizes import Work
from selfgrasp.rollout.jobs import TrainJob


def train_random(work: Work) -> str:
    """The network that has seen random motions, and those that have seen fewer."""
    jobs = [_job(work, work.trained(0, work.seed), rounds=0, seed=work.seed)]
    jobs += [
        _job(
            work,
            f"random{n}-{work.seed}",
            rounds=0,
            seed=work.seed,
            attempts=max(1, round(0.8 * n)),
        )
        for n in work.sizes.amounts
    ]
    return steps.train_all(work, jobs)


def run_round(work: Work, number: int) -> str:
    """One round: the network of the one before servoes, exploring, and a new one learns from
    everything."""
    run = work.folders.run(work.trained(number - 1, work.seed))
    said = collect_round(work, number, f"{run}+explore{work.sizes.rounds[number - 1]}")
    seeds = work.seeds if number == len(work.sizes.rounds) else [work.seed]
    jobs = [_job(work, work.trained(number, seed), rounds=number, seed=seed) for seed in seeds]
    return f"{said}; {steps.train_all(work, jobs)}"


def _job(work: Work, name: str, *, rounds: int, seed: int, attempts: int | None = None) -> TrainJob:

    epochs = work.sizes.epochs if rounds == len(work.sizes.rounds) else work.sizes.growing_epochs
    return TrainJob(
        method=f"hand_eye:{work.preset}",
        data=tuple(work.data(rounds)),
        out=work.folders.run(name),
        epochs=epochs,
        attempts=attempts,
        seed=seed,
        device=work.device,
        threads=1,
    )
