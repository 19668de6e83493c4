"""One writer a dataset, and no clean-up under a reader: two lock files that the kernel releases
when their holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from selfgrasp.core import InputError

_WRITER_FILE = ".writer"
_READER_FILE = ".readers"


class WriterLock:
    """Held by the one process that may write.

    Raises:
        InputError: on construction, if another one holds it; the message says who.
    """

    def __init__(self, path: Path) -> None:
        """Takes the lock of the dataset in `path`, which must be a folder."""
        self._file: IO[str] = (path / _WRITER_FILE).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise InputError(
                given=f"dataset {path}, which another process is writing",
                wanted="one writer at a time (wait for it, or stop it)",
                exists=f"writer: {holder}",
            ) from None
        self._file.truncate(0)
        self._file.write(
            f"process {os.getpid()} on {socket.gethostname()} since "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n"
        )
        self._file.flush()

    def release(self) -> None:
        """Lets another process write."""
        self._file.close()


class ReaderLock:
    """Shared by readers: while one is open, old versions of the tables stay on the disk."""

    def __init__(self, path: Path) -> None:
        """Takes a share of the lock; where the folder is read-only, no writer can clean up either,
        and nothing is needed."""
        self._file: IO[str] | None = None
        with contextlib.suppress(OSError):
            self._file = (path / _READER_FILE).open("a")
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def release(self) -> None:
        """Gives the share back."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def no_readers(path: Path) -> Iterator[bool]:
    """True inside the block if nobody reads the dataset, and nobody can begin to until the block
    ends."""
    with (path / _READER_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
