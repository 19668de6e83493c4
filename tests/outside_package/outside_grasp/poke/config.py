"""Config and presets of the method `poke`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PokeConfig:
    """Sizes.

    Attributes:
        candidates: grasps that `plan` scores.
    """

    candidates: int = 8


def small() -> PokeConfig:
    """The preset that a method must have."""
    return PokeConfig()
