"""The benchmark: one file a protocol; each takes any policy and plays the same scenes with it."""

from collections.abc import Mapping

from selfgrasp.protocols.category import CATEGORY
from selfgrasp.protocols.clear import CLEAR
from selfgrasp.protocols.deplete import DEPLETE
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.isolated import ISOLATED

PLAYED: Mapping[str, PlayedProtocol] = {
    protocol.name: protocol for protocol in (ISOLATED, CLEAR, DEPLETE, CATEGORY)
}
"""Protocols that are played in a cell; `prediction` reads a dataset."""
