"""The four tables, as Arrow schemas, and the way from plain values to rows and back.

attempts   one row an attempt: scalars to filter by, and the two looks and the present view as
           structs that name pictures by key. The commit point.
steps      one row a step, in order.
pictures   encoded pictures by key, each once.
labels     one row a label: scalars as JSON in `value`, lists of numbers in a column of their own,
           so that long ones do not slow the reading of others.

Version 1 kept lists of numbers as JSON in `value` as well.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfgrasp.common.untrusted import parse_json
from selfgrasp.core import InputError, Label, LabelValue
from selfgrasp.core.pose import yaw_of

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, SCHEMA_VERSION)
"""Datasets of these versions are read as they are; only the newest is written to."""

TABLES = ("pictures", "steps", "labels", "attempts")
"""In the order of writing: what others refer to comes first, and an attempt exists once its row
does."""

_POSE = pa.list_(pa.float64(), 16)
_VIEW = pa.struct(
    [
        ("name", pa.string()),
        ("color", pa.string()),
        ("depth", pa.string()),
        ("depth_step", pa.float64()),
        ("intrinsics", pa.list_(pa.float64(), 9)),
        ("world_from_camera", _POSE),
    ]
)
_HAND = pa.struct(
    [
        ("world_from_tool", _POSE),
        ("width", pa.float64()),
        ("force", pa.float64()),
        ("joints", pa.list_(pa.float64())),
    ]
)
_OBSERVATION = pa.struct([("time", pa.float64()), ("hand", _HAND), ("views", pa.list_(_VIEW))])
_ACTION = pa.struct([("kind", pa.string()), ("values", pa.list_(pa.float64()))])

SCHEMAS = {
    "attempts": pa.schema(
        [
            ("id", pa.string()),
            ("session", pa.string()),
            ("scene", pa.int64()),
            ("index", pa.int64()),
            ("round", pa.int64()),
            ("state_group", pa.string()),
            ("policy", pa.string()),
            ("goal", pa.string()),
            ("category", pa.string()),
            ("grasped", pa.bool_()),
            ("width", pa.float64()),
            ("force", pa.float64()),
            ("changed", pa.float64()),
            ("fault", pa.string()),
            ("length", pa.int64()),
            ("kind", pa.string()),
            ("x", pa.float64()),
            ("y", pa.float64()),
            ("z", pa.float64()),
            ("yaw", pa.float64()),
            ("action_width", pa.float64()),
            ("score", pa.float64()),
            ("probability", pa.float64()),
            ("has_present", pa.bool_()),
            ("before", _OBSERVATION),
            ("after", _OBSERVATION),
            ("present", _VIEW),
        ]
    ),
    "steps": pa.schema(
        [
            ("attempt", pa.string()),
            ("index", pa.int64()),
            ("observation", _OBSERVATION),
            ("action", _ACTION),
            ("executed", _ACTION),
            ("hand_after", _HAND),
            ("score", pa.float64()),
            ("probability", pa.float64()),
        ]
    ),
    "pictures": pa.schema([("key", pa.string()), ("data", pa.binary())]),
    "labels": pa.schema(
        [
            ("attempt", pa.string()),
            ("name", pa.string()),
            ("value", pa.string()),
            ("numbers", pa.list_(pa.float64())),
            ("by", pa.string()),
            ("step", pa.int64()),
            ("view", pa.string()),
        ]
    ),
}

_NEVER_NULL = frozenset(
    [
        "id",
        "session",
        "scene",
        "index",
        "round",
        "policy",
        "grasped",
        "length",
        "has_present",
        "attempt",
        "name",
        "by",
    ]
)
"""Columns of the tables that have a value in every row."""

_IDENTITY = ("id", "session", "scene", "index", "round", "state_group", "policy")
_OUTCOME = ("grasped", "width", "force", "changed", "fault")
_LOOKS = ("before", "after", "present")

NOUN_COLUMNS = (*_IDENTITY, "goal", *_OUTCOME, *_LOOKS)
"""The columns of `attempts` from which, with its steps, the noun is built; the others repeat them
for filtering."""

SCALAR_COLUMNS = tuple(
    field.name for field in SCHEMAS["attempts"] if not pa.types.is_struct(field.type)
)


def schemas_of(version: int) -> dict[str, pa.Schema]:
    """The Arrow schemas of the tables of a dataset of `version`, by table."""
    labels = SCHEMAS["labels"]
    if version == 1:
        labels = labels.remove(labels.get_field_index("numbers"))
    return {**SCHEMAS, "labels": labels}


def require_values(rows: pa.Table, table: str) -> pa.Table:
    """`rows` of a table, some of its columns.

    Raises:
        InputError: one is without a value that every row has.
    """
    for name in _NEVER_NULL.intersection(rows.column_names):
        if missing := rows[name].null_count:
            raise InputError(
                given=f"{missing} rows of the table {table} without {name}",
                wanted="a value in every row (`selfgrasp check` says which are damaged)",
            )
    return rows


def attempt_row(plain: Mapping[str, Any]) -> dict[str, object]:
    """A row of `attempts` from an encoded attempt's plain values."""
    steps = plain["steps"]
    row = {name: plain[name] for name in (*_IDENTITY, *_LOOKS)}
    row |= plain["outcome"]
    row |= {
        "goal": json.dumps(plain["goal"]),
        "category": plain["goal"].get("category"),
        "length": len(steps),
        "has_present": plain["present"] is not None,
    }
    if steps:
        last = steps[-1]
        row |= {
            "kind": last["action"]["kind"],
            "score": last["score"],
            "probability": last["probability"],
            **_where(last),
        }
    return row


