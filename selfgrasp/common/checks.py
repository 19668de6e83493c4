"""Checks of options that many verbs share."""

from __future__ import annotations

from typing import Any

from selfgrasp.core.errors import InputError


def check_minimum(args: Any, **minimum: float) -> None:
    """Refuse options that are below their minimum. An option that is None has a default.

    Args:
        args: has the options as attributes.
        minimum: by option name.

    Raises:
        InputError: the first such option.
    """
    for name, low in minimum.items():
        value = getattr(args, name)
        if value is not None and value < low:
            raise InputError(
                given=f"--{name.replace('_', '-')} {value:g}", wanted=f"at least {low}"
            )
