"""The simulated cells by name; a new cell is a file beside this one and a name in this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.spec import CellSpec
from selfgrasp.workcell.cells.config import CellConfig, CellKind
from selfgrasp.workcell.cells.flat_table import FLAT_TABLE, UR5_TABLE
from selfgrasp.workcell.cells.kuka_bin import KUKA_BIN
from selfgrasp.workcell.cells.tabletop import TABLETOP

CELLS: Mapping[str, CellKind[Any]] = {
    kind.name: kind for kind in (TABLETOP, KUKA_BIN, FLAT_TABLE, UR5_TABLE)
}


def cell_kind(name: str) -> CellKind[Any]:
    """The cell of that name.

    Raises:
        InputError: an unknown name; the message lists the known ones.
    """
    if name not in CELLS:
        raise unknown_name("cell", name, CELLS)
    return CELLS[name]


def checked_options(name: str, config: CellConfig | None) -> CellConfig:
    """`config`, or the defaults of the cell of that name.

    Raises:
        InputError: an unknown cell, or options of another cell.
    """
    kind = cell_kind(name)
    if config is None:
        default: CellConfig = kind.options()
        return default
    wanted: type[CellConfig] = kind.config
    if not isinstance(config, wanted):
        raise InputError(
            given=f"{type(config).__name__} for the cell {name}",
            wanted=wanted.__name__,
        )
    return config


def stored_options(name: str, options: Mapping[str, Any]) -> CellConfig:
    """The options of a session, whose cell has that name.

    Options of other cells are left out: sessions of version 0.1 may hold such, without effect.

    Raises:
        InputError: an unknown cell, or an option that no cell has.
    """
    kind = cell_kind(name)
    mine, every = option_names(kind), {n for k in CELLS.values() for n in option_names(k)}
    plain = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
    config: CellConfig = kind.options(
        {n: v for n, v in plain.items() if n in mine or n not in every}
    )
    return config


def option_names(kind: CellKind[Any]) -> tuple[str, ...]:
    """The names of a cell's options."""
    return tuple(f.name for f in fields(kind.config))


def cell_spec(name: str, config: CellConfig | None = None) -> CellSpec:
    """The spec of the cell of that name, without making the cell.

    Raises:
        InputError: an unknown name (the message lists the known ones), or wrong options.
    """
    return cell_kind(name).spec(checked_options(name, config))
