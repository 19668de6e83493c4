"""Calls a verb: arguments from its dataclass, errors as one clean message."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

STOPPED = 130
WRONG_INPUT = 2
_PLACES = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
)
"""What a place can be that someone named to be written to."""


def call(module: str, arguments: Sequence[str], *, prog: str, summary: str) -> int:
    """Parse `arguments` into the `Args` of `module`, call its `run`, and return the exit code.

    A `SelfgraspError`, and a place that cannot be written, becomes one message on standard error
    and 2, Ctrl-C and a request to end become 130; any other exception is a bug and keeps its
    traceback.
    """
    import inspect
    import signal
    import threading

    # Read when NumPy is loaded: its products here are small, and threads for them only get in the
    # way of processes and of each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import tyro

    verb = importlib.import_module(module)
    args = tyro.cli(
        verb.Args,
        prog=prog,
        description=inspect.cleandoc(verb.Args.__doc__ or summary).split("Attributes:")[0].strip(),
        args=arguments,
    )
    from selfgrasp.core.errors import InputError, SelfgraspError

    main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main_thread else None
    try:
        if (seed := getattr(args, "seed", 0)) < 0:
            raise InputError(given=f"--seed {seed}", wanted="at least 0")
        code = int(verb.run(args))
        sys.stdout.flush()
        return code
    except SelfgraspError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print(f"\n{prog}: stopped; the same command goes on where it stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _PLACES:
            raise
        given = f"{error.filename}: {error.strerror}"
        place = InputError(given=given, wanted="a place that can be written as asked")
        print(f"{prog}: {place}", file=sys.stderr)
        return WRONG_INPUT
    finally:
        if main_thread:
            signal.signal(signal.SIGTERM, before)