def step_rows(plain: Mapping[str, Any]) -> list[dict[str, object]]:
    """The rows of `steps` from an encoded attempt's plain values."""
    return [{"attempt": plain["id"], "index": i, **step} for i, step in enumerate(plain["steps"])]


def attempt_plain(row: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """The plain values of an attempt from its row (`NOUN_COLUMNS`) and its steps' rows in order.

    Raises:
        InputError: its goal is no JSON.
    """
    return {
        **{name: row[name] for name in NOUN_COLUMNS},
        "goal": parse_json(row["goal"] or "", name=f"the goal of attempt {row['id']}"),
        "outcome": {name: row[name] for name in _OUTCOME},
        "steps": list(steps),
    }


def label_row(label: Label) -> dict[str, object]:
    """A row of `labels`.

    Raises:
        InputError: a number that is not finite.
    """
    value = label.value.item() if isinstance(label.value, np.generic) else label.value
    numbers = isinstance(value, tuple | list)
    for number in value if isinstance(value, tuple | list) else (value,):
        if isinstance(number, float) and not math.isfinite(number):
            raise InputError(
                given=f"label {label.name} of {label.attempt} with the number {number}",
                wanted="finite numbers; no label where there is none",
            )
    return {
        "attempt": label.attempt,
        "name": label.name,
        "value": None if numbers else json.dumps(value),
        "numbers": value if numbers else None,
        "by": label.by,
        "step": label.step,
        "view": label.view,
    }


def label_values(table: pa.Table) -> list[LabelValue]:
    """The values in rows of `labels` of any version: the inverse of `label_row`.

    Raises:
        InputError: a text that is no JSON, or no value of a label.
    """
    texts, numbers = table["value"], table["numbers"] if "numbers" in table.column_names else None
    if numbers is None or numbers.null_count == len(table):
        return [label_value(text, None) for text in texts.to_pylist()]
    return [
        label_value(text, values)
        for text, values in zip(texts.to_pylist(), numbers.to_pylist(), strict=True)
    ]


def label_value(text: str | None, numbers: list[float] | None) -> LabelValue:
    """The value in a row of `labels`: JSON in `value`, or `numbers`.

    Raises:
        InputError: neither, or the text is no JSON, or no value of a label.
    """
    value = numbers
    if numbers is None and text is not None:
        value = _parsed(text)
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(type(number) in (int, float) for number in value):
        return tuple(value)
    raise InputError(
        given=f"{'nothing' if value is None else repr(value)[:40]} as the value of a label",
        wanted="true or false, a number, a text or a list of numbers",
    )


def _parsed(text: str) -> Any:
    if not text.startswith(("[", "{")):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return parse_json(text, name=f"{text!r:.40} as the value of a label", nonfinite=True)


def labels_of_this_version(table: pa.Table) -> pa.Table:
    """Rows of `labels` of any version as `SCHEMAS` has them."""
    if "numbers" not in table.column_names:
        is_list = pc.starts_with(table["value"], "[")
        lists = [
            label_value(text, None) if yes else None
            for text, yes in zip(table["value"].to_pylist(), is_list.to_pylist(), strict=True)
        ]
        scalars = pc.if_else(is_list, pa.scalar(None, pa.string()), table["value"])
        table = table.set_column(table.column_names.index("value"), "value", scalars)
        table = table.append_column("numbers", pa.array(lists, pa.list_(pa.float64())))
    return table.select(SCHEMAS["labels"].names).cast(SCHEMAS["labels"])


def picture_keys(attempts: Iterable[Mapping[str, Any]]) -> set[str]:
    """The keys of every picture that plain attempts refer to."""
    keys: set[str] = set()
    for plain in attempts:
        looks = [plain["before"], plain["after"], *(step["observation"] for step in plain["steps"])]
        views = [view for look in looks if look is not None for view in look["views"]]
        if plain["present"] is not None:
            views.append(plain["present"])
        views.extend(_goal_views(plain["goal"]))
        for view in views:
            keys.add(view["color"])
            if view["depth"] is not None:
                keys.add(view["depth"])
    return keys


def _goal_views(goal: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    own = [goal["image"]] if "image" in goal else []
    return own + [view for part in goal.get("any_of", ()) for view in _goal_views(part)]


def _where(step: Mapping[str, Any]) -> dict[str, object]:
    """Where the deciding action happened: its own place where it has one, and the hand's otherwise
    (Move, Close)."""
    values = step["action"]["values"]
    match step["action"]["kind"]:
        case "push":
            (x, y, z), yaw, width = values[:3], values[3], None
        case "release":
            (x, y, z), yaw, width = values, None, None
        case "grasp":
            (x, y, z), yaw, width = (
                values[3:12:4],
                yaw_of(np.reshape(values[:16], (4, 4))),
                values[16],
            )
        case _:
            pose = step["hand_after"]["world_from_tool"]
            (x, y, z), yaw, width = (
                pose[3:12:4],
                yaw_of(np.reshape(pose, (4, 4))),
                step["hand_after"]["width"],
            )
    return {"x": x, "y": y, "z": z, "yaw": yaw, "action_width": width}
