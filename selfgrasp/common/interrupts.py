"""What Ctrl-C and a request to end do: to a verb, to work that ends at a good moment, and to work
that must not be cut short."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

STOPPED = 130
_UNWINDING_SECONDS, _HELD_SECONDS = 2.0, 1.0
"""For work to end that was interrupted, and for work that is not to be."""
GOES_ON = "the same command goes on where it stopped"


@dataclass
class Interrupts:
    """Whether there was one in a block, and whether the block has ended."""

    any: bool = False
    over: bool = False

    def watch(self, seconds: float) -> None:
        """End the program where the block goes on for so long: a library may have swallowed the
        `KeyboardInterrupt`. For handlers of signals, which must wait for no lock."""
        _thread.start_new_thread(self._end_late, (seconds,))

    def _end_late(self, seconds: float) -> None:
        time.sleep(seconds)
        if not self.over:
            _end_at_once()


@dataclass
class _Running:
    """The command that is running, for messages."""

    prog: str = "selfgrasp"


_RUNNING = _Running()


@contextmanager
def interruptible(prog: str) -> Iterator[Interrupts]:
    """In the block, Ctrl-C or a request to end (SIGTERM) raises `KeyboardInterrupt`. Another one,
    or two seconds in which the block does not end, end the program and its workers at once.

    Args:
        prog: the command, for the message of the second one.
    """
    seen = Interrupts()
    _RUNNING.prog = prog
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if seen.any:
            _end_at_once()
        seen.any = True
        seen.watch(_UNWINDING_SECONDS)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield seen
    finally:
        seen.over = True
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or request to end sets instead of raising `KeyboardInterrupt`,
    for work that then stops by itself at the next good moment; another one raises. Where the event
    was set, the block ends with a `KeyboardInterrupt`, whatever it raised."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before: dict[int, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before.update({number: signal.signal(number, stop) for number in numbers})
    try:
        yield event
    except Exception as error:
        if not event.is_set():
            raise
        raise KeyboardInterrupt from error
    finally:
        for number in numbers:
            signal.signal(number, before[number])
    if event.is_set():
        raise KeyboardInterrupt


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C and a request to end wait until the block has ended, for a second at most: a block
    that takes longer, and another Ctrl-C, end the program and its workers at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    held = Interrupts()

    def hold(number: int, frame: FrameType | None) -> None:
        if arrived:
            _end_at_once()
        arrived.append((number, frame))
        held.watch(_HELD_SECONDS)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before: dict[int, Any] = {number: signal.signal(number, hold) for number in numbers}
    try:
        yield
    finally:
        held.over = True
        for number, handler in before.items():
            signal.signal(number, handler)
    for number, frame in arrived:
        if callable(before[number]):
            before[number](number, frame)


def kill_children() -> None:
    """Kill this program's processes. The one that forks workers would load its libraries to the
    end, for seconds, with the terminal in its hands."""
    with suppress(Exception):
        if "multiprocessing" in sys.modules:
            for child in sys.modules["multiprocessing"].active_children():
                child.kill()
    with suppress(Exception):
        if "multiprocessing.forkserver" in sys.modules:
            server = sys.modules["multiprocessing.forkserver"]._forkserver._forkserver_pid
            if server is not None:
                os.kill(server, signal.SIGKILL)


def _end_at_once() -> None:
    """What is stored is safe at any moment, and workers end when their parent is gone."""
    kill_children()
    with suppress(Exception):
        # A bar of progress hides it.
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
        os.write(
            sys.stderr.fileno(), f"{cursor}\n{_RUNNING.prog}: ended at once; {GOES_ON}\n".encode()
        )
    os._exit(STOPPED)
