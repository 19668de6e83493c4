"""Presets of hand-eye coordination."""

from __future__ import annotations

from selfgrasp.servo import PredictorInput, ServoConfig


def small() -> ServoConfig:
    """Trains on two CPU cores in minutes: a camera pose network and a success predictor that sees
    patches."""
    return ServoConfig()


def paper() -> ServoConfig:
    """The published network, 16 convolutions over two images of 472 px. For a GPU and hundreds of
    thousands of attempts."""
    return ServoConfig(input=PredictorInput.IMAGES, later_images=1)
