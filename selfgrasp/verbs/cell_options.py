"""Options of a cell on the command line: only those of the cell at hand, and those that were said
told from those that were not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

from selfgrasp.verbs.command import with_fields
from selfgrasp.workcell.cells.config import CellConfig, OptionValue
from selfgrasp.workcell.cells.registry import CELLS

_PREFIX = "--options."

Args = TypeVar("Args")


def value_of(option: str, arguments: Sequence[str]) -> str | None:
    """What follows `option` among the arguments; None if it is not there."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == option:
            return value if equals else next(iter(arguments[index + 1 :]), None)
    return None


def with_cell(kind: type[Args], cell: str | None, default: CellConfig) -> type[Args]:
    """The same arguments, with `cell` and `options` those of one cell.

    Args:
        kind: a dataclass of arguments with a field `options`; a field `cell` that names its own
            choices keeps them.
        cell: the default of its field `cell`, if it has one; None where the protocol says it.
        default: options that hold where none are given.
    """
    changed: dict[str, tuple[Any, Any]] = {"options": (type(default), default)}
    hint = get_type_hints(kind).get("cell")
    if hint is not None and get_origin(hint) is not Literal:
        choices: Any = Literal[tuple(CELLS)]
        changed["cell"] = (choices if cell else choices | None, cell)
    return with_fields(kind, changed)


def said(arguments: Sequence[str], options: Any) -> Mapping[str, OptionValue]:
    """Those of the parsed `options`, a cell's, that stand among the arguments, by name."""
    names = {
        argument.removeprefix(_PREFIX).partition("=")[0].replace("-", "_")
        for argument in arguments
        if argument.startswith(_PREFIX)
    }
    return {
        f.name: getattr(options, f.name)
        for f in fields(options)
        if f.name in names or f"no_{f.name}" in names
    }
