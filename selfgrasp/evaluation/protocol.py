"""A protocol is something that measures a job. It is played in a cell or reads a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from selfgrasp.common.intervals import Estimate
from selfgrasp.core import InputError, PolicyRef
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.policies import resolve_all
from selfgrasp.evaluation.watch import WatchedScene
from selfgrasp.protocols.embedding_shown import Shown
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.metric import Metric
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.registry import cell_kind


class Published(Interface):
    """Looks up what a paper says of its own method."""

    def __call__(
        self, *, method: str, variant: str, protocol: str, metric: str, objects: str
    ) -> float | None:
        """The published figure; None where there is none.

        Args:
            method: name in the registry.
            variant: of the policy; empty for the usual one.
            protocol: name.
            metric: name in report.json.
            objects: label of the set of objects: seen, novel, mixed, validation or a folder's name.
        """
        ...


def nothing_published(
    *, method: str, variant: str, protocol: str, metric: str, objects: str
) -> float | None:
    """For benchmarks without a paper."""
    return None


@dataclass(frozen=True)
class Measurement:
    """A job being measured.

    Attributes:
        job: what to measure.
        policies: those of the job, in its order.
        out: folder for what is kept until the report is written.
        workers: processes.
        published: what papers say.
        watch: is handed the attempts of the first scenes of each policy, and later failures.
        show: is handed pictures of what an embedding found.
    """

    job: BenchJob
    policies: Sequence[PolicyRef]
    out: Path
    workers: int
    published: Published = nothing_published
    watch: Callable[[WatchedScene], None] | None = None
    show: Callable[[Shown], None] | None = None

    def row(self, estimate: Estimate, policy: PolicyRef, objects: str, metric: Metric) -> Row:
        """A row of the report, with the published figure beside it."""
        paper = None
        if policy.learned:
            paper = self.published(
                method=policy.name,
                variant=policy.variant,
                protocol=self.job.protocol,
                metric=metric.name,
                objects=objects,
            )
        return Row.of(
            estimate,
            policy=policy.label,
            objects=objects,
            metric=metric.name,
            paper=paper,
            privileged=policy.privileged,
        )


@dataclass(frozen=True)
class Protocol:
    """A benchmark; `played.played` makes those that are played.

    Attributes:
        name: as on the command line.
        cell: the cell it is played in, or whose attempts it reads, unless another is asked for.
        config: options of that cell that hold where none are given; None leaves the cell's own.
        measure: rows, intervals and whatever else the report shows.
        arranged: whether scenes begin with arrangements.
        resolve: finds what `--policy` names, and refuses what cannot be measured so.
    """

    name: str
    cell: str
    config: CellConfig | None
    measure: Callable[[Measurement], Measured]
    arranged: bool = False
    resolve: Callable[[Sequence[str]], tuple[PolicyRef, ...]] = resolve_all

    def cell_name(self, job: BenchJob) -> str:
        """The cell that was asked for, or the protocol's."""
        return self.cell if job.cell is None else job.cell

    def options(self, job: BenchJob) -> CellConfig:
        """The cell's options: those given, then the protocol's, then the cell's own.

        Raises:
            InputError: an unknown cell, an option that it does not have, or arrangements for a
                protocol that begins otherwise.
        """
        given = {**job.options, **self._folders(job)}
        options: CellConfig = cell_kind(self.cell_name(job)).options(given, base=self.config)
        return options

    def _folders(self, job: BenchJob) -> dict[str, str]:
        """The options of the cell that `--cases` and `--meshes` stand for."""
        every = {"cases": job.cases, "meshes": job.meshes}
        folders = {name: str(path) for name, path in every.items() if path is not None}
        if folders and not self.arranged:
            said = " ".join(f"--{name} {path}" for name, path in folders.items())
            raise InputError(
                given=f"{said} for {self.name}",
                wanted="a protocol whose scenes begin with arrangements, as bench arrangements",
            )
        if "meshes" in folders and not (job.cases or job.options.get("cases")):
            raise InputError(
                given=f"--meshes {job.meshes} without --cases",
                wanted="--cases beside it, a folder of arrangements that name these meshes",
            )
        return folders
