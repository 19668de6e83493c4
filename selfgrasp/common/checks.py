"""Checks of options that many verbs share."""

from __future__ import annotations

from typing import Any

from selfgrasp.core.errors import InputError


def at_least(args: Any, **least: int) -> None:
    """Refuse options of a verb, by name, that are below their least; one that is None has a
    default.

    Raises:
        InputError: the first such option.
    """

    for name, low in least.items():
        value = getattr(args, name)
        if value is not None and value < low:
            raise InputError(
                given=f"--{name.replace('_', '-')} {value:g}", wanted=f"at least {low}"
            )
