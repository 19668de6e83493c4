"""Files that are written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfgrasp.core.errors import system_error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes the place of `path` when the block ends
    well, and is removed when it does not; folders are made.

    Its name cannot be foreseen and it is new, so that nothing that lies there is followed or
    overwritten. A link at `path` is replaced, not followed; a device or a pipe there, as
    /dev/stdout, is written to.

    Raises:
        OSError: the file cannot be written; the error names `path`, whatever library wrote.
    """
    try:
        with _written_beside(path) as partial:
            yield partial
    except Exception as error:
        number = system_error(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if _is_stream(path):
        with tempfile.TemporaryDirectory() as folder:
            partial = Path(folder, path.name)
            yield partial
            with partial.open("rb") as written, path.open("wb") as stream:
                shutil.copyfileobj(written, stream)
        return
    partial, mode = _new_file(path)
    try:
        yield partial
        # A library that writes a file of its own and renames it sets another mode.
        partial.chmod(mode)
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """Whether a device or a pipe is there.

    Raises:
        OSError: a folder is there, or no file can have this name.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return not stat.S_ISREG(mode)


def _new_file(path: Path) -> tuple[Path, int]:
    """An empty file beside `path`, and the mode that new files have here."""
    partial = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.partial")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return partial, stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
