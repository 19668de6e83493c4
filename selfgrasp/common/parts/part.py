"""What all parts share: how they are written, and what is said of an entry that lacks a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selfgrasp.core import InputError


class Part:
    """A dataclass of plain values; names of its fields are keys of the file."""

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        values: dict[str, object] = asdict(self)  # type: ignore[call-overload]
        return values


def require(entry: Mapping[str, Any], part: str, keys: Sequence[str]) -> None:
    """Refuse an entry that lacks one of `keys`.

    Raises:
        InputError: it does; the message says which it has.
    """
    lacking = [key for key in keys if key not in entry]
    if lacking:
        raise InputError(
            given=f"an entry of {part} in report.json without {', '.join(lacking)}",
            wanted=", ".join(keys),
            exists=", ".join(entry),
        )
