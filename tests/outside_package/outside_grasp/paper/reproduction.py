"""`selfgrasp reproduce poke`: collect and train, play, and a table beside the paper's figures.

Objects, noise and heuristic are frozen before the first step and the report is written after the
last one, without a word here.
"""

from dataclasses import dataclass, replace

from selfgrasp.common.parts import Table
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import reproduction, steps
from selfgrasp.papers.reproduction import Report, Reproduction, Step
from selfgrasp.rollout.jobs import CollectJob, TrainJob


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `seeds` has to be among it."""

    attempts: int = 2000
    trials: int = 50
    seeds: int = 1


@dataclass(frozen=True)
class Work(reproduction.Work):
    """What every step is given: folders, sizes, workers, seed."""

    sizes: Sizes

    @property
    def bench(self) -> BenchJob:
        """What is measured."""
        return BenchJob(
            protocol="isolated",
            policy=("random", str(self.folders.run("first"))),
            trials=self.sizes.trials,
            seed=self.seed,
        )


def learn(work: Work) -> str:
    """Collect and train; what is done already is skipped."""
    data = work.folders.data("heuristic")
    job = CollectJob(
        out=data,
        attempts=work.sizes.attempts,
        policy="heuristic",
        attempts_per_scene=4,
        workers=work.workers,
        seed=work.seed,
    )
    steps.collected(work.folders, job)
    job = TrainJob("poke:small", (data,), work.folders.run("first"), epochs=1, threads=1)
    return steps.train_all(work, [job])


def play(work: Work) -> str:
    """Measure, and return what is printed of it."""
    return steps.played(work.bench, out=work.folders.root / "bench", workers=work.workers)


def report(work: Work) -> Report:
    """Rows and tables of report.json and report.html."""
    rows = steps.measured(work.folders.root / "bench")["rows"]
    table = Table(
        title="Ours beside theirs",
        columns=["policy", "success", "paper: success"],
        rows=[
            [row["policy"], row["value"], row["paper"]]
            for row in rows
            if row["metric"] == "success"
        ],
    )
    return Report(cell="tabletop", attempts=work.sizes.attempts, rows=rows, tables=[table])


REPRODUCTION = Reproduction(
    paper="A paper from outside",
    presets={"small": Sizes},
    quick=lambda: Sizes(attempts=24, trials=1),
    scaled=lambda sizes, attempts: replace(sizes, attempts=attempts),
    with_trials=lambda sizes, trials: replace(sizes, trials=trials),
    work=Work,
    steps=lambda work: (Step("learn", learn), Step("play", play)),
    report=report,
)
