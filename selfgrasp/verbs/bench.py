"""`selfgrasp bench`: measure any policy by a protocol, on the same scenes for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from selfgrasp.core.bounds import Workers
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.names import STORED, protocol_names, protocol_object
from selfgrasp.verbs.cell_options import said, value_of, with_cell
from selfgrasp.verbs.command import Chosen, with_fields
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.registry import CELLS
from selfgrasp.workcell.cells.tabletop import TABLETOP

_UNPREFIXED = tyro.conf.arg(name="")


@dataclass(frozen=True)
class Args:
    """Measure any policy by a protocol. Every policy meets the same scenes: same objects, drops and
    noise.

    Run the same command again to go on after an interruption; once done, it measures anew.

    Attributes:
        job: what to measure.
        out: folder for report.json and report.html.
        workers: processes.
    """

    job: Annotated[BenchJob, _UNPREFIXED]
    out: Path
    workers: Workers = 2


def choose(arguments: Sequence[str]) -> Chosen:
    """The one way to measure; the help says whose values of options it shows."""
    name = _protocol_in(arguments)
    more = f"The cell's options below have the values of `{name}`." if name else ""
    # A usage line leaves a protocol out that is already among the arguments.
    prog = name if name and arguments[0] == name else ""
    return Chosen(Args, run, arguments, prog=prog, more=more, read=read)


def read(arguments: Sequence[str], parse: Callable[[type[Args]], Args]) -> Args:
    """The arguments, with the options of the cell that is among them, or of the protocol's; in
    `options` only what was given."""
    options = _options(arguments, value_of("--cell", arguments))
    job: Any = Annotated[with_cell(BenchJob, None, options), _UNPREFIXED]
    args = parse(with_fields(Args, {"job": (job, MISSING)}))
    return replace(args, job=replace(args.job, options=said(arguments, args.job.options)))


def _options(arguments: Sequence[str], cell: str | None) -> CellConfig:
    """Those of the protocol among the arguments, if there is one; the cell's own otherwise."""
    name = _protocol_in(arguments)
    protocol = None if name is None or name in STORED else protocol_object(name)
    usual = protocol.cell if protocol else STORED.get(name or "", "")
    kind = CELLS.get(cell or usual, TABLETOP)
    options: CellConfig = kind.options(base=protocol.config if protocol else None)
    return options


def _protocol_in(arguments: Sequence[str]) -> str | None:
    known = protocol_names()
    return next((argument for argument in arguments if argument in known), None)


def run(args: Args) -> int:
    """Measure, write the report, print the rows."""
    from selfgrasp.evaluation.measured import as_text, write_bench
    from selfgrasp.papers.bench import bench
    from selfgrasp.report.run_page import write_report

    measured = bench(args.job, out=args.out, workers=args.workers)
    write_bench(args.out, args.job, [measured])
    page = write_report([args.out])
    print(as_text(measured))
    print(f"report: {page}")
    return 0
