"""Sizes of the servoing methods: what the success predictor sees, how it searches, how it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from selfgrasp.servo.flat_config import nested_servo


class PredictorInput(StrEnum):
    """What the success predictor sees of a motion.

    patches: crops of both images around the pose where the motion ends, cut with the estimated
    camera pose. images: both whole images, and the motion as a vector (Levine et al. 2016,
    section IV-A).
    """

    PATCHES = "patches"
    IMAGES = "images"


@dataclass(frozen=True)
class PatchConfig:
    """Patches around a final pose, and how training augments them. Lengths in m, angles in rad.

    Attributes:
        size: side of the square that a patch shows.
        px: its pixels.
        stored_px: pixels of a stored patch, each of the same size: room for shifts and turns.
        planes: heights above the bin's floor of the planes that a patch is laid on.
        shift: standard deviation of a random shift, about the error of the estimated camera pose.
        turn: standard deviation of a random turn, likewise.
        jitter: largest random change of brightness and colour.
        zoom: largest random change of scale.
    """

    size: float = 0.17
    px: int = 28
    stored_px: int = 40
    planes: tuple[float, ...] = (0.01, 0.045)
    shift: float = 0.0015
    turn: float = 0.03
    jitter: float = 0.15
    zoom: float = 0.0

    @property
    def pixel(self) -> float:
        """m, the side of a patch's pixel."""
        return self.size / self.px


@dataclass(frozen=True)
class SearchConfig:
    """Cross-entropy method over final poses (Levine et al. 2016, section IV-B).

    Attributes:
        samples: poses drawn in an iteration.
        first_samples: poses of the first iteration while the hand is not over the bin, where that
            is more than `samples`.
        iterations: rounds of sampling.
    """

    samples: int = 64
    first_samples: int = 0
    iterations: int = 3


@dataclass(frozen=True)
class ServoConfig:
    """A servoing method.

    Attributes:
        input: what the success predictor sees.
        image_px: px, side of the whole images, for `PredictorInput.IMAGES`.
        view: name of the camera; None takes the first.
        later_images: images of an attempt kept for training beside the first one.
        patches: for `PredictorInput.PATCHES`.
        search: for a motion.
        steps: most motions of an attempt; the last one goes down.
    """

    input: PredictorInput = PredictorInput.PATCHES
    image_px: int = 472
    view: str | None = None
    later_images: int = 2
    patches: PatchConfig = field(default_factory=PatchConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    steps: int = 10

    @staticmethod
    def upgraded(data: Mapping[str, Any]) -> Mapping[str, Any]:
        """JSON values of checkpoints of selfgrasp 0.1, which were flat, as those of this class."""
        return nested_servo(data)
