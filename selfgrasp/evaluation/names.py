"""Protocols by name. Nothing is imported before it is asked for."""

from __future__ import annotations

from typing import Any

from selfgrasp.common.outside import PROTOCOLS, member_of, refused, with_outside
from selfgrasp.core.errors import unknown_name

WANTED = (
    "module:object, a PlayedProtocol or a selfgrasp.evaluation.protocol.Protocol of the same name"
)
"""What an entry point has to lead to."""

_BUILT_IN = {
    "prediction": "selfgrasp.evaluation.data:PREDICTION",
    "embedding": "selfgrasp.evaluation.embedding:EMBEDDING",
    "isolated": "selfgrasp.protocols.isolated:ISOLATED",
    "shake": "selfgrasp.protocols.shake:SHAKE",
    "clear": "selfgrasp.protocols.clear:CLEAR",
    "heap": "selfgrasp.protocols.heap:HEAP",
    "deplete": "selfgrasp.protocols.deplete:DEPLETE",
    "category": "selfgrasp.protocols.category:CATEGORY",
    "instance": "selfgrasp.protocols.instance:INSTANCE_PROTOCOL",
    "composite": "selfgrasp.protocols.instance:COMPOSITE",
    "fetch": "selfgrasp.protocols.fetch:FETCH",
    "declutter": "selfgrasp.protocols.declutter:DECLUTTER",
    "arrangements": "selfgrasp.protocols.arrangements:ARRANGEMENTS",
}

STORED = {"prediction": "tabletop", "embedding": "kuka_bin"}
"""Those that measure on stored attempts, and the cell of these; they set no options of it, which
`--help` knows without importing them."""


def protocols() -> dict[str, str]:
    """Name to "module:object" of every protocol, those of outside packages last."""
    return with_outside(PROTOCOLS, _BUILT_IN)


def protocol_names() -> tuple[str, ...]:
    """Of every protocol."""
    return tuple(protocols())


def protocol_object(name: str) -> Any:
    """What a protocol is named for: a `PlayedProtocol` or an `evaluation.protocol.Protocol`;
    both have a cell and options of it.

    Raises:
        InputError: no such protocol, or an entry point that leads to something else.
    """
    known = protocols()
    if name not in known:
        raise unknown_name("protocol", name, known)
    module, _, attribute = known[name].partition(":")
    found = member_of(PROTOCOLS, name, module, attribute, wanted=WANTED)
    if not (hasattr(found, "cell") and hasattr(found, "config")):
        raise refused(PROTOCOLS, name, f"its type is {type(found).__name__}", wanted=WANTED)
    return found
