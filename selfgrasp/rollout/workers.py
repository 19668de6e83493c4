"""Worker processes that play scenes, handed out in order; each has a cell and a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

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

_worker: tuple[SimCell, Policy] | Exception | None = None


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


def play_all(
    play: Callable[[SimCell, Policy, Task], Result],
    tasks: Iterable[Task],
    config: WorkerConfig,
    *,
    workers: int,
) -> Iterator[Result]:
    """Results of `play(cell, policy, task)`, in the tasks' order, whichever worker played them.

    `play` must be a function of a module. Few tasks are in flight at a time, so memory stays flat
    and an endless `tasks` is fine.

    Raises:
        SelfgraspError: a worker died.
    """
    with processes(workers, begin=_begin, args=(config,)) as pool:
        yield from imap_ordered(pool, partial(_play, play), tasks, most=3 * workers)


def _begin(config: WorkerConfig) -> None:
    global _worker

    limit_threads()

    # An exception in an initialiser would only say that the pool broke; kept, it is raised where
    # the first result is asked for.
    try:
        cell = make_cell(config.cell, objects_named(config.objects), config.config)
        _worker = (cell, load_policy(config.policy, cell))
    except Exception as error:
        _worker = error


def _play(play: Callable[[SimCell, Policy, Any], Any], task: Any) -> Any:
    if isinstance(_worker, Exception):
        raise _worker
    assert _worker is not None
    return play(*_worker, task)
