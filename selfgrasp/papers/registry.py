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
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from selfgrasp.common.outside import PAPERS, has_module, member_of, module_of, with_outside
from selfgrasp.core.errors import unknown_name

if TYPE_CHECKING:
    from selfgrasp.papers.reproduction import Reproduction

_WANTED = "a module as docs/adding_a_method.md describes it"


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


def papers() -> dict[str, str]:
    """Name to dotted package of every paper: the folders beside this file, and entry points."""
    found = {
        path.parent.name: f"{__package__}.{path.parent.name}"
        for path in sorted(Path(__file__).parent.glob("*/__init__.py"))
    }
    return with_outside(PAPERS, found)


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
    args, run = _member(name, "demo", "Args"), _member(name, "demo", "run")
    return Demo(args, run, getattr(module_named(name, "demo"), "CELL", ""))


def module_named(name: str, part: str) -> ModuleType | None:
    """The module `part` of the paper called `name`; None if there is no such paper or module.

    Raises:
        InputError: a module of an outside package that cannot be imported.
    """
    place = f"{papers().get(name)}.{part}"
    if name not in papers() or not has_module(PAPERS, name, place):
        return None
    found: ModuleType = module_of(PAPERS, name, place, wanted=_WANTED)
    return found


def _with_module(part: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, package in sorted(papers().items())
        if has_module(PAPERS, name, f"{package}.{part}")
    )


def _member(name: str, part: str, member: str) -> Any:
    known = _with_module(part)
    if name not in known:
        raise unknown_name("system", name, known)
    return member_of(PAPERS, name, f"{papers()[name]}.{part}", member, wanted=_WANTED)
