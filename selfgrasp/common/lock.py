"""One process at a time in a folder: lock files that the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

from selfgrasp.common.files import open_to_append
from selfgrasp.core.errors import InputError


class FolderLock:
    """Held by the one process that works on a folder; a context manager.

    Args:
        folder: made where there is none.
        name: of the lock file in it, which begins with a dot.
        what: what the folder is, for the message.
        doing: what the other process is doing with it.

    Raises:
        InputError: on construction, if another process holds it; the message says which.
        OSError: no lock can be had there, or the lock file is a link.
    """

    def __init__(self, folder: Path, name: str, *, what: str, doing: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open_to_append(folder / name)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read(200).strip() or "unknown"
            self._file.close()
            raise InputError(
                given=f"{what} {folder}, which another process is {doing}",
                wanted="one at a time (wait for it, or stop it)",
                exists=f"{holder}",
            ) from None
        except OSError:
            self._file.close()
            raise
        self._file.truncate(0)
        self._file.write(
            f"process {os.getpid()} on {socket.gethostname()} since "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n"
        )
        self._file.flush()

    def release(self) -> None:
        """Let another process work."""
        self._file.close()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
