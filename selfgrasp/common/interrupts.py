"""What Ctrl-C and a request to end do: to a verb, and to work that ends at a good moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

STOPPED = 130
GOES_ON = "the same command goes on where it stopped"


@dataclass
class Interrupts:
    """Whether there was one."""

    any: bool = False


@contextmanager
def interruptible(prog: str) -> Iterator[Interrupts]:
    """In the block, Ctrl-C or a request to end (SIGTERM) raises `KeyboardInterrupt`, and another
    one ends the program and its workers at once.

    Args:
        prog: the command, for the message of the second one.
    """
    seen = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if seen.any:
            _end_at_once(prog)
        seen.any = True
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield seen
    finally:
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


def _end_at_once(prog: str) -> None:
    """What is stored is safe at any moment, and workers end when their parent is gone."""
    with suppress(Exception):
        if "multiprocessing" in sys.modules:
            for child in sys.modules["multiprocessing"].active_children():
                child.kill()
        # A bar of progress hides it.
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
        os.write(sys.stderr.fileno(), f"{cursor}\n{prog}: ended at once; {GOES_ON}\n".encode())
    os._exit(STOPPED)
