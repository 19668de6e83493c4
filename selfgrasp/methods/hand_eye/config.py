"""Presets of hand-eye coordination."""

from __future__ import annotations

from selfgrasp.servo import Sees, ServoConfig


def small() -> ServoConfig:
    """Trains on two CPU cores in minutes."""
    return ServoConfig()


def paper() -> ServoConfig:
    """The published network, 16 convolutions over two pictures of 472 px; wants a GPU, and hundreds
    of thousands of attempts."""
    return ServoConfig(sees=Sees.PICTURES, looks=1)
