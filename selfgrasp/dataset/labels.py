"""Labels from a spreadsheet: columns attempt, name, value and, where they are wanted, step and
view."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

from selfgrasp.common.untrusted import parse_json, read_text
from selfgrasp.core import InputError, Label
from selfgrasp.dataset.meta import read_meta
from selfgrasp.dataset.reader import Dataset
from selfgrasp.dataset.writer import DatasetWriter

_REQUIRED = ("attempt", "name", "value")
_OPTIONAL = ("step", "view")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_NUMBER = re.compile(r"[+-]?(nan|inf|infinity|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)|\[.*\b(nan|inf|infinity)\b.*\]", re.IGNORECASE)
_MISSING = re.compile(r"|#(N/A|NUM!|DIV/0!|VALUE!|REF!|NAME\?|NULL!)|[+-]?1\.?#(INF|Q?NAN|IND)\d*")
"""What spreadsheets and C programs write where there is no number."""
_OTHER_LIST = re.compile(r"[\[(](?=.*\d)[-+.\deE,;\s]*[\])]", re.DOTALL)
_INDEX = re.compile(r"(\d{1,8})(\.0+)?")
_MOST_NAME = 200
TRUTH = "truth."
"""What names of labels begin with that only a simulator knows."""


def attach_csv(path: str | Path, csv_path: str | Path, *, by: str) -> int:
    """Adds the labels of a CSV file to the dataset in `path`, all or none, and returns how many.

    A value is a finite number, true or false, a list of such numbers as [0.1, 2], or else text.

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
    if not by.isprintable():
        raise InputError(given=f"labels by {by!r:.60}", wanted="who says so, as text in UTF-8")
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
            number, a name that is missing or a simulator's, or two values for one place.
    """
    # By what it is about: the label, and the line that says it.
    found: dict[tuple[object, ...], tuple[Label, str]] = {}
    with io.StringIO(read_text(path), newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            columns = list(reader.fieldnames or [])
            _check_columns(columns, path)
            for row in reader:
                where = f"line {reader.line_num} of {path}"
                label = _label(row, columns, where, by)
                place = (label.attempt, label.name, label.step, label.view)
                other, line = found.setdefault(place, (label, where))
                if other.value != label.value:
                    raise InputError(
                        given=f"{label.name} of {label.attempt}: {label.value!r:.40} in {where}, "
                        f"{other.value!r:.40} in {line}",
                        wanted="one value for each attempt, step and view in a file",
                    )
            return [label for label, _ in found.values()]
        except csv.Error as error:
            raise InputError(
                given=f"line {reader.reader.line_num} of {path}: {error}",
                wanted="CSV: fields with commas or line breaks in double quotes that end, and a "
                'quote inside them written twice ("")',
            ) from error


def _check_columns(columns: list[str], path: Path) -> None:
    wanted = f"{', '.join(_REQUIRED)} and perhaps {', '.join(_OPTIONAL)}"
    known = {*_REQUIRED, *_OPTIONAL}
    if len(set(columns)) == len(columns) and set(_REQUIRED) <= set(columns) <= known:
        return
    header = ",".join(columns)
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator in header:
            raise InputError(
                given=f"{path}, whose columns are separated by {name}",
                wanted=f"commas: the columns {wanted} (a spreadsheet saves them as CSV "
                "with commas and decimal points)",
            )
    spelled = [column.strip(" '\u201c\u201d\u2018\u2019\u00ab\u00bb").lower() for column in columns]
    hint = "" if {*spelled} & known else " in the first line"
    if spelled != columns and set(_REQUIRED) <= set(spelled) <= known:
        hint = " (in lower case, without spaces, in no quotes or straight double ones)"
    raise InputError(
        given=f"columns {', '.join(columns) or 'none'} in {path}", wanted=wanted + hint
    )


def _label(row: dict[str, str], columns: list[str], where: str, by: str) -> Label:
    if None in row or any(row[name] is None for name in columns):
        raise InputError(
            given=f"{where} with another number of fields than the header",
            wanted=f"{len(columns)} fields (a decimal comma is written as a point, a text with "
            "commas or a list stands in double quotes)",
        )
    fields = {name: row[name].strip() for name in columns}
    name, step = fields["name"], fields.get("step")
    index = _INDEX.fullmatch(step) if step else None
    if step and index is None:
        raise InputError(
            given=f"step {step!r:.40} in {where}", wanted="the index of a step, or nothing"
        )
    if not name or name.startswith(TRUTH):
        raise InputError(
            given=f"label {name!r:.40} in {where}",
            wanted=f"a name that does not begin with {TRUTH}: only simulators know",
        )
    if len(name) > _MOST_NAME or not name.isprintable():
        raise InputError(
            given=f"label {name!r:.40} of {len(name)} characters in {where}",
            wanted=f"a name of at most {_MOST_NAME} printable characters",
        )
    return Label(
        fields["attempt"],
        name,
        _value(fields["value"], where),
        by,
        int(index[1]) if index else None,
        fields.get("view") or None,
    )


def _value(text: str, where: str) -> bool | int | float | str | tuple[float, ...]:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _DECIMAL_COMMA.fullmatch(text):
        raise InputError(
            given=f"value {text:.40} in {where}",
            wanted=f"a decimal point, {text.replace(',', '.'):.40} (a list is [1, 2])",
        )
    # A typographer's minus is one.
    number = text.replace("\u2212", "-")
    if _NUMBER.fullmatch(number):
        # JSON has neither +1 nor .5 nor 5.; what begins with further zeros, as 007, is a name.
        number = re.sub(r"^(-?)\.", r"\g<1>0.", number.lstrip("+"))
        number = re.sub(r"\.(?=[eE]|$)", ".0", number)
    elif _MISSING.fullmatch(text):
        raise _no_value(text, where)
    elif not text.startswith("[") and not _OTHER_LIST.fullmatch(text):
        return text
    try:
        value = parse_json(number)
    except InputError as error:
        if _OTHER_LIST.fullmatch(text) and "malformed" in error.given:
            raise InputError(
                given=f"value {text:.40} in {where}",
                wanted="a list with commas and decimal points, as [1, 2.5]",
            ) from error
        if not _NOT_FINITE.fullmatch(text) and "malformed" in error.given and len(text) < 1000:
            return text
        raise _no_value(text, where) from error
    if isinstance(value, list) and all(type(v) in (int, float) for v in value):
        return tuple(float(v) for v in value)
    return value if isinstance(value, (int, float)) else text


def _no_value(text: str, where: str) -> InputError:
    if not text:
        return InputError(
            given=f"no value in {where}", wanted="one, or no line where there is none"
        )
    return InputError(
        given=f"value {text:.40} in {where}",
        wanted="a finite number, a list of such, or no line at all where there is none",
    )
