"""Protocols by name, ready to measure."""

from __future__ import annotations

from selfgrasp.core import InputError
from selfgrasp.evaluation.names import protocol_object
from selfgrasp.evaluation.played import played
from selfgrasp.evaluation.protocol import Protocol
from selfgrasp.protocols.episode import PlayedProtocol


def protocol_named(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        InputError: no such protocol, or an entry point that leads to something else.
    """
    found = protocol_object(name)
    if isinstance(found, PlayedProtocol):
        return played(found)
    if not isinstance(found, Protocol):
        raise InputError(
            given=f"a {type(found).__name__} as the protocol {name}",
            wanted="a PlayedProtocol or a selfgrasp.evaluation.protocol.Protocol",
        )
    return found
