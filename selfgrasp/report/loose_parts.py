"""Parts of report.json that have no class of their own: which type each must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfgrasp.common.parts.part import MOST_ENTRIES, MOST_FIGURE
from selfgrasp.core import InputError

_TEXTS = ("protocol", "cell", "labelled")
_LISTS = ("commands", "reductions", "notes")
_STAGE: Mapping[str, type] = {"name": str, "seconds": float, "detail": str}
_POINT: Mapping[str, type] = {
    "attempts": float,
    "value": float,
    "low": float,
    "high": float,
    "policy": str,
    "metric": str,
}
_HEADLINE: Mapping[str, type] = {"base": str, "learned": str}


def check_loose_parts(report: Mapping[str, Any]) -> None:
    """Refuse a report.json in which a part has another type than the page takes.

    Raises:
        InputError: it has; the message names the part.
    """
    for name in _TEXTS:
        _require(report.get(name, ""), str, name)
    _require(report.get("attempts") or 0, float, "attempts")
    for name in _LISTS:
        _require(report.get(name) or [], list, name)
    _require_fields(report.get("headline") or {}, _HEADLINE, "headline", ())
    for name, fields, needed in (
        ("stages", _STAGE, ("name",)),
        ("curve", _POINT, ("attempts", "value")),
    ):
        found = report.get(name) or []
        _require(found, list, name)
        for entry in found:
            _require_fields(entry, fields, name, needed)


def _require_fields(
    entry: object, fields: Mapping[str, type], part: str, needed: tuple[str, ...]
) -> None:
    _require(entry, dict, part)
    assert isinstance(entry, dict)
    for name in needed:
        _require(entry.get(name), fields[name], f"{part}: {name}")
    for name, kind in fields.items():
        if name in entry:
            _require(entry[name], kind, f"{part}: {name}")


def _require(value: object, kind: type, name: str) -> None:
    if kind is float:
        # NaN is in no order, and so is refused.
        right = type(value) in (int, float) and -MOST_FIGURE < value < MOST_FIGURE  # type: ignore[operator]
    else:
        right = isinstance(value, kind) and not (kind is list and len(value) > MOST_ENTRIES)  # type: ignore[arg-type]
    if not right:
        words = {str: "a text", float: "a finite number", list: "a list", dict: "an object"}
        raise InputError(given=f"{name} = {value!r:.60} in report.json", wanted=words[kind])
