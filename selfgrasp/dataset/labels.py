"""Labels from a spreadsheet: columns attempt, name, value and, where they are wanted, step and
view."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

from selfgrasp.core import InputError, Label
from selfgrasp.dataset.meta import read_meta
from selfgrasp.dataset.reader import Dataset
from selfgrasp.dataset.writer import DatasetWriter

_REQUIRED = ("attempt", "name", "value")
_OPTIONAL = ("step", "view")
TRUTH = "truth."
"""What names of labels begin with that only a simulator knows."""


def attach_csv(path: str | Path, csv_path: str | Path, *, by: str) -> int:
    """Adds the labels of a CSV file to the dataset in `path`, all or none, and returns how many.

    A value is a number, true or false, a list of numbers such as [0.1, 2], or else text.

    Args:
        path: of the dataset.
        csv_path: of a file with a header.
        by: who says so; stored with every label.

    Raises:
        InputError: no author, columns missing or unknown, a step that is no whole number or that
            its attempt has not, unknown attempts (counted), or a writer at work.
    """
    if not by.strip():
        raise InputError(given="labels without an author", wanted="who says so")
    labels = read_csv(Path(csv_path), by=by)
    sessions = list(read_meta(Path(path)).sessions.values())
    if not sessions:
        raise InputError(
            given=f"dataset {path} without any attempt", wanted="a dataset with attempts to label"
        )
    with Dataset.open(path) as dataset:
        _check_places(dataset, labels)
    with DatasetWriter.create_or_open(path, sessions[0]) as writer:
        writer.append_labels(labels)
    return len(labels)


def _check_places(dataset: Dataset, labels: list[Label]) -> None:
    views = {name for session in dataset.sessions.values() for name in session.spec.cameras}
    strange = sorted({label.view for label in labels if label.view is not None} - views)
    if strange:
        raise InputError(
            given=f"labels of the view {strange[0]!r}",
            wanted="a camera of the cell; no label was written",
            exists=", ".join(sorted(views)),
        )
    lengths = dict(
        zip(dataset.column("id").tolist(), dataset.column("length").tolist(), strict=True)
    )
    # Attempts that do not exist are the writer's to refuse.
    late = [
        label
        for label in labels
        if label.step is not None and label.step >= lengths.get(label.attempt, math.inf)
    ]
    if late:
        attempt = late[0].attempt
        raise InputError(
            given=f"labels of {len(late)} steps that do not exist (step {late[0].step} of "
            f"{attempt})",
            wanted=f"steps of the attempts, counted from 0; {attempt} has {lengths[attempt]}; no "
            "label was written",
        )


def read_csv(path: Path, *, by: str) -> list[Label]:
    """The labels in a CSV file.

    Raises:
        InputError: no such file, none of text, columns missing or unknown, a step that is no whole
            number, or a name that is missing or a simulator's.
    """
    if not path.is_file():
        raise InputError(given=f"{path}, which is not a file", wanted="a CSV file of labels")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            given=f"{path}, which is not text ({error.reason})", wanted="a CSV file in UTF-8"
        ) from error
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        if len(set(columns)) < len(columns) or not set(_REQUIRED) <= set(columns) <= {
            *_REQUIRED,
            *_OPTIONAL,
        }:
            raise InputError(
                given=f"columns {', '.join(columns) or 'none'} in {path}",
                wanted=f"{', '.join(_REQUIRED)} and perhaps {', '.join(_OPTIONAL)}",
            )
        labels = []
        for number, row in enumerate(reader, start=2):
            step = row.get("step") or ""
            if step and not step.isdecimal():
                raise InputError(
                    given=f"step {step!r} in line {number} of {path}",
                    wanted="the index of a step, or nothing",
                )
            if None in row or any(row[name] is None for name in _REQUIRED):
                raise InputError(
                    given=f"line {number} of {path} with another number of fields than the header",
                    wanted=f"{len(columns)} fields",
                )
            if not row["name"] or row["name"].startswith(TRUTH):
                raise InputError(
                    given=f"label {row['name']!r} in line {number} of {path}",
                    wanted=f"a name that does not begin with {TRUTH}: only simulators know",
                )
            labels.append(
                Label(
                    row["attempt"],
                    row["name"],
                    _value(row["value"]),
                    by,
                    int(step) if step else None,
                    row.get("view") or None,
                )
            )
    return labels


def _value(text: str) -> bool | int | float | str | tuple[float, ...]:
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, list) and all(type(v) in (int, float) for v in value):
        return tuple(float(v) for v in value)
    return value if isinstance(value, (int, float)) else text
