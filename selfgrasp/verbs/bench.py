"""`selfgrasp bench`: measure any policy by a protocol, on the same scenes for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from selfgrasp.evaluation.job import BenchJob as Args
from selfgrasp.verbs.cell_options import said, value_of, with_cell
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.registry import CELLS
from selfgrasp.workcell.cells.tabletop import TABLETOP


def read(arguments: Sequence[str], parse: Callable[[type[Args]], Args]) -> Args:
    """The arguments, with the options of the cell that is among them, or of the protocol's; in
    `options` only what was given."""
    name = value_of("--cell", arguments)
    options = _options(arguments, name)
    args = parse(with_cell(Args, None, options))
    return replace(args, options=said(arguments, args.options))


def _options(arguments: Sequence[str], cell: str | None) -> CellConfig:
    """Those of the protocol among the arguments, if there is one; the cell's own otherwise."""
    protocol = None
    if any(not argument.startswith("-") for argument in arguments):
        from selfgrasp.protocols import PLAYED

        protocol = next((PLAYED[name] for name in arguments if name in PLAYED), None)
    if protocol is None:
        return CELLS.get(cell or "", TABLETOP).options()
    return CELLS.get(cell or protocol.cell, TABLETOP).options(base=protocol.config)


def run(args: Args) -> int:
    """Measure, write the report, print the rows."""
    from selfgrasp.evaluation.measure import measure
    from selfgrasp.evaluation.measured import as_text, write_bench
    from selfgrasp.report.run_page import write_report

    measured = measure(args)
    args.out.mkdir(parents=True, exist_ok=True)
    write_bench(args.out, args, [measured])
    page = write_report([args.out])
    print(as_text(measured))
    print(f"report: {page}")
    return 0
