"""A protocol that is played in a cell, and the rows of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.parts import Table
from selfgrasp.core import Policy
from selfgrasp.protocols.metric import Metric
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.play import Episode, Task
from selfgrasp.workcell.workcell import Workcell


@dataclass(frozen=True)
class Row:
    """A line of `report.json`; rates are fractions."""

    policy: str
    objects: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    paper: float | None = None
    privileged: tuple[str, ...] = ()

    @staticmethod
    def of(
        estimate: Estimate,
        *,
        policy: str,
        objects: str,
        metric: str,
        paper: float | None = None,
        privileged: Sequence[str] = (),
    ) -> Row:
        """A row from an estimate."""
        return Row(
            policy,
            objects,
            metric,
            estimate.value,
            estimate.low,
            estimate.high,
            estimate.n,
            paper,
            tuple(privileged),
        )


@dataclass(frozen=True)
class PlayedProtocol:
    """A protocol that is played in a cell.

    Attributes:
        name: as in the command line.
        config: options of the cell it is played in.
        trials: how many scenes make a full run; of each arrangement, where there are such.
        play: plays one scene; a function of a module, so that workers find it.
        metrics: estimates by metric from the episodes of one policy; one that needs truth is absent
            where there is none, as on a real robot.
        paired_metric: on which two policies are compared, scene by scene.
        per_scene: its value in one scene.
        cell: the cell it is played in, unless another is asked for.
        objects: likewise; seen, novel, validation, or another name.
        sets: what those names mean, where it is not the usual sets.
        arranged: whether its scenes begin with arrangements, by turns.
        table: of a policy, from its label and its episodes, for the report.
    """

    name: str
    config: CellConfig
    trials: int
    play: Callable[[Workcell, Policy, Task], Episode]
    metrics: Callable[[Sequence[Episode]], Mapping[Metric, Estimate]]
    paired_metric: Metric
    per_scene: Callable[[Episode], float]
    cell: str = "tabletop"
    objects: str = "novel"
    sets: Mapping[str, str] = field(default_factory=dict)
    arranged: bool = False
    table: Callable[[str, Sequence[Episode]], Table] | None = None
