"""Worker processes that play scenes, handed out in order; each has a cell and a policy."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

from selfgrasp.common.imap import imap_ordered
from selfgrasp.common.processes import processes
from selfgrasp.core import Policy, PolicyRef
from selfgrasp.objects.named import objects_named
from selfgrasp.rollout.policies import load_policy
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.simulated import SimCell, make_cell
from selfgrasp.workcell.sim.gl import limit_threads

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker builds for itself.

    Attributes:
        cell: name of the cell.
        config: its options.
        objects: name of an object set, or a folder of meshes.
        policy: which plays.
    """

    cell: str
    config: CellConfig
    objects: str
    policy: PolicyRef


@dataclass(frozen=True, eq=False)
class Worker:
    """What plays scenes in a process."""

    cell: SimCell
    policy: Policy


def make_worker(config: WorkerConfig) -> Worker:
    """A simulated cell and a policy.

    Raises:
        InputError: no such cell, objects or policy.
    """
    cell = make_cell(config.cell, objects_named(config.objects), config.config)
    return Worker(cell, load_policy(config.policy, cell))


def play_all(
    play: Callable[[SimCell, Policy, Task], Result],
    tasks: Iterable[Task],
    config: WorkerConfig,
    *,
    workers: int,
    make: Callable[[WorkerConfig], Worker] = make_worker,
) -> Generator[Result, None, None]:
    """Results of `play(cell, policy, task)`, in the tasks' order, whichever worker played them.

    Few tasks are in flight at a time, so memory stays flat and an endless `tasks` is fine. Close it
    where not all results are taken.

    Args:
        play: a function of a module, or another value that can be pickled.
        tasks: what to play.
        config: of every worker.
        workers: processes.
        make: makes the worker of a process, once; a function of a module.

    Raises:
        SelfgraspError: a worker died, or what `make` raises.
    """
    with processes(workers, begin=limit_threads) as pool:
        yield from imap_ordered(pool, partial(_play, make, config, play), tasks, most=3 * workers)


@cache
def _made(make: Callable[[WorkerConfig], Worker], config: WorkerConfig) -> Worker:
    """The worker of this process."""
    return make(config)


def _play(
    make: Callable[[WorkerConfig], Worker],
    config: WorkerConfig,
    play: Callable[[SimCell, Policy, Task], Result],
    task: Task,
) -> Result:
    worker = _made(make, config)
    return play(worker.cell, worker.policy, task)
