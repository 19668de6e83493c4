"""How a run learned: curves of success and of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from selfgrasp.report.chart import Series, line_chart
from selfgrasp.report.data import ReportData
from selfgrasp.report.policies import PolicyStyle, policy_styles

_NAMES = {
    "loss": "training",
    "validation_loss": "validation",
    "validation_accuracy": "accuracy",
    "validation_auc": "AUC",
    "auc": "AUC",
    "accuracy": "training accuracy",
}


def learning_charts(data: ReportData) -> list[Markup]:
    """Success against attempts, loss and accuracy against steps; those without figures are left
    out."""
    return [*_success_curve(data), *_training_charts(data)]


def _training_charts(data: ReportData) -> list[Markup]:
    keys = list(dict.fromkeys(key for line in data.log for key in line))
    losses = [key for key in keys if key in ("loss", "validation_loss")]
    shares = [key for key in keys if key.endswith(("accuracy", "auc"))]
    charts = []
    if losses:
        charts.append(
            line_chart(
                _series(data, losses),
                x_label="training step",
                y_label="loss",
                label="loss against training step",
            )
        )
    if shares:
        charts.append(
            line_chart(
                _series(data, shares),
                x_label="training step",
                y_label="on held-out scenes",
                percent=True,
                label="accuracy against training step",
            )
        )
    return charts


def _series(data: ReportData, keys: Sequence[str]) -> list[Series]:
    found: list[Series] = []
    for key in keys:
        pairs = [(line["step"], line[key]) for line in data.log if key in line]
        # A noisy training curve drawn second would hide the validation curve.
        color = (
            0
            if key in ("loss", "training_loss", "accuracy") and len(keys) > 1
            else 1 + sum(s.color > 0 for s in found)
        )
        found.append(
            Series(
                _NAMES.get(key, key.replace("_", " ")),
                tuple(x for x, _ in pairs),
                tuple(y for _, y in pairs),
                color=color,
            )
        )
    return found


def _success_curve(data: ReportData) -> list[Markup]:
    points, known = data.part("curve"), policy_styles(data)
    if not points:
        return []
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        groups.setdefault(str(point.get("policy", "learned")), []).append(point)
    series = [
        Series(
            name,
            tuple(float(p["attempts"]) for p in some),
            tuple(float(p["value"]) for p in some),
            tuple(float(p["low"]) for p in some if "low" in p),
            tuple(float(p["high"]) for p in some if "high" in p),
            color=known.get(name, PolicyStyle(1 + i % 6)).color,
        )
        for i, (name, some) in enumerate(groups.items())
    ]
    widest = (min(x for s in series for x in s.x), max(x for s in series for x in s.x))
    base = next(
        (
            row
            for row in data.rows
            if row.policy == "random" and row.metric == points[0].get("metric", "success")
        ),
        None,
    )
    if base is not None:
        series.append(Series("random", widest, (base.value, base.value), color=0, dashed=True))
    return [
        line_chart(
            series,
            x_label="attempts",
            y_label="success",
            percent=True,
            label="success against attempts",
        )
    ]
