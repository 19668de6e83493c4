"""A protocol: two objects, one try."""

from dataclasses import replace

from selfgrasp.protocols.isolated import ISOLATED

PAIR = replace(ISOLATED, name="pair", config=replace(ISOLATED.config, count=2), trials=2)
