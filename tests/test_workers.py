"""Workers of scenes: made once a process, and results in the tasks' order."""

import os
import time
from typing import Any

import pytest

from selfgrasp.core import InputError
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.workers import Worker, WorkerConfig, play_all
from selfgrasp.workcell.cells.tabletop import TabletopConfig

CONFIG = WorkerConfig("tabletop", TabletopConfig(), "train", resolve("random"))


def counted(config: WorkerConfig) -> Worker:
    """A worker without a simulation: its cell is a list of the tasks that it has seen."""
    return Worker([], config.policy.name)  # type: ignore[arg-type]


def broken(config: WorkerConfig) -> Worker:
    raise InputError(given="a cell", wanted="another one")


def seen(cell: Any, policy: Any, task: int) -> tuple[int, int, int, str]:
    time.sleep(0.05 if task % 2 else 0.0)
    cell.append(task)
    return task, os.getpid(), len(cell), policy


def test_results_come_in_order_from_workers_that_are_made_once() -> None:
    found = list(play_all(seen, range(8), CONFIG, workers=2, make=counted))
    assert [task for task, *_ in found] == list(range(8))
    for process in {process for _, process, *_ in found}:
        counts = [count for _, of, count, _ in found if of == process]
        assert counts == list(range(1, len(counts) + 1))
    assert {policy for *_, policy in found} == {"random"}


def test_what_goes_wrong_with_a_worker_is_said_where_results_are_asked_for() -> None:
    with pytest.raises(InputError, match="given: a cell; wanted: another one"):
        list(play_all(seen, range(3), CONFIG, workers=1, make=broken))
