"""Calls a verb: arguments from its dataclass, errors as one clean message."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import importlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, TextIO, TypeVar, Union, cast, get_args, get_type_hints

Args = TypeVar("Args")
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


@dataclass(frozen=True)
class Chosen:
    """What a verb runs of its several systems.

    Attributes:
        args: dataclass of the options; its docstring is the help.
        run: does it and returns the exit code.
        arguments: those that are left.
        prog: the system's name, behind the verb's in help and messages.
        more: a last paragraph of the help.
        read: makes the options of the arguments, where these depend on each other; it is given
            what parses the arguments into a dataclass.
    """

    args: type[Any]
    run: Callable[[Any], int]
    arguments: Sequence[str]
    prog: str = ""
    more: str = ""
    read: Callable[[Sequence[str], Callable[[type[Any]], Any]], Any] | None = None


def call(module: str, arguments: Sequence[str], *, prog: str, summary: str) -> int:
    """Parse `arguments` into the `Args` of `module`, call its `run`, and return the exit code.

    A `SelfgraspError`, and a place that cannot be written, becomes one message on standard error
    and 2, Ctrl-C and a request to end become 130; any other exception is a bug and keeps its
    traceback.
    """
    # Read when NumPy is loaded: its products here are small, and threads for them only get in the
    # way of processes and of each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from selfgrasp.core.errors import InputError, SelfgraspError

    try:
        chosen = _chosen(module, arguments)
    except SelfgraspError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return WRONG_INPUT
    prog = f"{prog} {chosen.prog}".strip()
    parse = _parser(chosen, prog, summary)
    main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main_thread else None
    try:
        # A verb whose arguments depend on each other reads them itself.
        args = chosen.read(chosen.arguments, parse) if chosen.read else parse(chosen.args)
        if (seed := getattr(args, "seed", 0)) < 0:
            raise InputError(given=f"--seed {seed}", wanted="at least 0")
        return int(chosen.run(args))
    except SelfgraspError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print(f"\n{prog}: stopped; the same command goes on where it stopped", file=sys.stderr)
        return STOPPED
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


@contextlib.contextmanager
def leaving_closed_pipes() -> Iterator[None]:
    """Stop in silence where standard output is a pipe whose reader has gone, as `head` does."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def with_fields(kind: type[Args], changed: Mapping[str, tuple[Any, Any]]) -> type[Args]:
    """The same dataclass with other types and defaults.

    Args:
        kind: a frozen dataclass.
        changed: type and default by name of a field; the default MISSING is none.
    """
    made = [
        (name, annotation, dataclasses.field(default=default))
        for name, (annotation, default) in changed.items()
    ]
    return dataclasses.make_dataclass(
        kind.__name__,
        made,
        bases=(kind,),
        frozen=True,
        namespace={"__doc__": kind.__doc__, "__module__": kind.__module__},
    )


def readable(kind: type[Args]) -> type[Args]:
    """The same dataclass, whose help does not say "default: None": the text of such a field says
    what happens without it."""
    import tyro

    hints = get_type_hints(kind, include_extras=True)
    for name, hint in hints.items():
        if isinstance(hint, UnionType):
            # Of this kind of union tyro knows more: for the other it imports typeguard, which takes
            # longer than the rest of the help.
            hints[name] = Union[get_args(hint)]  # noqa: UP007
    hidden = tyro.conf.arg(help_behavior_hint="")
    return with_fields(
        kind,
        {
            field.name: (Annotated[hints[field.name], hidden], None)
            for field in dataclasses.fields(kind)  # type: ignore[arg-type]
            if field.default is None
        },
    )


class _Titled:
    """Standard output on which tyro's heading of a group named `options` reads better."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def write(self, text: str) -> int:
        """Write `text`, of which the heading keeps its width."""
        return self.out.write(text.replace("options options ─", "cell options ────"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)


def _chosen(module: str, arguments: Sequence[str]) -> Chosen:
    """A verb's own options and function, or those that its `choose` picks."""
    verb = importlib.import_module(module)
    if hasattr(verb, "choose"):
        chosen: Chosen = verb.choose(arguments)
        return chosen
    return Chosen(verb.Args, verb.run, arguments, read=getattr(verb, "read", None))


def _parser(chosen: Chosen, prog: str, summary: str) -> Callable[[type[Any]], Any]:
    """What makes a dataclass of the arguments; it ends the process after --help or a wrong one."""
    import tyro

    about = inspect.cleandoc(chosen.args.__doc__ or summary).split("Attributes:")[0].strip()

    def parse(kind: type[Any]) -> Any:
        with contextlib.redirect_stdout(cast(TextIO, _Titled(sys.stdout))):
            return tyro.cli(
                readable(kind),
                prog=prog,
                description=f"{about}\n\n{chosen.more}".strip(),
                args=chosen.arguments,
                config=(tyro.conf.DisallowNone,),
            )

    return parse
