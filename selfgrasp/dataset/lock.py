"""One writer a dataset, and no clean-up under a reader: two lock files that the kernel releases
when their holder dies."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from selfgrasp.common.files import open_to_append
from selfgrasp.common.lock import FolderLock
from selfgrasp.dataset.meta import VECTORS

_WRITER_FILE = ".writer"
_READER_FILE = ".readers"


class WriterLock(FolderLock):
    """Held by the one process that may write.

    Raises:
        InputError: on construction, if another one holds it; the message says who.
    """

    def __init__(self, path: Path) -> None:
        """Takes the lock of the dataset in `path`, which must be a folder."""
        super().__init__(path, _WRITER_FILE, what="dataset", doing="writing", within=(VECTORS,))


class ReaderLock:
    """Shared by readers: while one is open, old versions of the tables stay on the disk."""

    def __init__(self, path: Path) -> None:
        """Takes a share of the lock; where the folder is read-only, no writer can clean up either,
        and nothing is needed."""
        self._file: IO[str] | None = None
        with contextlib.suppress(OSError):
            self._file = open_to_append(path / _READER_FILE)
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
    with open_to_append(path / _READER_FILE) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
