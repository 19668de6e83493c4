"""What packages outside selfgrasp bring, by name through entry points.

Such a package may be broken: every error of it is an `InputError` that says which entry point of
which package it is, and those of other packages go on working.
"""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from selfgrasp.core.errors import InputError, first_line

METHODS = "selfgrasp.methods"
"""Group of entry points that name a method's folder, as "package.folder"."""
BASELINES = "selfgrasp.baselines"
"""Group of those that name a module with a class `POLICY`."""
PROTOCOLS = "selfgrasp.protocols"
"""Group of those that name a protocol, as "module:object"."""
PAPERS = "selfgrasp.papers"
"""Group of those that name a paper's folder."""

_SAID: set[str] = set()


def with_outside(group: str, built_in: Mapping[str, str]) -> dict[str, str]:
    """Name to value of everything in `built_in`, then of the entry points of `group`.

    A name that is taken stays what it is, which is said once on standard error.
    """
    found = dict(built_in)
    for name, entry in _entries(group).items():
        if name in built_in:
            say_once(f"{_owner(group, name)} is ignored: selfgrasp has a {_kind(group)} {name}")
        else:
            found[name] = entry.value
    return found


def outside_names(group: str) -> tuple[str, ...]:
    """Names of the entry points of `group`, sorted."""
    return tuple(sorted(_entries(group)))


def module_of(group: str, name: str, module: str, *, wanted: str) -> Any:
    """Import what the name `name` of `group` leads to.

    Args:
        group: of entry points.
        name: of something built in, or of an entry point.
        module: dotted name of the module.
        wanted: what such an entry point has to lead to, for the message.

    Raises:
        InputError: the module of an outside package cannot be imported. Errors of selfgrasp's own
            modules stay what they are.
    """
    try:
        return import_module(module)
    except Exception as error:
        if module.startswith("selfgrasp."):
            raise
        raise refused(group, name, _said(error, module), wanted=wanted) from error


def member_of(group: str, name: str, module: str, member: str, *, wanted: str) -> Any:
    """The object called `member` in a module; see `module_of`.

    Raises:
        InputError: as `module_of`, or a module without it.
    """
    found = module_of(group, name, module, wanted=wanted)
    try:
        return getattr(found, member)
    except AttributeError as error:
        raise refused(group, name, f"{module} has no {member}", wanted=wanted) from error


def refused(group: str, name: str, why: str, *, wanted: str) -> InputError:
    """The error for what `name` of `group` leads to."""
    return InputError(given=f"{_owner(group, name)}: {why}", wanted=wanted)


def has_module(group: str, name: str, module: str) -> bool:
    """Whether a module is there, without importing it; its packages are imported.

    A broken outside package has none, which is said once on standard error.
    """
    return _spec(group, name, module) is not None


def folders_of(group: str, name: str, package: str) -> tuple[Path, ...]:
    """Where the files of a package lie; a broken one has none, see `has_module`."""
    spec = _spec(group, name, package)
    return tuple(map(Path, (spec and spec.submodule_search_locations) or ()))


def _spec(group: str, name: str, module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except Exception as error:
        if module.startswith("selfgrasp."):
            raise
        owner = _owner(group, name)
        say_once(f"{owner} is left out: {_said(error, module)}", about=f"{owner} is left out")
        return None


def say_once(message: str, *, about: str = "") -> None:
    """Print a line on standard error, once a run; its worker processes are silent.

    Args:
        message: the line.
        about: of messages about the same thing only the first is printed; the message by default.
    """
    if (about or message) in _SAID or multiprocessing.parent_process() is not None:
        return
    _SAID.add(about or message)
    print(f"selfgrasp: {message}", file=sys.stderr)


def forget() -> None:
    """Look for entry points anew: packages were installed or removed since."""
    _entries.cache_clear()
    _SAID.clear()


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    """By name; of two with the same name the first one found."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        first = found.setdefault(entry.name, entry)
        if first.value != entry.value:
            say_once(
                f"{_kind(group)} {entry.name} of package {_package(entry)} is ignored: package "
                f"{_package(first)} has one of that name"
            )
    return found


def _kind(group: str) -> str:
    """What the group holds, as "method"."""
    return group.rpartition(".")[2].removesuffix("s")


def _owner(group: str, name: str) -> str:
    """The entry point in words, or what is built in."""
    entry = _entries(group).get(name)
    of = f" of package {_package(entry)} ({entry.value})" if entry else ""
    return f"{_kind(group)} {name}{of}"


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value.partition(".")[0]


def _said(error: Exception, module: str) -> str:
    """An error of an import, and the last line of that package which led to it."""
    if isinstance(error, ModuleNotFoundError):
        return first_line(error)
    package = module.partition(".")[0]
    lines = [
        f" ({frame.filename}, line {frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if package in Path(frame.filename).with_suffix("").parts
    ]
    return f"{type(error).__name__}: {first_line(error)}{''.join(lines[-1:])}"
