"""Papers by name: what reproduces each, and what shows it. Nothing is imported before it is asked
for.

A paper is a folder here, or a package named by an entry point of the group `selfgrasp.papers`. It
has these modules, of which any may be missing: `reproduction` holds a `Reproduction`, as
`REPRODUCTION`; `demo` holds a dataclass of options, `Args`, and `run(args)`, which returns the exit
code. If it names a cell, as `CELL`, the cell's options are offered as well, and those that are
given are in the dataclass's `options`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from selfgrasp.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from selfgrasp.papers.reproduction import Reproduction

GROUP = "selfgrasp.papers"


@dataclass(frozen=True)
class Demo:
    """What shows a system at work.

    Attributes:
        args: dataclass of its options; its docstring is the help.
        run: does it and returns the exit code.
        cell: whose options its `options` are; empty for none.
    """

    args: type[Any]
    run: Callable[[Any], int]
    cell: str = ""


@cache
def papers() -> dict[str, str]:
    """Name to dotted package of every paper: the folders beside this file, and entry points."""
    found = {
        path.parent.name: f"{__package__}.{path.parent.name}"
        for path in sorted(Path(__file__).parent.glob("*/__init__.py"))
    }
    return found | {e.name: e.value for e in entry_points(group=GROUP) if e.name not in found}


def reproductions() -> tuple[str, ...]:
    """Papers that can be reproduced."""
    return _with_module("reproduction")


def demos() -> tuple[str, ...]:
    """Papers that have a demo."""
    return _with_module("demo")


def reproduction_named(name: str) -> Reproduction[Any, Any]:
    """How the paper called `name` is reproduced.

    Raises:
        InputError: no such paper, or none that can be reproduced; the message lists the others.
    """
    found: Reproduction[Any, Any] = _member(name, "reproduction", "REPRODUCTION")
    return found


def demo_named(name: str) -> Demo:
    """The demo of the paper called `name`.

    Raises:
        InputError: no such paper, or none with a demo; the message lists the others.
    """
    cell: str = getattr(_module(name, "demo"), "CELL", "")
    return Demo(_member(name, "demo", "Args"), _member(name, "demo", "run"), cell)


def _with_module(part: str) -> tuple[str, ...]:
    return tuple(
        name for name, package in sorted(papers().items()) if find_spec(f"{package}.{part}")
    )


def _module(name: str, part: str) -> ModuleType:
    known = _with_module(part)
    if name not in known:
        raise unknown_name("system", name, known)
    return import_module(f"{papers()[name]}.{part}")


def _member(name: str, part: str, member: str) -> Any:
    module = _module(name, part)
    if not hasattr(module, member):
        raise InputError(
            given=f"{module.__name__} without {member}",
            wanted=f"a module that defines it, see {__name__}",
        )
    return getattr(module, member)
