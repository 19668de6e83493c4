"""What a run's folder holds, read for its report; what is missing is said, not raised."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from selfgrasp.common.parts import Calibration, Chart, Pair, Table
from selfgrasp.core import InputError
from selfgrasp.protocols.episode import Row
from selfgrasp.report.story_file import Story
from selfgrasp.report.story_parts import STORY_FILE, Gallery

_FILES = ("report.json", "config.json", "log.jsonl", "pictures")
"""Without any of these a folder is not a run's."""


@dataclass(frozen=True)
class ReportData:
    """All that a report tells.

    Attributes:
        name: of the run.
        rows: the benchmark's figures.
        report: report.json as it is, for its optional parts (notes, stages, frozen, judge,
            curve ...).
        config: config.json.
        env: env.json.
        log: training, one mapping a line: step and named values; several fits follow one another.
        story: pictures; those whose file is gone are left out.
        paired: policies compared on the same scenes.
        calibration: of policies whose scores are probabilities.
        tables: the run's own.
        charts: likewise.
        missing: what was looked for and not found, in words.
    """

    name: str
    rows: tuple[Row, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Mapping[str, float], ...] = ()
    story: Story = field(default_factory=Story)
    paired: tuple[Pair, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    missing: tuple[str, ...] = ()

    def part(self, name: str) -> Sequence[Any]:
        """An optional list of report.json, empty where there is none."""
        found = self.report.get(name) or ()
        return found if isinstance(found, list | tuple) else ()

    @property
    def policies(self) -> tuple[str, ...]:
        """Names in the order of the rows."""
        return tuple(dict.fromkeys(row.policy for row in self.rows))


def read_run(run: Path) -> ReportData:
    """Everything a run's folder holds.

    Raises:
        InputError: no such folder, or a file in it that cannot be read.
    """
    if not any((run / name).exists() for name in _FILES):
        exists = (
            ", ".join(sorted(path.name for path in run.iterdir())[:8]) or "nothing"
            if run.is_dir()
            else ""
        )
        raise InputError(
            given=f"run {run}",
            wanted=f"the folder of a run, with {' or '.join(_FILES)}",
            exists=exists,
        )
    missing: list[str] = []
    report, config, env = (
        _json(run / f"{name}.json", missing) for name in ("report", "config", "env")
    )
    log = _log(run)
    if not log:
        missing.append("log.jsonl (nothing was trained here)")
    story = _story(run / "pictures", report, missing)
    return ReportData(
        name=run.resolve().name,
        rows=_rows(report, run),
        report=report,
        config=config,
        env=env,
        log=log,
        story=story,
        paired=tuple(map(Pair.from_json, report.get("paired") or ())),
        calibration=tuple(map(Calibration.from_json, report.get("calibration") or ())),
        tables=tuple(map(Table.from_json, report.get("tables") or ())),
        charts=tuple(map(Chart.from_json, report.get("charts") or ())),
        missing=tuple(missing),
    )


def joined(runs: Sequence[ReportData]) -> ReportData:
    """Several runs as one: all rows (the first of equal ones), all pictures; everything else from
    the first run that has it.

    Raises:
        InputError: no runs, or runs of different protocols, whose rows must not stand in one table.
    """
    if not runs:
        raise InputError(given="no runs", wanted="at least one")
    protocols = {run.report["protocol"] for run in runs if "protocol" in run.report}
    if len(protocols) > 1:
        raise InputError(
            given=f"runs of different protocols: {', '.join(sorted(protocols))}",
            wanted="runs of one protocol",
        )
    rows = {
        (row.policy, row.objects, row.metric): row
        for row in chain.from_iterable(run.rows for run in reversed(runs))
    }
    order = dict.fromkeys((row.policy, row.objects, row.metric) for run in runs for row in run.rows)
    report = {key: value for run in reversed(runs) for key, value in run.report.items()}
    first = next((run for run in runs if run.log), runs[0])

    def stated(part: str) -> Any:
        return next((found for run in runs if (found := getattr(run, part))), ())

    return replace(
        first,
        rows=tuple(rows[key] for key in order),
        report=report,
        story=sum((run.story for run in runs), Story()),
        paired=stated("paired"),
        calibration=stated("calibration"),
        tables=stated("tables"),
        charts=stated("charts"),
    )


def _json(path: Path, missing: list[str]) -> dict[str, Any]:
    if not path.exists():
        missing.append(path.name)
        return {}
    try:
        loaded = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(given=f"{path}: {error}", wanted="JSON") from error
    return loaded if isinstance(loaded, dict) else {"value": loaded}


def _rows(report: Mapping[str, Any], run: Path) -> tuple[Row, ...]:
    try:
        return tuple(
            Row(
                str(r["policy"]),
                str(r.get("objects", "")),
                str(r["metric"]),
                float(r["value"]),
                float(r.get("low", r["value"])),
                float(r.get("high", r["value"])),
                int(r.get("n", 0)),
                None if r.get("paper") is None else float(r["paper"]),
                tuple(r.get("privileged", ())),
            )
            for r in report.get("rows", ())
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            given=f"{run / 'report.json'} with a row that lacks or garbles {error}",
            wanted="policy, metric, value, low, high, n",
        ) from error


def _log(run: Path) -> tuple[Mapping[str, float], ...]:
    """Lines of log.jsonl here, or of the folders one below in the order of their names; steps go on
    from fit to fit."""
    here = run / "log.jsonl"
    files = [here] if here.exists() else sorted(run.glob("*/log.jsonl"))
    lines: list[Mapping[str, float]] = []
    offset, last = 0.0, 0.0
    for file in files:
        for text in file.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
                if not isinstance(line, dict):
                    continue
                # Validation lines carry the same names as training lines.
                prefix = "validation_" if line.get("part") == "validation" else ""
                numbers = {
                    k: float(v)
                    for k, v in line.items()
                    if isinstance(v, int | float) and not isinstance(v, bool)
                }
                values = {k if k == "step" else prefix + k: v for k, v in numbers.items()}
            except json.JSONDecodeError:  # the last line of a run that was killed
                continue
            if "step" not in values:
                continue
            if values["step"] + offset < last:
                offset = last
            last = values["step"] + offset
            lines.append({**values, "step": last})
    return tuple(lines)


def _story(folder: Path, report: Mapping[str, Any], missing: list[str]) -> Story:
    """The run's pictures, those of an older report.json among them; what is gone is left out and
    counted."""
    found = Story.read(folder)
    if not (folder / STORY_FILE).exists():
        missing.append("pictures (no attempt was watched)")
    # Reports of before 0.2 named their galleries in report.json.
    for entry in report.get("pictures") or ():
        captions = [*entry.get("captions", ()), *[""] * len(entry.get("files", ()))]
        padded = {**entry, "captions": captions[: len(entry.get("files", ()))]}
        found += Story(galleries=(Gallery.from_json(padded, folder),))
    kept = found.existing()
    if gone := len(found.paths) - len(kept.paths):
        missing.append(f"{gone} pictures that the run names")
    return kept
