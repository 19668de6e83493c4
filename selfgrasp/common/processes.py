"""A pool of worker processes that end with their parent, on one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

import cv2

from selfgrasp.core import SelfgraspError

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PRELOADED = ("cv2", "scipy.spatial", "scipy.stats", "torch")
"""Libraries that the fork server imports once for all workers: most of the seconds that a worker
takes to begin. Nothing that opens a display or starts threads, which no fork keeps."""


@contextmanager
def processes(
    count: int,
    *,
    begin: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
    kill_on_error: bool = False,
) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes on one thread each. Ctrl-C is this one's to answer.

    Args:
        count: of processes.
        begin: a function of a module that each calls first.
        args: of `begin`.
        kill_on_error: when the block raises, kill the running tasks, whose results must be small;
            otherwise running tasks finish. Waiting tasks never begin in either case.

    Raises:
        SelfgraspError: one of them died.
    """
    kept, others = (
        {name: os.environ.get(name) for name in _THREAD_LIMITS},
        set(multiprocessing.active_children()),
    )
    # Read by the children's numerical libraries when they are loaded: more threads than cores only
    # get in each other's way.
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    pool = ProcessPoolExecutor(
        count,
        mp_context=_start_method(),
        initializer=_begin_worker,
        initargs=(dict(os.environ), begin, args),
    )
    try:
        yield pool
        kill_on_error = False
    except BrokenProcessPool as error:
        raise SelfgraspError(
            "a worker process died (out of memory, or killed); what was acknowledged is safe: "
            "run the same command again"
        ) from error
    finally:
        # A pool does not survive a process that died while it sent a result of more than a pipe
        # holds, nor both a dead process and cancelled futures.
        if not kill_on_error:
            pool.shutdown(cancel_futures=True)
        # Among them one whose start was interrupted, which the pool does not know and would be
        # waited for when the program ends.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(wait=False)
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _start_method() -> BaseContext:
    """A fork server where forks are safe, new interpreters elsewhere."""
    if sys.platform != "linux":
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
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()

    cv2.setNumThreads(1)
    if begin is not None:
        begin(*args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
