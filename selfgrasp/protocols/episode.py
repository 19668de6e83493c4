"""What playing a protocol's scene gives, and the rows of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.parts import Table
from selfgrasp.core import Policy
from selfgrasp.protocols.metric import Metric
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.simulated import SimCell


@dataclass(frozen=True)
class Episode:
    """One scene played by one policy.

    Attributes:
        seed: of the scene.
        attempts: how many were made.
        judged: successes by what the robot senses.
        true: successes by the simulator's truth.
        doubles: lifts of more than one object.
        disagreements: attempts on which judge and truth differ.
        cleared: whether nothing was left; True where the protocol does not ask for it.
        seconds: robot time, simulated.
        plan_seconds: time spent planning.
        held: names of the objects lifted, in order; privileged.
        outcomes: whether each attempt held something, as the robot senses it.
        replaced: the same of attempts after which the thing was put back, where the protocol has
            such.
        asked: what each attempt was to fetch, where the protocol commands.
        lifted: the categories of what each attempt lifted, where the protocol commands; privileged.
    """

    seed: int
    attempts: int
    judged: int
    true: int
    doubles: int
    disagreements: int
    cleared: bool
    seconds: float
    plan_seconds: float
    held: tuple[str, ...] = ()
    outcomes: tuple[bool, ...] = ()
    replaced: tuple[bool, ...] = ()
    asked: tuple[str, ...] = ()
    lifted: tuple[tuple[str, ...], ...] = ()


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
        trials: how many scenes make a full run.
        play: plays one scene; a function of a module, so that workers find it.
        metrics: estimates by metric from the episodes of one policy.
        paired_metric: on which two policies are compared, scene by scene.
        per_scene: its value in one scene.
        cell: the cell it is played in, unless another is asked for.
        objects: likewise; seen, novel, validation, or another name.
        sets: what those names mean, where it is not the usual sets.
        table: of a policy, from its label and its episodes, for the report.
    """

    name: str
    config: CellConfig
    trials: int
    play: Callable[[SimCell, Policy, int], Episode]
    metrics: Callable[[Sequence[Episode]], Mapping[Metric, Estimate]]
    paired_metric: Metric
    per_scene: Callable[[Episode], float]
    cell: str = "tabletop"
    objects: str = "novel"
    sets: Mapping[str, str] = field(default_factory=dict)
    table: Callable[[str, Sequence[Episode]], Table] | None = None
