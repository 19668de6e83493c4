"""Ctrl-C once raises, twice ends at once; what a library makes of it is no other error."""

import os
import signal
import subprocess
import sys
import time

import pytest

from selfgrasp import cli
from selfgrasp.common.interrupts import STOPPED, interruptible, stopping
from selfgrasp.verbs import check

TWICE = """
import os, signal, time
from selfgrasp.common.processes import processes
from selfgrasp.common.interrupts import interruptible
with interruptible("selfgrasp x"), processes(1) as pool:
    task = pool.submit(time.sleep, 60)
    while not task.running():
        time.sleep(0.01)
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
"""


def test_twice_ends_at_once() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == STOPPED
    assert done.stderr == (
        "\nselfgrasp x: ended at once; the same command goes on where it stopped\n"
    )
    assert time.monotonic() - began < 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_raises_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible("selfgrasp x"):  # noqa: PT012
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert signal.getsignal(number) is before


def test_an_import_that_fails_of_it_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(args: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None
        return 0

    monkeypatch.setattr(check, "run", load)
    assert cli.main(["check", "."]) == STOPPED
    assert "stopped; the same command goes on" in capsys.readouterr().err


def test_work_may_stop_at_a_good_moment() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), stopping() as stop:  # noqa: PT012
        for step in range(5):
            os.kill(os.getpid(), signal.SIGINT) if step == 2 else None
            steps.append(step)
            if stop.is_set():
                break
    assert steps == [0, 1, 2]


def test_work_that_does_not_stop_is_stopped_by_the_second_one() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stopping() as stop:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        while not stop.is_set():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        pytest.fail("it went on")
    assert signal.getsignal(signal.SIGINT) is before


HELD = """
import os, signal, time
from selfgrasp.common.interrupts import interruptible, interrupts_held
with interruptible("selfgrasp x"), interrupts_held():
    for _ in range({count}):
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_held_for_too_long_or_twice_ends_the_program(count: int) -> None:
    began = time.monotonic()
    code = HELD.format(count=count)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.returncode == STOPPED
    assert "selfgrasp x: ended at once" in done.stderr
    assert time.monotonic() - began < 20


SWALLOWED = """
import os, signal, time
from selfgrasp.common.interrupts import interruptible
with interruptible("selfgrasp x"):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    except BaseException:
        time.sleep(60)
"""


def test_one_that_a_library_swallows_ends_the_program_all_the_same() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == STOPPED
    assert "selfgrasp x: ended at once" in done.stderr
    assert time.monotonic() - began < 20
