"""What was measured, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfgrasp.common.parts import Pair
from selfgrasp.common.record import versions, write_config, write_json
from selfgrasp.evaluation.frozen import frozen_hashes
from selfgrasp.evaluation.log import forget
from selfgrasp.protocols import PLAYED
from selfgrasp.workcell.cells.config import CellConfig
from selfgrasp.workcell.cells.registry import cell_kind

if TYPE_CHECKING:
    from selfgrasp.evaluation.job import BenchJob
    from selfgrasp.protocols.episode import Episode, Row


@dataclass(frozen=True, eq=False)
class Measured:
    """A protocol's rows and, for played protocols, the episodes by the policy's label."""

    rows: tuple[Row, ...]
    paired: tuple[Pair, ...] = ()
    episodes: Mapping[str, tuple[Episode, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def cell_name(args: BenchJob) -> str:
    """The cell that was asked for, or the protocol's."""
    if args.cell is not None:
        return args.cell
    return PLAYED[args.protocol].cell if args.protocol in PLAYED else "tabletop"


def cell_options(args: BenchJob) -> CellConfig:
    """The cell's options: those given, then the protocol's, then the cell's own.

    Raises:
        InputError: an unknown cell, or an option that it does not have.
    """
    base = PLAYED[args.protocol].config if args.protocol in PLAYED else None
    return cell_kind(cell_name(args)).options(args.options, base=base)


def as_text(measured: Measured) -> str:
    """The rows and paired differences as lines."""
    lines = [
        f"{r.policy:<24} {r.objects:<8} {r.metric:<16} {r.value:8.3f}  [{r.low:.3f}, "
        f"{r.high:.3f}]  n={r.n}"
        for r in measured.rows
    ]
    lines += [
        f"{p.a} over {p.b}: {p.metric} better by {p.difference:.2f} "
        f"[{p.low:.2f}, {p.high:.2f}], {p.n} scenes"
        for p in measured.paired
    ]
    return "\n".join(lines)


def row_json(row: Row) -> dict[str, Any]:
    """A row as it stands in report.json."""
    return {**asdict(row), "privileged": list(row.privileged)}


def write_bench(
    folder: Path,
    args: BenchJob,
    measured: Sequence[Measured],
    extra: Mapping[str, Any] | None = None,
) -> None:
    """config.json, env.json and report.json of measured protocols."""

    write_config(folder, args, args.seed)
    write_json(folder / "report.json", bench_json(args, measured, extra or {}))
    forget(folder)


def bench_json(
    args: BenchJob, measured: Sequence[Measured], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The report's values: rows, paired differences, and what was frozen."""

    merged: dict[str, Any] = {}
    for one in measured:
        merged.update(one.extra)
    return {
        "protocol": args.protocol,
        "seed": args.seed,
        "cell": cell_name(args),
        "versions": versions(),
        "rows": [row_json(row) for one in measured for row in one.rows],
        "paired": [pair for one in measured for pair in one.paired],
        "frozen": frozen_hashes(),
        "noise": {"name": cell_options(args).noise},
        **merged,
        **extra,
    }
