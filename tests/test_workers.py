"""Workers of scenes: made once a process, and results in the tasks' order."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from selfgrasp.common.files import atomic_write
from selfgrasp.common.interrupts import interrupts_held
from selfgrasp.common.processes import processes
from selfgrasp.core import InputError, SelfgraspError
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


def half_written(folder: Path) -> None:
    with atomic_write(folder / f"{os.getpid()}.html") as partial:
        partial.write_text("half")
        (folder / f"{os.getpid()}.begun").touch()
        time.sleep(60)


def large(size: int) -> bytes:
    return bytes(size)


def interrupt_once(folder: Path, count: int) -> None:
    for _ in range(3000):
        if len(list(folder.glob("*.begun"))) == count:
            raise KeyboardInterrupt
        time.sleep(0.01)


def test_an_interruption_ends_workers_soon_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), processes(2) as pool:  # noqa: PT012
        for _ in range(6):
            pool.submit(half_written, tmp_path)
        interrupt_once(tmp_path, 2)
    ended = time.monotonic()
    assert not multiprocessing.active_children()
    assert {file.suffix for file in tmp_path.iterdir()} == {".begun"}
    assert time.monotonic() - ended < 1


def test_workers_that_are_sending_end_too() -> None:
    with pytest.raises(ValueError, match="enough"), processes(2) as pool:  # noqa: PT012
        sent = [pool.submit(large, 50_000_000) for _ in range(8)]
        sent[0].result()
        raise ValueError("enough")
    assert not multiprocessing.active_children()
    assert [t.name for t in threading.enumerate() if "Executor" in t.name] == []


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_dead_worker_is_said() -> None:
    with pytest.raises(SelfgraspError, match="a worker process died"), processes(1) as pool:
        pool.submit(dies).result()


def test_so_is_what_workers_are_begun_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForkServerProcess, "start", Mock(side_effect=EOFError("unexpected EOF")))
    with pytest.raises(SelfgraspError, match="a worker process died"), processes(1) as pool:
        pool.submit(dies)


def test_an_interruption_waits_while_a_worker_begins() -> None:
    order = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        order.append("after")
    assert order == ["after"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_processes_begin_with_ctrl_c_blocked_and_the_program_goes_on_without() -> None:
    """So that no half-imported library complains of it, and another one ends the program."""
    with processes(1) as pool:
        assert pool.submit(abs, -1).result() == 1
        server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
        status = Path(f"/proc/{server}/status").read_text()
    (blocked,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk"))
    assert int(blocked, 16) >> (signal.SIGINT - 1) & 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_worker_that_is_asked_to_end_ends_whatever_a_library_makes_of_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), processes(1) as pool:  # noqa: PT012
        task = pool.submit(makes_another_error, tmp_path)
        interrupt_once(tmp_path, 1)
    assert not task.done() or task.cancelled() or isinstance(task.exception(), BrokenProcessPool)


def makes_another_error(folder: Path) -> None:
    (folder / "a.begun").touch()
    try:
        time.sleep(60)
    except SystemExit:
        raise ValueError("argument 1: SystemExit: 143") from None
