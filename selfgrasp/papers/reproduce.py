"""`selfgrasp reproduce`: collect, train, measure; the paper's tables with its figures beside
ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from selfgrasp.common.checks import check_minimum
from selfgrasp.common.parts import Table

if TYPE_CHECKING:
    from selfgrasp.papers.steps import Work

SYSTEMS = ("supersizing", "hand_eye", "semantic")
"""`selfgrasp.papers.SYSTEM.reproduction` of each says how: PAPER, its `Work` and `Folders`,
`sizes_of(preset)` or `quick()`, which are `scaled` or given `with_trials`, `steps_of(work)`, and
`parts(work)` of the report."""


@dataclass(frozen=True)
class Args:
    """Do a paper again from nothing: collect, train, measure, and put its figures beside ours.

    Every step skips what is done already: run the same command again to go on after an
    interruption, at any point.

    Attributes:
        system: supersizing, hand_eye or semantic.
        out: folder of everything.
        preset: small trains on two cores; paper has the paper's network (semantic: larger ones, and
            as many labelled attempts as were published), and wants a GPU.
        attempts: random ones to begin with (semantic: those from bins of everything); all other
            collections go with it.
        seeds: trainings of everything that is compared.
        trials: scenes a policy of `isolated`, and a fifth as many of `clear`; bins of `deplete`, or
            of `category`.
        workers: processes.
        seed: of scenes, choices and the first training.
        device: to train on: auto, cpu, cuda.
        quick: tiny sizes, to see that everything runs; its figures mean nothing.
    """

    system: Positional[str]
    out: Path
    preset: Literal["small", "paper"] = "small"
    attempts: int | None = None
    seeds: int | None = None
    trials: int | None = None
    workers: int = 2
    seed: int = 0
    device: str = "auto"
    quick: bool = False


def run(args: Args) -> int:
    """All steps, each with its time, and the tables."""
    from selfgrasp.papers.steps import Step, freeze

    reproduction, work = reproduction_of(args)
    print(f"{args.system}:{args.preset}, after {reproduction.PAPER}")
    steps = (
        Step("freeze objects, noise and heuristic", freeze),
        *reproduction.steps_of(work),
        Step("report", partial(_report, args=args, parts_of=reproduction.parts)),
    )
    for number, step in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {step.name}", flush=True)
        began = time.perf_counter()
        said = step.run(work)
        print(f"    {said} ({time.perf_counter() - began:.0f} s)", flush=True)
    written = json.loads((args.out / "report.json").read_text())
    print(as_text([Table.from_json(table) for table in written["tables"]]))
    return 0


def reproduction_of(args: Args) -> tuple[Any, Any]:
    """The module that says how, see `SYSTEMS`, and the `Work` for these arguments.

    Raises:
        InputError: no such system (the message lists the known ones), a number below 1, or a device
            this machine lacks.
    """
    from selfgrasp.core import unknown_name

    if args.system not in SYSTEMS:
        raise unknown_name("system", args.system, SYSTEMS)
    check_minimum(args, attempts=1, seeds=1, trials=1, workers=1)
    from selfgrasp.learn.recipe import device_of

    device_of(args.device)
    module = import_module(f"selfgrasp.papers.{args.system}.reproduction")
    sizes = module.quick() if args.quick else module.sizes_of(args.preset)
    sizes = sizes if args.attempts is None else module.scaled(sizes, args.attempts)
    sizes = sizes if args.seeds is None else replace(sizes, seeds=args.seeds)
    sizes = sizes if args.trials is None else module.with_trials(sizes, args.trials)
    return module, module.Work(
        module.Folders(args.out), sizes, args.preset, args.workers, args.seed, args.device
    )


def _report(work: Work, *, args: Args, parts_of: Callable[[Work], Mapping[str, Any]]) -> str:
    """report.json and report.html."""
    from selfgrasp.common.record import versions, write_config, write_json
    from selfgrasp.report.run_page import write_report

    parts, frozen = parts_of(work), json.loads((args.out / "frozen.json").read_text())
    write_config(args.out, args, args.seed)
    facts = {
        "protocol": f"reproduction of {args.system}",
        "seed": args.seed,
        "versions": versions(),
        "frozen": frozen,
    }
    write_json(args.out / "report.json", {**facts, **parts})
    return f"{write_report([args.out])}"


def as_text(tables: Sequence[Table]) -> str:
    """The tables for a terminal; columns whose title names the paper hold its figures."""
    return "\n\n".join("\n".join(_table(table)) for table in tables)


def _table(table: Table) -> list[str]:
    cells = [list(table.columns), *([_cell(value) for value in row] for row in table.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return [table.title, *lines]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return (
        f"{value:.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
