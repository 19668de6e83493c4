"""Calls a verb: arguments from its dataclass, errors as one clean message."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import (
    Annotated,
    Any,
    TextIO,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from selfgrasp.common import interrupts
from selfgrasp.common.interrupts import GOES_ON, Interrupts, interruptible

Args = TypeVar("Args")
STOPPED = interrupts.STOPPED
kill_children = interrupts.kill_children
WRONG_INPUT = 2


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

    A `SelfgraspError`, and what `errors.one_line` knows, becomes one message on standard error and
    2, Ctrl-C and a request to end become 130; any other exception is a bug and keeps its traceback.
    """
    # Read when NumPy is loaded: its products here are small, and threads for them only get in the
    # way of processes and of each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from selfgrasp.core.bounds import check_bounds

    args, seen = None, Interrupts()
    try:
        with interruptible(prog) as seen:
            chosen = _chosen(module, [_at_home(argument) for argument in arguments])
            prog = f"{prog} {chosen.prog}".strip()
            parse = _parser(chosen, prog, summary)
            # A verb whose arguments depend on each other reads them itself.
            args = chosen.read(chosen.arguments, parse) if chosen.read else parse(chosen.args)
            check_bounds(args)
            return int(chosen.run(args))
    except SystemExit:
        raise
    except BaseException as error:
        # Libraries in C make other errors of a KeyboardInterrupt.
        if isinstance(error, KeyboardInterrupt) or seen.any:
            _say(prog, f"stopped; {GOES_ON}", before="\n")
            return STOPPED
        from selfgrasp.verbs.errors import one_line

        message = one_line(error, args)
        if message is None:
            raise
        _say(prog, message)
        return WRONG_INPUT


def _say(prog: str, message: str, *, before: str = "") -> None:
    """One line on standard error, in which characters that steer a terminal are shown."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    print(f"{before}{prog}: {shown}", file=sys.stderr)


@contextlib.contextmanager
def leaving_closed_pipes() -> Iterator[None]:
    """Stop in silence where standard output is a pipe whose reader has gone, as `head` does. What
    its encoding has no sign for is written as an escape."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
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
    """The same dataclass, whose help shows the bounds of numbers and does not say "default: None":
    the text of such a field says what happens without it. Likewise of dataclasses inside it."""
    import tyro

    from selfgrasp.core.bounds import bounds_of

    hints = get_type_hints(kind, include_extras=True)
    changed: dict[str, tuple[Any, Any]] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        hint, bounds, default = hints[field.name], bounds_of(hints[field.name]), field.default
        inner, shown = get_args(hint)[0] if get_origin(hint) is Annotated else hint, []
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            readable_inner = readable(inner)
            hint = Annotated[(readable_inner, *getattr(hint, "__metadata__", (tyro.conf.arg(),)))]
            default = _copied(default, readable_inner)
        elif isinstance(hint, UnionType):
            # Of this kind of union tyro knows more: for the other it imports typeguard, which takes
            # longer than the rest of the help.
            hint = Union[get_args(hint)]  # noqa: UP007
        if default is None:
            shown.append(tyro.conf.arg(help_behavior_hint=""))
        if bounds is not None:
            shown.append(tyro.conf.arg(metavar=str(bounds).upper()))
        changed[field.name] = (Annotated[(hint, *shown)] if shown else hint, default)
    made = with_fields(kind, changed)
    made._plain = kind  # type: ignore[attr-defined]
    return made


def _copied(value: Any, kind: type[Any]) -> Any:
    """A dataclass's values in another one with the same fields; MISSING stays."""
    if value is dataclasses.MISSING:
        return value
    return kind(**{field.name: getattr(value, field.name) for field in dataclasses.fields(kind)})


def _plain(value: Any) -> Any:
    """What was parsed, in the dataclasses that `readable` was given."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    values = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return getattr(type(value), "_plain", type(value))(**values)


class _Titled:
    """Standard output on which tyro's heading of a group named `options` reads better."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def write(self, text: str) -> int:
        """Write `text`, of which the heading keeps its width."""
        return self.out.write(text.replace("options options ─", "cell options ────"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)


def _at_home(argument: str) -> str:
    """The argument with its `~` as a shell expands it; shells leave that of `--out=~/x` alone."""
    option, equals, value = argument.partition("=")
    if option.startswith("--") and equals:
        return f"{option}={os.path.expanduser(value)}"
    return os.path.expanduser(argument)


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
            parsed = tyro.cli(
                readable(kind),
                prog=prog,
                description=f"{about}\n\n{chosen.more}".strip(),
                args=chosen.arguments,
                config=(tyro.conf.DisallowNone,),
            )
        return _plain(parsed)

    return parse
