"""How a run was made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from markupsafe import Markup

from selfgrasp.report.data import ReportData
from selfgrasp.report.html import code, details, facts, table
from selfgrasp.report.markup import EMPTY, element
from selfgrasp.report.words import duration


def provenance(data: ReportData) -> list[Markup]:
    """What was run, how long its stages took, what was frozen, versions, options."""
    report, env = data.report, data.env
    plain = [
        ("protocol", report.get("protocol")),
        ("cell", report.get("cell")),
        ("seed", report.get("seed", env.get("seed"))),
    ]
    plain += [(key.replace("_", " "), env[key]) for key in ("commit", "device") if key in env]
    parts = [facts([(name, value) for name, value in plain if value is not None])]
    if data.part("stages"):
        rows = [
            [stage["name"], duration(float(stage.get("seconds", 0.0))), stage.get("detail", "")]
            for stage in data.part("stages")
        ]
        parts.append(table(rows, head=("stage", "time", "what"), numbers=(1,)))
    if data.part("commands"):
        parts.append(code("\n".join(str(command) for command in data.part("commands"))))
    for title, key in (
        ("Judge against truth", "judge"),
        ("Frozen before any learned result was looked at", "frozen"),
        ("Versions", "versions"),
        ("Noise", "noise"),
    ):
        values = report.get(key) or (env.get(key) if key == "versions" else None)
        if isinstance(values, Mapping) and values:
            parts.append(
                details(
                    title,
                    facts(
                        [
                            (name.replace("_", " "), _plain(name, value))
                            for name, value in values.items()
                        ]
                    ),
                    opened=key == "judge",
                )
            )
    if data.config:
        parts.append(details("Configuration", code(json.dumps(data.config, indent=2, default=str))))
    if data.missing:
        parts.append(
            details(
                "Not in this run's folder",
                element("ul", *(element("li", text) for text in data.missing)),
            )
        )
    return parts or [EMPTY]


def _plain(name: str, value: object) -> str:
    if isinstance(value, float):
        rate = any(word in name for word in ("rate", "share", "disagree", "false"))
        return f"{value * 100:.1f} %" if rate and 0 <= value <= 1 else f"{value:.4g}"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
