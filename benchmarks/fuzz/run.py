"""Hands cases to forked processes, and sees those that hang or die."""

from __future__ import annotations

import json
import os
import select
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.fuzz.child import BEGUN, Judged, Spec, serve
from benchmarks.fuzz.templates import make_templates

_BATCH = 25
"""Cases a process: what one leaves behind in it is seen by few."""
_CPU_SECONDS, _WALL_SECONDS = 40.0, 120.0
"""Of one case: what hangs does so for ever, and a slow processor takes 10 s to replay an attempt by
cast rays. A busy machine stretches the time on the clock, not that of the processor."""
_MOST_BYTES = 4 * 10**9


def preload() -> None:
    """Import what most cases import. Not Lance: a process does not survive a fork after it."""
    import cv2
    import scipy.spatial
    import scipy.stats
    import torch
    import tyro

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _ = scipy.spatial, scipy.stats, tyro


def prepare(folder: Path) -> None:
    """Templates in `folder`, made by a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            make_templates(folder)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("the templates cannot be made")


def run(specs: Sequence[Spec], templates: Path) -> Iterator[Judged]:
    """What came of each case."""
    left = list(specs)
    while left:
        yield from _batch(left[:_BATCH], left, templates)


def _batch(specs: list[Spec], left: list[Spec], templates: Path) -> Iterator[Judged]:
    """The cases of one process; those that it did begin are taken from `left`."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        child = os.fork()
        if child == 0:
            os.close(reading)
            tempfile.tempdir = folder
            os.chdir(folder)
            try:
                serve(templates, specs, os.fdopen(writing, "w"))
            finally:
                os._exit(0)
        os.close(writing)
        begun, answered = None, False
        with os.fdopen(reading, "rb", buffering=0) as answers:
            for line in _lines(answers, child):
                if isinstance(line, str):
                    if begun is not None:
                        left.pop(0)
                        yield replace(begun, verdict=line)
                    elif not answered:
                        raise RuntimeError("no case was begun")
                    break
                judged, answered = Judged(**json.loads(line)), True
                begun = judged if judged.verdict == BEGUN else None
                if begun is None:
                    left.pop(0)
                    yield judged
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _lines(answers: object, child: int) -> Iterator[bytes | str]:
    """Lines of the process as they come; a word where it hangs, dies or takes all memory."""
    rest, cpu, wall = b"", _cpu(child), time.monotonic()
    while True:
        ready = select.select([answers], [], [], 0.5)[0]
        if not ready:
            if _bytes(child) > _MOST_BYTES:
                yield "memory"
            if _cpu(child) - cpu > _CPU_SECONDS or time.monotonic() - wall > _WALL_SECONDS:
                yield "hang"
            continue
        chunk = os.read(answers.fileno(), 65536)  # type: ignore[attr-defined]
        if not chunk:
            yield "died"
            return
        rest += chunk
        *whole, rest = rest.split(b"\n")
        cpu, wall = _cpu(child), time.monotonic()
        yield from whole


def _cpu(child: int) -> float:
    """s of processor time that a process has had."""
    try:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bytes(child: int) -> int:
    try:
        pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
