"""What is told, in one line, of errors that are no bug of selfgrasp: the disk's, the memory's, and
those of libraries that were given damaged files."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from selfgrasp.core.errors import WORKER_DIED, InputError, SelfgraspError, first_line, system_error

_ROOM = "room on that disk (make some, then run the same command again)"
_WANTED: Mapping[int, str] = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EROFS: "a place that can be written",
    errno.EACCES: "a place that this user may read and write",
    errno.EPERM: "a place that this user may read and write",
    errno.ENOENT: "a file or folder that is there and stays there",
    errno.ENOTDIR: "a folder",
    errno.EISDIR: "a file",
    errno.EEXIST: "another place",
    errno.ENAMETOOLONG: "a shorter name",
    errno.ELOOP: "a file or folder, not a link",
    errno.EMFILE: "fewer files at a time, or a higher limit (ulimit -n)",
    errno.ENFILE: "fewer files at a time, or a higher limit of the system",
    errno.EAGAIN: "fewer --workers, or a higher limit of processes (ulimit -u)",
    errno.ENOMEM: "more memory, or fewer --workers",
}
_ELSE = "a place that can be read and written"
_TOO_LITTLE_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    "Insufficient memory",
    "out of memory",
)


def one_line(error: BaseException, args: Any = None) -> str | None:
    """The message of an error that is no bug of selfgrasp; None of any other error.

    Args:
        error: what was raised.
        args: of the verb, which name the place where the error itself does not.
    """
    if isinstance(error, SelfgraspError):
        return str(error)
    if isinstance(error, BrokenPipeError):
        # Of standard output: `cli.main` ends in silence.
        return None
    if isinstance(error, BrokenProcessPool):
        return WORKER_DIED
    if _of_memory(error):
        return str(
            InputError(
                given=f"more than this machine's memory holds ({first_line(error)})",
                wanted="smaller files or options, fewer --workers, or more memory",
            )
        )
    if isinstance(error, RecursionError):
        return str(
            InputError(given="a file nested too deeply", wanted="one as a program writes it")
        )
    if isinstance(error, UnicodeEncodeError):
        given = f"the text {error.object[max(0, error.start - 20) : error.start + 20]!a}"
        return str(InputError(given=given, wanted="text that can be written in UTF-8"))
    number = system_error(error)
    if number is not None:
        where = getattr(error, "filename", None) or _place(args)
        return str(
            InputError(given=f"{where}: {os.strerror(number)}", wanted=_WANTED.get(number, _ELSE))
        )
    if _of_stored_data(error):
        return str(
            InputError(
                given=f"{_place(args)}: {first_line(error)}",
                wanted="whole files, as they were written",
            )
        )
    return None


def _of_memory(error: BaseException) -> bool:
    """Whether too little memory is the reason; libraries have errors of their own for it."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, Exception) and any(words in str(error) for words in _TOO_LITTLE_MEMORY)


def _of_stored_data(error: BaseException) -> bool:
    """Whether a library that reads tables and weights says what is wrong with them: Lance (an
    OSError without a number, its name in other errors, or a panic of Rust), Arrow, safetensors."""
    if isinstance(error, OSError) or "LanceError(" in str(error):
        return True
    module = type(error).__module__.partition(".")[0]
    return module in ("pyarrow", "safetensors", "safetensors_rust", "pyo3_runtime")


def _place(args: Any) -> str:
    """The folder or file that the verb works on, as far as its arguments tell."""
    for name in ("out", "dataset", "path", "folder", "json"):
        if isinstance(value := getattr(args, name, None), Path):
            return str(value)
    return "a file"
