"""`selfgrasp doctor`: what works on this machine, and how to fix what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

PACKAGES = (
    "numpy",
    "torch",
    "mujoco",
    "pylance",
    "pyarrow",
    "opencv-python-headless",
    "gymnasium",
    "trimesh",
    "coacd",
)
EXTRAS = {"coacd": "meshes"}
WANTED_DISK_GB = 5.0
WANTED_MEMORY_GB = 4.0


@dataclass(frozen=True)
class Args:
    """Say what works on this machine, and how to fix what does not. Exit code 1 if something
    essential fails."""

    json: bool = False
    """Print JSON instead of a table."""


class Health(StrEnum):
    """How a finding stands: `note` works but could be better, `fail` stops the work."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        what: its name.
        health: how it stands.
        found: what was found.
        fix: how to fix it; empty when it is well.
    """

    what: str
    health: Health
    found: str
    fix: str = ""


def run(args: Args) -> int:
    """Print the findings as they come; 1 if one of them is essential and fails."""
    if args.json:
        import json

        findings = list(examine())
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        findings = []
        for finding in examine():
            _show(finding)
            findings.append(finding)
    return int(any(finding.health is Health.FAIL for finding in findings))


def examine() -> Iterator[Finding]:
    """Every finding, in the order in which one depends on another."""
    checks: dict[str, Callable[[], Finding]] = {
        "python": _python,
        "packages": _packages,
        "renderer": _renderer,
        "torch": _torch,
        "dataset": _dataset,
        "disk": _disk,
        "memory": _memory,
        "one grasp": _one_grasp,
    }
    for what, check in checks.items():
        try:
            yield check()
        except Exception as error:  # whatever breaks is what the doctor is asked about
            first_line = (str(error).splitlines() or [""])[0]
            yield Finding(
                what,
                Health.FAIL,
                f"{type(error).__name__}: {first_line}",
                "install again: make clean, then make demo",
            )


def _show(finding: Finding) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(width=10, no_wrap=True)
    table.add_column(width=4)
    table.add_column(overflow="fold")
    color = {Health.OK: "green", Health.NOTE: "yellow", Health.FAIL: "red"}[finding.health]
    table.add_row(finding.what, f"[{color}]{finding.health}[/]", finding.found)
    if finding.fix:
        table.add_row("", "", f"how to fix it: {finding.fix}")
    Console(markup=True, highlight=False).print(table)


def _python() -> Finding:
    import platform

    from selfgrasp import __version__

    return Finding(
        "python",
        Health.OK,
        f"{platform.python_version()} on {platform.system()} {platform.machine()}; selfgrasp "
        f"{__version__}",
    )


def _packages() -> Finding:
    from importlib import metadata

    versions: dict[str, str] = {}
    missing: list[str] = []
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    if not missing:
        return Finding("packages", Health.OK, found)
    optional = all(name in EXTRAS for name in missing)
    extras = ",".join(sorted({EXTRAS[name] for name in missing if name in EXTRAS}))
    fix = (
        f"pip install -c constraints.txt -e '.[{extras}]' for your own meshes"
        if optional
        else "pip install -c constraints.txt -e ."
    )
    return Finding(
        "packages",
        Health.NOTE if optional else Health.FAIL,
        f"{found}; missing: {', '.join(missing)}",
        fix,
    )


def _renderer() -> Finding:
    from selfgrasp.workcell.sim.gl import (
        RENDERER_VARIABLE,
        RendererKind,
        choose_renderer,
        try_context,
    )

    # First in a process of its own: a broken driver may kill it.
    tried = try_context()
    if tried.kind is RendererKind.GL:
        chosen = choose_renderer()
        return Finding("renderer", Health.OK, f"{chosen.kind}: {chosen.reason}")
    found = f"{RendererKind.RAYS}: {tried.reason}"
    if tried.fix:
        return Finding("renderer", Health.NOTE, found, f"for faster pictures: {tried.fix}")
    fix = f"export {RENDERER_VARIABLE}=rays says so and saves the attempt"
    return Finding("renderer", Health.NOTE, found, fix)


def _torch() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("torch", Health.OK, f"cuda: {torch.cuda.get_device_name()}")
    return Finding(
        "torch",
        Health.OK,
        f"cpu, {torch.get_num_threads()} threads; enough for the small presets, the paper "
        "presets want a GPU",
    )


def _dataset() -> Finding:
    import tempfile

    import lance
    import pyarrow as pa

    with tempfile.TemporaryDirectory() as folder:
        lance.write_dataset(pa.table({"number": [1, 2, 3]}), folder)
        count = lance.dataset(folder).count_rows()
    if count != 3:
        return Finding(
            "dataset",
            Health.FAIL,
            f"lance {lance.__version__}: wrote 3 rows, read {count}",
            "pip install -c constraints.txt pylance",
        )
    return Finding("dataset", Health.OK, f"lance {lance.__version__} writes and reads")


def _disk() -> Finding:
    import shutil

    free = shutil.disk_usage(".").free / 1e9
    found = f"{free:.1f} GB free in this folder"
    if free < WANTED_DISK_GB:
        return Finding(
            "disk",
            Health.NOTE,
            found,
            f"{WANTED_DISK_GB:g} GB or more are comfortable: free some, or write elsewhere "
            "with --out",
        )
    return Finding("disk", Health.OK, found)


def _memory() -> Finding:
    import os

    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    found = f"{total:.1f} GB, {os.cpu_count()} cores"
    if total < WANTED_MEMORY_GB:
        return Finding("memory", Health.NOTE, found, "collect with --workers 1")
    return Finding("memory", Health.OK, found)


def _one_grasp() -> Finding:
    import time

    from selfgrasp.core import Fault
    from selfgrasp.methods.baselines.heuristic import HeuristicPolicy
    from selfgrasp.objects.catalogue import train_objects
    from selfgrasp.workcell.attempt import Ids
    from selfgrasp.workcell.cells.simulated import tabletop

    began = time.perf_counter()
    with tabletop(train_objects(10)).cell as cell:
        cell.reset(0)
        attempt = cell.attempt(HeuristicPolicy(), Ids("doctor", 0, 0)).attempt
    seconds = time.perf_counter() - began
    if attempt.outcome.fault in (Fault.NO_IMAGE, Fault.UNSTABLE):
        return Finding(
            "one grasp",
            Health.FAIL,
            f"{attempt.outcome.fault} after {seconds:.1f} s",
            "pip install -c constraints.txt mujoco",
        )
    sensed = (
        "holds something"
        if attempt.outcome.grasped
        else f"holds nothing ({attempt.outcome.fault or 'missed'})"
    )
    return Finding("one grasp", Health.OK, f"tried in {seconds:.1f} s with start-up: {sensed}")
