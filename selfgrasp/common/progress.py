"""Progress with rate and time left: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from selfgrasp.core import Watcher


class Progress:
    """A context manager; call `update` as often as you like.

    Args:
        title: what is going on.
        total: how many units in all.
        unit: what they are called.
        done: how many were already there.
    """

    def __init__(self, title: str, total: int, *, unit: str = "", done: int = 0) -> None:
        self._title, self._total, self._unit, self._first = title, total, unit, done
        self._start = self._said = time.monotonic()
        self._done, self._note = done, ""
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description:<12}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            bar = Bar(*columns, TextColumn("{task.fields[note]}"), transient=False)
            bar.start()
            self._bar, self._task = (
                bar,
                bar.add_task(
                    self._title, total=self._total, completed=self._done, rate="", note=""
                ),
            )
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif error is None or self._done > self._first:
            self._say()

    def begin(self, done: int) -> None:
        """Only what comes after these counts for the rate: they were already there."""
        self._first, self._start = done, time.monotonic()

    def update(self, done: int, note: str = "") -> None:
        """`done` units in all have been done; `note` is shown at the end of the line."""
        self._done, self._note = done, note
        if self._bar is not None:
            self._bar.update(
                self._task, completed=done, rate=f"{self._rate():.1f} {self._unit}/s", note=note
            )
        elif time.monotonic() - self._said > 10:
            self._say()

    def _rate(self) -> float:
        return (self._done - self._first) / max(1e-9, time.monotonic() - self._start)

    def _say(self) -> None:
        self._said = time.monotonic()
        rate = self._rate()
        left = (
            f", {(self._total - self._done) / rate:.0f} s left"
            if rate > 0 and self._done < self._total
            else ""
        )
        print(
            f"{self._title}: {self._done}/{self._total} {self._unit}, {rate:.1f}/s{left} "
            f"{self._note}".rstrip(),
            file=sys.stderr,
            flush=True,
        )


class Batches(Watcher):
    """Training steps as progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._going = False

    def on_batch(self, step: int, values: dict[str, float]) -> None:
        """Show the step and its loss."""
        if not self._going:
            self._progress.begin(step - 1)
            self._going = True
        self._progress.update(step, f"loss {values.get('loss', float('nan')):.3f}")
