"""Files and folders that are written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from selfgrasp.core.errors import InputError, system_error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes the place of `path` when the block ends
    well, and is removed when it does not; folders are made.

    Its name cannot be foreseen and it is new, so that nothing that lies there is followed or
    overwritten. A link at `path` is replaced, not followed; a device or a pipe there, as
    /dev/stdout, is written to, if somebody reads it.

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
            with partial.open("rb") as written, _open_stream(path) as stream:
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


def _open_stream(path: Path) -> BinaryIO:
    """A device or a pipe to write to.

    Raises:
        OSError: it cannot be opened, or nobody reads from the pipe.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


def _new_file(path: Path) -> tuple[Path, int]:
    """An empty file beside `path`, and the mode that new files have here."""
    partial = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.partial")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return partial, stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


def file_name(name: str, what: str) -> str:
    """`name` itself, which is one name within a folder, and no path to elsewhere.

    Args:
        name: perhaps of a file that a stranger wrote.
        what: it names, for messages.

    Raises:
        InputError: empty, longer than 200 characters, or with characters that lead elsewhere.
    """
    if not name.isprintable() or set(name) & set("/\\") or not 0 < len(name.strip(". ")) <= 200:
        raise InputError(
            given=f"{what} {name[:80]!r}",
            wanted="one that can be the name of a file: no slashes, at most 200 characters",
        )
    return name


def regular_file_in(folder: Path, name: str) -> bool:
    """Whether `name` is a file in `folder` itself: no path to elsewhere, and neither it nor the
    folder a link."""
    try:
        path = folder / file_name(name, "file")
        return not folder.is_symlink() and stat.S_ISREG(path.lstat().st_mode)
    except (InputError, OSError, ValueError):
        return False


def write_whole(path: Path, data: bytes) -> None:
    """`data` as the file `path`; see `atomic_write`."""
    with atomic_write(path) as partial:
        partial.write_bytes(data)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` to fill, which takes its name when the block ends well, and is
    removed when it does not. What a killed process left of an earlier one is removed too.

    Raises:
        InputError: `path` is there and is not an empty folder, or another process fills one that
            is to take its name.
        OSError: it cannot be made.
    """
    target = path.absolute()
    _require_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.partial")
    try:
        partial.mkdir()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    held = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove_left(target, partial)
        yield partial
        _require_free(target)
        _take_place(partial, target)
    finally:
        os.close(held)
        shutil.rmtree(partial, ignore_errors=True)


def _take_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.replace(target)
        _sync(target.parent)
        return
    # The empty folder stays what it is: somebody may stand in it. Files come last, as the one that
    # makes a dataset of its tables.
    for child in sorted(partial.iterdir(), key=lambda child: (child.is_file(), child.name)):
        child.replace(target / child.name)
    _sync(target)


def _require_free(target: Path) -> None:
    if target.is_symlink() or os.path.ismount(target) or (target.exists() and not target.is_dir()):
        raise InputError(given=f"{target}, a link, a file or a disk", wanted="a new folder")
    inside = sorted(child.name for child in target.iterdir()) if target.is_dir() else []
    if inside:
        raise InputError(
            given=f"{target}, which is not empty",
            wanted="a new folder",
            exists=", ".join(inside[:8]),
        )


def _prefix(target: Path) -> str:
    """Of the names of folders that are to take the name of `target`, and of no other."""
    digest = hashlib.blake2b(os.fsencode(target.name), digest_size=4).hexdigest()
    return f".{target.name[:40]}.{digest}."


def _remove_left(target: Path, own: Path) -> None:
    """Remove folders that `atomic_folder` began for `target` and that no process holds any more.

    Raises:
        InputError: another process holds one, which is not `own`.
    """
    for left in target.parent.iterdir():
        name = rf"{re.escape(_prefix(target))}[0-9a-f]{{16}}\.partial"
        if left == own or not re.fullmatch(name, left.name):
            continue
        with contextlib.suppress(OSError):
            held = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            except BlockingIOError as error:
                raise InputError(
                    given=f"{target}, which another process is filling",
                    wanted="one at a time (wait for it, or stop it)",
                    exists=f"{left}",
                ) from error
            finally:
                os.close(held)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_to_append(path: Path) -> TextIO:
    """A text file to read and to write at its end, made where there is none.

    Raises:
        OSError: the file cannot be opened, or it is a link or no file.
    """
    descriptor = os.open(
        path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.fdopen(descriptor, "a+", encoding="utf-8")
