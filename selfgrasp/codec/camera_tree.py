"""Camera files as trees of mappings, lists, numbers and words, whatever program wrote them: JSON,
YAML of one or several messages, OpenCV's XML and YAML, rows of numbers, NumPy arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from selfgrasp.common.untrusted import (
    MOST_DEPTH,
    MOST_YAML_BYTES,
    parse_json,
    parse_yaml,
    read_array,
    read_text,
)
from selfgrasp.core.errors import InputError, first_line

_MOST_VALUES = 100_000
_ROWS = re.compile(r"[\d\s,;.eE+\-\[\]]+")


def read_tree(path: Path) -> list[Any]:
    """The messages of a camera file, in order; keys as `plain_key` gives them.

    Raises:
        InputError: no such file, or malformed.
    """
    if path.suffix.lower() == ".npy":
        return [read_array(path).tolist()]
    # A last NUL is what some programs end a text with.
    text = read_text(path, most_bytes=MOST_YAML_BYTES).rstrip("\0")
    return [_plain(message) for message in _messages(text, path)]


def _messages(text: str, path: Path) -> list[Any]:
    start = text.lstrip()
    name = str(path)
    if start.startswith("<"):
        return [_xml(start, name)]
    if path.suffix.lower() == ".json":
        return [parse_json(text, name=name, most_values=_MOST_VALUES, nonfinite=True)]
    if "\n" in start.strip() and _ROWS.fullmatch(start):
        return [_rows(start, name)]
    # OpenCV's FileStorage writes a header and tags that YAML 1.1 readers refuse.
    text = re.sub(r"^%YAML[: ]1\.\d\s*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!!?opencv-[\w-]+", "", text)
    return parse_yaml(text, name=name, most_values=_MOST_VALUES, nonfinite=True)


def _rows(text: str, name: str) -> list[list[float]]:
    lines = [re.split(r"[\s,;\[\]]+", line.strip(" \t,;[]")) for line in text.splitlines()]
    try:
        return [[float(word) for word in line] for line in lines if line != [""]]
    except ValueError as error:
        raise InputError(given=f"{name}: {error}", wanted="rows of numbers") from error


def _xml(text: str, name: str) -> Any:
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise InputError(given=f"{name}, XML with entities", wanted="XML as OpenCV writes it")
    try:
        return _element(ET.fromstring(text), name, MOST_DEPTH)
    except ET.ParseError as error:
        raise InputError(
            given=f"{name}, malformed XML: {first_line(error)}", wanted="well-formed XML"
        ) from error


def _element(element: ET.Element, name: str, levels: int) -> Any:
    if levels == 0:
        raise InputError(
            given=f"{name}, nested more than {MOST_DEPTH} deep", wanted=f"at most {MOST_DEPTH}"
        )
    children = list(element)
    if children and all(child.tag == "_" for child in children):
        return [_element(child, name, levels - 1) for child in children]
    if children:
        return {child.tag: _element(child, name, levels - 1) for child in children}
    words = (element.text or "").split()
    numbers = [number_of(word) for word in words]
    if words and None not in numbers:
        return numbers if element.tag == "data" or len(numbers) > 1 else numbers[0]
    return " ".join(words).strip('"')


def number_of(value: Any) -> float | None:
    """A number, or a word that writes one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def numbers(values: Any) -> list[float] | None:
    """Finite or not, a flat list of numbers from a number, from words that write some, or from
    lists in lists; None for anything else."""
    if isinstance(values, str) and (words := re.split(r"[\s,;]+", values.strip("[]() ,;\n"))):
        values = words if len(words) > 1 else words[0]
    if isinstance(values, list):
        parts = [numbers(one) for one in values]
        return None if None in parts else [x for part in parts for x in part or ()]
    one = number_of(values)
    return None if one is None else [one]


def data_of(value: Any) -> Any:
    """What a matrix of OpenCV or ROS holds; any other value as it is."""
    return value["data"] if isinstance(value, Mapping) and "data" in value else value


def first_of(levels: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Any:
    """The first value in the first level that has one of the keys; None without."""
    return next(
        (level[key] for level in levels for key in keys if level.get(key) is not None), None
    )


def plain_key(key: object) -> str:
    """A key in lower case without signs, and without what stands before a dot: `cameraMatrix`,
    `camera_matrix` and `Camera.matrix` are spellings."""
    return re.sub(r"[^a-z0-9]", "", str(key).rsplit(".", 1)[-1].lower())


def _plain(value: Any) -> Any:
    """Keys by `plain_key`; the first of two that agree stays."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, one in value.items():
            found.setdefault(plain_key(key), _plain(one))
        return found
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
