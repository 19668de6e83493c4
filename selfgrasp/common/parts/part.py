"""What all parts share: how they are written, and what is said of an entry that lacks a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from selfgrasp.core import InputError
from selfgrasp.core.errors import first_line

MOST_ENTRIES = 10_000
MOST_FIGURE = 1e15
"""No figure of a report is larger; axes stay finite."""
Read = TypeVar("Read")


class Part:
    """A dataclass of plain values; names of its fields are keys of the file."""

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        values: dict[str, object] = asdict(self)  # type: ignore[call-overload]
        return values


def entries(
    report: Mapping[str, Any],
    part: str,
    read: Callable[[Mapping[str, Any]], Read],
    *,
    file: str = "report.json",
) -> tuple[Read, ...]:
    """The entries of the list `part` of a `file` as `read` makes them; none where it is missing.

    Raises:
        InputError: no list of objects, more than `MOST_ENTRIES`, or values of a wrong type.
    """
    found = report.get(part) or ()
    if (
        not isinstance(found, list | tuple)
        or len(found) > MOST_ENTRIES
        or not all(isinstance(entry, Mapping) for entry in found)
    ):
        raise InputError(
            given=f"{part} = {found!r:.60} in {file}",
            wanted=f"a list of at most {MOST_ENTRIES} objects",
        )
    try:
        return tuple(read(entry) for entry in found)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            given=f"{part} in {file} with a wrong or missing value: {first_line(error)}",
            wanted="what selfgrasp writes there",
        ) from error


def require(entry: Mapping[str, Any], part: str, keys: Sequence[str]) -> None:
    """Refuse an entry that lacks one of `keys`.

    Raises:
        InputError: it does; the message says which it has.
    """
    if not isinstance(entry, Mapping):
        raise TypeError(f"{entry!r:.60} in {part}")
    lacking = [key for key in keys if key not in entry]
    if lacking:
        raise InputError(
            given=f"an entry of {part} in report.json without {', '.join(lacking)}",
            wanted=", ".join(keys),
            exists=", ".join(entry),
        )


def figure(value: object) -> float:
    """A figure of a report; NaN is none.

    Raises:
        TypeError: no number, or one beyond `MOST_FIGURE`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MOST_FIGURE:
        raise TypeError(f"{value!r:.60} is no figure")
    return float(value)
