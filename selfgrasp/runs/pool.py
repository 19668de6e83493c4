"""Worker processes; those that play scenes, handed out in order, have a cell and a policy of their
own."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from selfgrasp.core import InputError, Policy, SelfgraspError, Session
from selfgrasp.core.ahead import ahead
from selfgrasp.workcell.cells import CellConfig, SimCell, make_cell

if TYPE_CHECKING:
    from selfgrasp.workcell.sim.objects.model import ObjectModel

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_worker: tuple[SimCell, Policy] | Exception | None = None


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker builds for itself: names only, so that it travels cheaply.

    Attributes:
        cell: name of the cell.
        config: its options.
        objects: name of an object set, or a folder of meshes.
        policy: name, run folder or checkpoint.
    """

    cell: str
    config: CellConfig
    objects: str
    policy: str


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
        yield from ahead(pool, partial(_play, play), tasks, most=3 * workers)


@contextmanager
def processes(
    count: int,
    *,
    begin: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
    at_once: bool = False,
) -> Iterator[ProcessPoolExecutor]:
    """A pool of new processes on one thread each. Ctrl-C is this one's to answer.

    Args:
        count: of processes.
        begin: a function of a module that each calls first.
        args: of `begin`.
        at_once: where the block does not end by itself, kill what runs, whose results must be
            small; else what runs ends, and what waits never begins.

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
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(begin, args),
    )
    try:
        yield pool
        at_once = False
    except BrokenProcessPool as error:
        raise SelfgraspError(
            "a worker process died (out of memory, or killed); what was acknowledged is safe: "
            "run the same command again"
        ) from error
    finally:
        # A pool does not survive a process that died while it sent a result of more than a pipe
        # holds, nor both a dead process and cancelled futures.
        if not at_once:
            pool.shutdown(cancel_futures=True)
        # Among them one whose start was interrupted, which the pool does not know and would be
        # waited for when the program ends.
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(wait=False)
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _begin_worker(begin: Callable[..., None] | None, args: tuple[Any, ...]) -> None:
    """In a new process, which also ends when its parent is gone, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    import cv2

    cv2.setNumThreads(1)
    if begin is not None:
        begin(*args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _begin(config: WorkerConfig) -> None:
    global _worker
    from selfgrasp.runs.policies import load_policy
    from selfgrasp.workcell.sim.gl import limit_threads

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


def objects_of(session: Session, given: str | None = None) -> tuple[str, tuple[ObjectModel, ...]]:
    """Name and models of what a session's scenes drew from: `given`, or the set that it names.
    Where it only says that it was a folder, as of many sets, its hash tells which.

    Raises:
        InputError: none of them has the hash of the collection.
    """
    from selfgrasp.workcell.sim.objects.catalogue import SET_NAMES, catalogue_hash

    kind, _, wanted = session.objects.partition(":")
    names = (
        (given,) if given is not None else (kind,) if kind in SET_NAMES else (*SET_NAMES, "mixed")
    )
    for name in names:
        found = objects_named(name)
        if catalogue_hash(found)[:12] == wanted:
            return name, found
    if len(names) > 1:
        raise InputError(
            given="attempts on objects of a folder", wanted="that folder's name, see --objects"
        )
    raise InputError(
        given=f"objects {names[0]} as they are now",
        wanted=f"those of the collection, {session.objects}",
    )


def objects_named(name: str) -> tuple[ObjectModel, ...]:
    """Objects of a set ("seen" and "novel" are the training and test sets, "mixed" half of each) or
    of a folder of meshes.

    Of a folder, "FOLDER#train" and "FOLDER#test" are two thirds and the remaining third, parted by
    a hash of the names; fewer than six are not parted.

    Raises:
        InputError: no such set, folder or part.
    """
    from selfgrasp.workcell.sim.objects.catalogue import (
        objects_by_name,
        test_objects,
        train_objects,
    )

    if name == "mixed":
        novel = test_objects()
        return (*train_objects(len(novel)), *novel)
    folder, _, part = name.partition("#")
    if part not in ("", "train", "test"):
        raise InputError(
            given=f"the part {part!r} of {folder}", wanted="train (two thirds) or test (one third)"
        )
    found = objects_by_name({"seen": "train", "novel": "test"}.get(folder, folder))
    if not part or len(found) < 6:
        return found
    order = sorted(found, key=lambda item: hashlib.sha256(item.name.encode()).digest())
    third = len(order) // 3
    return tuple(order[third:] if part == "train" else order[:third])
