"""One message of one line for what is no bug: the disk, the memory, damaged files, dead workers."""

import errno
import io
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from safetensors import SafetensorError

from selfgrasp import cli
from selfgrasp.core import InputError
from selfgrasp.core.errors import WORKER_DIED, first_line
from selfgrasp.verbs import card, check, command
from selfgrasp.verbs.errors import one_line

LANCE = (
    "LanceError(IO): Execution error: No space left on device (os error 28), "
    "/lance/rust/lance-io/src/object_writer.rs:437:50"
)


@dataclass(frozen=True)
class Args:
    out: Path = Path("runs/first")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "x"), "given: runs/first: No space left on device; wanted: room"),
        (OSError(errno.EROFS, "x", "a/b"), "given: a/b: Read-only file system; wanted: "),
        (FileNotFoundError(errno.ENOENT, "x", "gone"), "given: gone: No such file or directory"),
        (OSError(errno.EXDEV, "x", "odd"), "given: odd: Invalid cross-device link; wanted: a "),
        (OSError(LANCE), "given: runs/first: No space left on device; wanted: room"),
        (OSError("LanceError(IO): bad, /a/b.rs:1:2"), "given: runs/first: LanceError(IO): bad;"),
        (ValueError("LanceError(IO): file size is too small"), "given: runs/first: LanceError(IO)"),
        (SafetensorError("InvalidHeader"), "given: runs/first: InvalidHeader; wanted: whole"),
        (pa.ArrowInvalid("no utf8"), "given: runs/first: no utf8; wanted: whole"),
        (MemoryError(), "given: more than this machine's memory holds"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "memory holds"),
        (cv2.error("Insufficient memory (Failed to allocate 9 bytes)"), "memory holds"),
        (RecursionError("maximum recursion depth"), "given: a file nested too deeply"),
        (BrokenProcessPool("abruptly"), WORKER_DIED),
        (UnicodeEncodeError("utf-8", "by \ud800", 3, 4, "no"), "given: the text 'by \\ud800';"),
        (InputError(given="1", wanted="2"), "given: 1; wanted: 2"),
    ],
)
def test_errors_of_the_surroundings(error: Exception, says: str):
    line = one_line(error, Args())
    assert line is not None
    assert says in line
    assert "/home/" not in line


def test_too_large_an_array_is_said():
    with pytest.raises(MemoryError) as raised:
        np.zeros(2**46)
    assert "Unable to allocate" in str(one_line(raised.value))


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), AssertionError(), TypeError()])
def test_any_other_error_is_a_bug(error: Exception):
    assert one_line(error) is None


def test_a_librarys_source_is_no_news():
    assert first_line(OSError(LANCE)).endswith("(os error 28)")


def test_a_message_is_one_line_without_steering_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(args: object) -> int:
        raise InputError(given="\x1b[31mred\nnext", wanted="ü")

    monkeypatch.setattr(check, "run", refuse)
    assert cli.main(["check", "."]) == command.WRONG_INPUT
    assert capsys.readouterr().err == ("selfgrasp check: given: \\x1b[31mred\\nnext; wanted: ü\n")


def test_a_tilde_behind_an_option_is_the_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    seen = []

    def look(args: card.Args) -> int:
        seen.append((args.dataset, args.out))
        return 0

    monkeypatch.setattr(card, "run", look)
    cli.main(["card", "./~/x", "--out=~/y/card.md"])
    cli.main(["card", "~/x"])
    assert seen == [(Path("~/x"), tmp_path / "y/card.md"), (tmp_path / "x", None)]


def test_what_has_no_sign_is_written_as_an_escape(monkeypatch: pytest.MonkeyPatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    with command.leaving_closed_pipes():
        print("5 \N{DEGREE SIGN} \ud800")
    assert written.getvalue() == b"5 \\xb0 \\ud800\n"
