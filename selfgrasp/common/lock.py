"""One process at a time in a folder: lock files that the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from selfgrasp.common.files import open_to_append
from selfgrasp.core.errors import InputError


class FolderLock:
    """Held by the one process that works on a folder; a context manager.

    Args:
        folder: made where there is none.
        name: of the lock file in it, which begins with a dot.
        what: what the folder is, for the message.
        doing: what the other process is doing with it.
        within: folders in it that are written to.

    Raises:
        InputError: on construction, if another process holds it, and the message says which; or if
            one of the folders in it is a link, which could have files written anywhere.
        OSError: no lock can be had there, or the lock file is a link.
    """

    def __init__(
        self, folder: Path, name: str, *, what: str, doing: str, within: Sequence[str] = ()
    ) -> None:
        for path in (folder / one for one in within):
            if path.is_symlink():
                raise InputError(given=f"{path}, a link", wanted="a folder, or none there")
        self._folder, self._path = folder, folder / name
        self._made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._locked()
        if self._file is None:
            holder = open_to_append(self._path)
            with holder:
                holder.seek(0)
                said = holder.read(200).strip() or "unknown"
            raise InputError(
                given=f"{what} {folder}, which another process is {doing}",
                wanted="one at a time (wait for it, or stop it)",
                exists=f"{said}",
            )
        name = (
            f"process {os.getpid()} on {socket.gethostname()} since "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n"
        )
        # It is held, whether its holder's name has room on the disk or not.
        with suppress(OSError):
            os.truncate(self._file.fileno(), 0)
            os.write(self._file.fileno(), name.encode())

    def _locked(self) -> TextIO | None:
        """The lock file, once it is this process's alone; None where it is another's."""
        while True:
            file = open_to_append(self._path)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(file, self._path):
                    return file
            except BlockingIOError:
                file.close()
                return None
            except OSError:
                file.close()
                raise
            # Its last holder removed it in the meantime.
            file.close()

    def release(self) -> None:
        """Let another process work; the lock file goes, and so does a folder that was made for it
        alone. Releasing twice is harmless."""
        if self._file is None:
            return
        with suppress(OSError):
            if _is_at(self._file, self._path):
                self._path.unlink()
            if self._made:
                self._folder.rmdir()
        self._file.close()
        self._file = None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _is_at(file: TextIO, path: Path) -> bool:
    """Whether an open file is the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False
