"""Which arrangement the demo clears, and in which cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfgrasp.common.seeds import Purpose
from selfgrasp.core import InputError, unknown_name
from selfgrasp.objects.arrangements import Arrangement
from selfgrasp.workcell.cells.cases import cases_of
from selfgrasp.workcell.cells.config import CellConfig, OptionValue
from selfgrasp.workcell.cells.registry import cell_kind
from selfgrasp.workcell.cells.simulated import SimCell, make_cell

if TYPE_CHECKING:
    from selfgrasp.papers.vpg.demo import Args

LIST = "list"
"""In place of a case's name: print them all."""
USUAL = "03_pinwheel"
"""The package's own case that is cleared where none is named."""
_PICTURE_PX = 240
"""Of which the shipped weights have learned."""
_OURS = {"layout": "--case", "cases": "--cases", "meshes": "--meshes"}
"""Options of the cell that the demo sets, and what is said instead."""


@dataclass(frozen=True, eq=False)
class Case:
    """An arrangement of a cell's, and a scene that begins with it.

    Attributes:
        arrangement: see there.
        options: of the cell.
        scene: seed.
    """

    arrangement: Arrangement
    options: CellConfig
    scene: int


def cases_there(args: Args) -> Sequence[Arrangement]:
    """The arrangements to choose from.

    Raises:
        InputError: files that cannot be used, or options that are the demo's.
    """
    return cases_of(cell_kind(args.cell).body(_options(args)))


def chosen_case(args: Args) -> Case:
    """The arrangement that the arguments name, or the usual one.

    Raises:
        InputError: no such arrangement (the message lists all), files that cannot be used, or
            options that are the demo's.
    """
    cases = cases_there(args)
    names = [case.name for case in cases]
    name = args.case or (USUAL if args.cases is None else names[0])
    if name not in names:
        raise unknown_name("--case", name, names)
    first, index = Purpose.BENCHMARK.first_scene(args.seed), names.index(name)
    # A scene begins with the case of its seed's remainder.
    scene = first + (index - first) % len(cases)
    return Case(cases[index], _options(args), scene)


def cell_for(args: Args, case: Case) -> SimCell:
    """The cell whose scenes begin with the arrangements."""
    return make_cell(args.cell, case.arrangement.models, case.options)


def _options(args: Args) -> CellConfig:
    for name in _OURS.keys() & args.options.keys():
        raise InputError(given=f"--options.{name}", wanted=_OURS[name])
    if args.meshes is not None and args.cases is None:
        raise InputError(
            given=f"--meshes {args.meshes} without --cases",
            wanted="--cases beside it, a folder of arrangements that name these meshes",
        )
    folders = {"cases": args.cases, "meshes": args.meshes}
    given: Mapping[str, OptionValue] = {
        "picture_px": _PICTURE_PX,
        **args.options,
        "layout": "cases",
        **{name: str(path) for name, path in folders.items() if path is not None},
    }
    options: CellConfig = cell_kind(args.cell).options(given)
    return options
