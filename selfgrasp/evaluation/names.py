"""Protocols by name. Nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from selfgrasp.core.errors import unknown_name

GROUP = "selfgrasp.protocols"
"""Entry points of this group name a protocol of an outside package, "module:object"."""

_BUILT_IN = {
    "prediction": "selfgrasp.evaluation.data:PREDICTION",
    "isolated": "selfgrasp.protocols.isolated:ISOLATED",
    "clear": "selfgrasp.protocols.clear:CLEAR",
    "deplete": "selfgrasp.protocols.deplete:DEPLETE",
    "category": "selfgrasp.protocols.category:CATEGORY",
}

STORED = {"prediction": "tabletop"}
"""Those that measure on stored attempts, and the cell of these; they set no options of it, which
`--help` knows without importing them."""


def protocols() -> dict[str, str]:
    """Name to "module:object" of every protocol, those of outside packages last."""
    found = {e.name: e.value for e in entry_points(group=GROUP) if e.name not in _BUILT_IN}
    return _BUILT_IN | found


def protocol_names() -> tuple[str, ...]:
    """Of every protocol."""
    return tuple(protocols())


def protocol_object(name: str) -> Any:
    """What a protocol is named for: a `PlayedProtocol` or an `evaluation.protocol.Protocol`;
    both have a cell and options of it.

    Raises:
        InputError: no such protocol.
    """
    known = protocols()
    if name not in known:
        raise unknown_name("protocol", name, known)
    module, _, attribute = known[name].partition(":")
    return getattr(import_module(module), attribute)
