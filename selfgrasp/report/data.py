"""What a run's folder holds, read for its report; what is missing is said, not raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from selfgrasp.common.parts import Calibration, Chart, Pair, Table
from selfgrasp.common.parts.part import MOST_FIGURE, entries, figure, require
from selfgrasp.common.untrusted import parse_json, read_json, read_text
from selfgrasp.core import InputError
from selfgrasp.protocols.episode import Row
from selfgrasp.report.loose_parts import check_loose_parts
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
    check_loose_parts(report)
    log = _log(run)
    if not log:
        missing.append("log.jsonl (nothing was trained here)")
    story = _story(run / "pictures", report, missing)
    return ReportData(
        name=run.resolve().name,
        rows=entries(report, "rows", _row),
        report=report,
        config=config,
        env=env,
        log=log,
        story=story,
        paired=entries(report, "paired", Pair.from_json),
        calibration=entries(report, "calibration", Calibration.from_json),
        tables=entries(report, "tables", Table.from_json),
        charts=entries(report, "charts", Chart.from_json),
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
    loaded = read_json(path, nonfinite=True)
    return loaded if isinstance(loaded, dict) else {"value": loaded}


def _row(r: Mapping[str, Any]) -> Row:
    require(r, "rows", ("policy", "metric", "value"))
    value = figure(r["value"])
    return Row(
        str(r["policy"]),
        str(r.get("objects", "")),
        str(r["metric"]),
        value,
        figure(r.get("low", value)),
        figure(r.get("high", value)),
        int(r.get("n", 0)),
        None if r.get("paper") is None else figure(r["paper"]),
        tuple(str(label) for label in r.get("privileged", ())),
    )


def _log(run: Path) -> tuple[Mapping[str, float], ...]:
    """Lines of log.jsonl here, or of the folders one below in the order of their names; steps go on
    from fit to fit."""
    here = run / "log.jsonl"
    files = [here] if here.exists() else sorted(run.glob("*/log.jsonl"))
    lines: list[Mapping[str, float]] = []
    offset, last = 0.0, 0.0
    for file in files:
        for text in read_text(file).splitlines():
            try:
                line = parse_json(text, nonfinite=True)
            except InputError:  # the last line of a run that was killed
                continue
            values = _numbers(line) if isinstance(line, dict) else {}
            if "step" not in values:
                continue
            if values["step"] + offset < last:
                offset = last
            last = values["step"] + offset
            lines.append({**values, "step": last})
    return tuple(lines)


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    # Validation lines carry the same names as training lines.
    prefix = "validation_" if line.get("part") == "validation" else ""
    return {
        name if name == "step" else prefix + name: float(value)
        for name, value in line.items()
        if type(value) in (int, float) and abs(value) < MOST_FIGURE
    }


def _story(folder: Path, report: Mapping[str, Any], missing: list[str]) -> Story:
    """The run's pictures, those of an older report.json among them; what is gone, broken or not in
    `folder` is left out and counted."""
    found = Story.read(folder)
    if not (folder / STORY_FILE).exists():
        missing.append("pictures (no attempt was watched)")
    # Reports of before 0.2 named their galleries in report.json.
    galleries = entries(report, "pictures", lambda entry: _gallery(entry, folder))
    found += Story(galleries=galleries)
    kept = found.existing(folder)
    if gone := len(found.paths) - len(kept.paths):
        missing.append(f"{gone} pictures that the run names")
    return kept


def _gallery(entry: Mapping[str, Any], folder: Path) -> Gallery:
    files = entry.get("files", ())
    captions = [*entry.get("captions", ()), *[""] * len(files)]
    return Gallery.from_json({**entry, "captions": captions[: len(files)]}, folder)
