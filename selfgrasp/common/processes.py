"""A pool of worker processes that end with their parent, on one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import cv2

from selfgrasp.common.interrupts import interrupts_held
from selfgrasp.core.errors import WORKER_DIED, SelfgraspError

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PRELOADED = ("cv2", "scipy.spatial", "scipy.stats", "torch")
"""Libraries that the fork server imports once for all workers: most of the seconds that a worker
takes to begin. Nothing that opens a display or starts threads, which no fork keeps."""
_GRACE_SECONDS = 0.5
"""For workers that are ended to remove half-written files, and to save a training."""
_ENDED = 128 + signal.SIGTERM
_FORKS = sys.platform == "linux"
"""Whether forks are safe here."""

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


@contextmanager
def processes(
    count: int, *, begin: Callable[..., None] | None = None, args: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes on one thread each. Ctrl-C is this one's to answer.

    Where the block does not end by itself (an error, Ctrl-C, a generator that is closed), what the
    workers do is thrown away: they are asked to end, and killed half a second later, or at once by
    another Ctrl-C.

    Args:
        count: of processes.
        begin: a function of a module that each calls first.
        args: of `begin`.

    Raises:
        SelfgraspError: one of them died.
    """
    kept = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    others = set(multiprocessing.active_children())
    _start_tracker()
    # Read by the children's numerical libraries when they are loaded: more threads than cores only
    # get in each other's way.
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    pool = _Pool(
        count,
        mp_context=_start_method(),
        initializer=_begin_worker,
        initargs=(dict(os.environ), begin, args),
    )
    results: Any = pool._result_queue
    finished = False
    try:
        try:
            yield pool
            finished = True
        except BrokenProcessPool as error:
            raise SelfgraspError(WORKER_DIED) from error
        finally:
            if finished:
                pool.shutdown()
    finally:
        try:
            # Among them one whose start was interrupted, which the pool does not know and would be
            # waited for when the program ends.
            _end(set(multiprocessing.active_children()) - others)
        finally:
            # The pool's thread may wait for the rest of a message from a process that was killed.
            # With this end closed, nobody is left who could write it.
            results._writer.close()
            manager: Any = pool._executor_manager_thread
            pool.shutdown(wait=False, cancel_futures=True)
            # A program that ends meanwhile would write to a pipe that the thread is closing.
            if manager is not None:
                manager.join(_GRACE_SECONDS)
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _end(children: Collection[BaseProcess]) -> None:
    """End these processes: gently for a moment, then by force."""
    try:
        for child in children:
            child.terminate()
        until = time.monotonic() + _GRACE_SECONDS
        for child in children:
            child.join(max(0.0, until - time.monotonic()))
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.join(_GRACE_SECONDS)


class _Pool(ProcessPoolExecutor):
    """Whose processes begin when the first tasks are given to it, unseen by Ctrl-C."""

    def submit(
        self, work: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        """As `ProcessPoolExecutor` has it."""
        try:
            with interrupts_held(), _interrupts_blocked():
                return super().submit(partial(_run, work), *args, **kwargs)
        except (EOFError, ConnectionError) as error:
            # What a new process was waited for in, as the fork server, is gone.
            raise BrokenProcessPool("a process could not begin") from error


@dataclass
class _Worker:
    """In a worker: what it is doing.

    Attributes:
        works: a task, whose `finally` blocks run when the process is asked to end.
        asked: it was asked to.
    """

    works: bool = False
    asked: bool = False

    def end(self, number: int, frame: FrameType | None) -> None:
        """End the process: at once, if it does no task."""
        self.asked = True
        if not self.works:
            os._exit(_ENDED)
        raise SystemExit(_ENDED)


_WORKER = _Worker()


def _run(work: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
    """In a worker: the task."""
    _WORKER.works = True
    try:
        return work(*args, **kwargs)
    except BaseException as error:
        # Otherwise the pool sends it as the task's result and goes on. Libraries in C make other
        # errors of it.
        if _WORKER.asked or isinstance(error, (SystemExit, KeyboardInterrupt)):
            os._exit(_ENDED)
        raise
    finally:
        _WORKER.works = False


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """What is started in the block has Ctrl-C blocked: before its own handlers are set it would
    end with a traceback. That is the fork server, where there is one: its processes inherit it,
    and Ctrl-C is not blocked while it loads its libraries."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if _FORKS:
            forkserver.ensure_running()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_tracker() -> None:
    """Start the process that removes semaphores after those that were killed, without its warning
    that it had to."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (before, "ignore:resource_tracker")))
    try:
        resource_tracker.ensure_running()
    finally:
        os.environ.pop("PYTHONWARNINGS")
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before


def _start_method() -> BaseContext:
    """A fork server where forks are safe, new interpreters elsewhere."""
    if not _FORKS:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_PRELOADED])
    return context


def _begin_worker(
    environment: Mapping[str, str], begin: Callable[..., None] | None, args: tuple[Any, ...]
) -> None:
    """In a new process, which also ends when its parent is gone, however that ended."""
    # The fork server has the environment of when it began.
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _WORKER.end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()

    cv2.setNumThreads(1)
    if begin is not None:
        begin(*args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
