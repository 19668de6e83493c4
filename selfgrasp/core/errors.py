"""The errors of a wrong input: what was given, what was wanted, what exists."""

from __future__ import annotations

import re
from collections.abc import Iterable

WORKER_DIED = (
    "a worker process died (out of memory, or killed); what was acknowledged is safe: run the same "
    "command again"
)
_SOURCE = re.compile(r"[,;]?\s*(?:at )?/\S+\.(?:rs|cpp|cc|h):\d+(?::\d+)?")
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


class SelfgraspError(Exception):
    """Base of every error that selfgrasp raises on purpose; the command line prints it without a
    traceback."""


class InputError(SelfgraspError):
    """A wrong input. The message says what was given, what was wanted and, where it helps, what
    exists."""

    def __init__(self, *, given: str, wanted: str, exists: str = "") -> None:
        self.given, self.wanted, self.exists = given, wanted, exists
        super().__init__(
            f"given: {given}; wanted: {wanted}" + (f"; exists: {exists}" if exists else "")
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_input_error, (self.given, self.wanted, self.exists))


def _rebuild_input_error(given: str, wanted: str, exists: str) -> InputError:
    return InputError(given=given, wanted=wanted, exists=exists)


class Stopped(SelfgraspError):
    """Work was stopped on request, in a state from which it can go on."""


def first_line(error: BaseException) -> str:
    """What an error says first, without where in a library's source it arose."""
    return (_SOURCE.sub("", str(error)).strip().splitlines() or [type(error).__name__])[0][:200]


def system_error(error: BaseException) -> int | None:
    """The number of the operating system's error behind `error`, as ENOSPC; None where there is
    none. Libraries in Rust write it into the text of errors of their own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, SelfgraspError):
        return None
    found = _SYSTEM_ERROR.search(str(error))
    return int(found.group(1)) if found else None


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not in `known`, listing the known ones."""
    return InputError(
        given=f"{kind} {name!r}",
        wanted=f"a known {kind}",
        exists=", ".join(sorted(known)) or "none",
    )
