"""Reproduces a paper: its steps in order, then the report."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from selfgrasp.common.lock import FolderLock
from selfgrasp.common.parts import Table
from selfgrasp.common.record import versions, write_config, write_json
from selfgrasp.core.bounds import check_bounds
from selfgrasp.core.errors import unknown_name
from selfgrasp.learn.recipe import device_of
from selfgrasp.papers.jobs import ReproduceJob
from selfgrasp.papers.registry import reproduction_named
from selfgrasp.papers.reproduction import Folders, Reproduction, Step, Work
from selfgrasp.papers.steps import freeze
from selfgrasp.report.run_page import write_report


def reproduce(job: ReproduceJob) -> tuple[Table, ...]:
    """All steps, each printed with its time; returns the tables of the report.

    Raises:
        InputError: see `work_of`; something that was frozen has changed, see `freeze`; another
            process reproduces something in that folder.
    """
    reproduction = reproduction_named(job.system)
    work = work_of(job, reproduction)
    with FolderLock(job.out, ".reproduction", what="folder", doing="reproducing in"):
        return _reproduced(job, reproduction, work)


def _reproduced(
    job: ReproduceJob, reproduction: Reproduction[Any, Any], work: Work
) -> tuple[Table, ...]:
    print(f"{job.system}:{job.preset}, after {reproduction.paper}")
    steps = (
        Step("freeze objects, noise and heuristic", freeze),
        *reproduction.steps(work),
        Step("report", partial(_report, job=job, reproduction=reproduction)),
    )
    for number, step in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {step.name}", flush=True)
        began = time.perf_counter()
        said = step.run(work)
        print(f"    {said} ({time.perf_counter() - began:.0f} s)", flush=True)
    written = json.loads((job.out / "report.json").read_text())
    return tuple(map(Table.from_json, written["tables"]))


def work_of(job: ReproduceJob, reproduction: Reproduction[Any, Any]) -> Work:
    """What the steps work on, with these arguments.

    Raises:
        InputError: a preset that the paper has not, a number below 1, or a device this machine
            lacks.
    """
    check_bounds(job)
    device_of(job.device)
    if job.preset not in reproduction.presets:
        raise unknown_name(f"preset of {job.system}", job.preset, reproduction.presets)
    sizes = reproduction.quick() if job.quick else reproduction.presets[job.preset]()
    sizes = sizes if job.attempts is None else reproduction.scaled(sizes, job.attempts)
    sizes = sizes if job.seeds is None else replace(sizes, seeds=job.seeds)
    sizes = sizes if job.trials is None else reproduction.with_trials(sizes, job.trials)
    made: Work = reproduction.work(
        Folders(job.out), sizes, job.preset, job.workers, job.seed, job.device
    )
    return made


def _report(work: Work, *, job: ReproduceJob, reproduction: Reproduction[Any, Any]) -> str:
    """Write report.json and report.html."""
    frozen = json.loads((job.out / "frozen.json").read_text())
    write_config(job.out, job, job.seed)
    facts = {
        "protocol": f"reproduction of {job.system}",
        "seed": job.seed,
        "versions": versions(),
        "frozen": frozen,
    }
    write_json(job.out / "report.json", {**facts, **reproduction.report(work).to_json()})
    return f"{write_report([job.out])}"


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
    match value:
        case None:
            return ""
        case float():
            return f"{value:.3f}"
        case int():
            return f"{value:,}"
    return str(value)
