"""What was measured, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from selfgrasp.common.parts import Calibration, Pair, Table
from selfgrasp.common.record import versions, write_config, write_json
from selfgrasp.evaluation.frozen import frozen_hashes
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import forget
from selfgrasp.protocols.episode import Row
from selfgrasp.workcell.play import Episode


@dataclass(frozen=True, eq=False)
class Measured:
    """What a protocol measured.

    Attributes:
        cell: name of the cell.
        noise: of the cell.
        rows: one for each policy and metric.
        paired: policies compared on the same scenes, where the protocol is played.
        episodes: by the policy's label, where the protocol is played.
        tables: further tables of the report.
        calibration: of learned policies, where the protocol scores actions.
    """

    cell: str
    noise: str
    rows: tuple[Row, ...]
    paired: tuple[Pair, ...] = ()
    episodes: Mapping[str, tuple[Episode, ...]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    calibration: tuple[Calibration, ...] = ()


def as_text(measured: Measured) -> str:
    """The rows and paired differences as lines."""
    lines = [
        f"{r.policy:<24} {r.objects:<10} {r.metric:<24} {r.value:8.3f}  [{r.low:.3f}, "
        f"{r.high:.3f}]  n={r.n}"
        for r in measured.rows
    ]
    lines += [
        f"{p.a} over {p.b}: {p.metric} better by {p.difference:.2f} "
        f"[{p.low:.2f}, {p.high:.2f}], {p.n} scenes"
        for p in measured.paired
    ]
    return "\n".join(lines)


def row_json(row: Row) -> dict[str, object]:
    """A row as it stands in report.json."""
    return {**asdict(row), "privileged": list(row.privileged)}


def write_bench(
    folder: Path,
    job: BenchJob,
    measured: Sequence[Measured],
    extra: Mapping[str, Any] | None = None,
) -> None:
    """config.json, env.json and report.json of measured protocols.

    Args:
        folder: where.
        job: what was measured.
        measured: its protocols.
        extra: further parts of report.json.
    """
    write_config(folder, job, job.seed)
    write_json(folder / "report.json", bench_json(job, measured, extra or {}))
    forget(folder)


def bench_json(
    job: BenchJob, measured: Sequence[Measured], extra: Mapping[str, Any]
) -> dict[str, object]:
    """The values of report.json: rows, paired differences, and what was frozen."""
    tables = [table for one in measured for table in one.tables]
    calibration = [curve for one in measured for curve in one.calibration]
    return {
        "protocol": job.protocol,
        "seed": job.seed,
        "cell": measured[-1].cell,
        "versions": versions(),
        "rows": [row_json(row) for one in measured for row in one.rows],
        "paired": [pair for one in measured for pair in one.paired],
        "frozen": frozen_hashes(),
        "noise": {"name": measured[-1].noise},
        **({"tables": tables} if tables else {}),
        **({"calibration": calibration} if calibration else {}),
        **extra,
    }
