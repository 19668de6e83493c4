"""What methods that servo see, and how they search and move."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sees(StrEnum):
    """What judges a motion: patches where it ends, found by an eye, or the whole pictures and the
    motion as numbers, as published."""

    PATCHES = "patches"
    PICTURES = "pictures"


@dataclass(frozen=True)
class ServoConfig:
    """Lengths in m, angles in rad.

    Attributes:
        sees: see there.
        picture_px: side of the whole pictures, where those are seen.
        view: name of the camera; None takes the first.
        eye_px: side of the pictures from which the eye finds out where the camera is.
        eye_channels: of the eye's layers, each of stride 2.
        eye_share: of a batch from which the eye learns; it has as many scenes to see as there were
            robots, not attempts.
        patch: side of the square around the final pose that is judged.
        patch_px: its pixels.
        stored_px: pixels of a stored patch, of the same size each: room for shifts and turns.
        planes: heights above the bin's floor on which patches are laid.
        channels: of the judge's layers; the first and the third have stride 2.
        hidden: of the judge's last layer.
        looks: of an attempt that are kept for training, beside the first.
        shift: standard deviation by which patches are shifted in training: what the eye is off by.
        turn: standard deviation, likewise.
        shake, shake_turn: largest further displacement of the camera per axis in the eye's
            training.
        height_weight: of the second task, how far down the hand will come, in the loss.
        jitter: largest change of colour and brightness in training.
        zoom: largest change of size in training.
        samples, elites, iterations: of the search for a motion (Levine et al. 2016, section IV-B).
        first_samples: in the first iteration at the first look, where that is more.
        finalists: best of all that was scored, which are judged again, mirrored and turned.
        near, near_turn: standard deviations of the samples around an elite in the second iteration,
            and around the hand; halved an iteration.
        close_ratio: close when standing still is at least so much as good as the best motion.
        raise_ratio: rise first when standing still is less than this.
        floor: fingertips lower than this above the floor are down: they close rather than go on
            down.
        hover: heights of the fingertips above the floor at which the hand looks again on its first
            way down.
        rise: how far it rises.
        steps: motions of an attempt at most; the last one goes down.
        miss_weight: logits less for closing where the hand has already failed in this scene.
        miss_radius: m, standard deviation within which that counts.
        explore_samples, explore_iterations: of the search when exploring, which is to be quick: a
            draw among good motions needs no best one.
        explore: temperature, in units of the logit, at which exploring draws among what the search
            scored.
    """

    sees: Sees = Sees.PATCHES
    picture_px: int = 472
    view: str | None = None
    eye_px: int = 64
    eye_channels: tuple[int, ...] = (24, 32, 48, 64)
    eye_share: float = 0.25
    patch: float = 0.17
    patch_px: int = 28
    stored_px: int = 40
    planes: tuple[float, ...] = (0.01, 0.045)
    channels: tuple[int, ...] = (32, 64, 96, 96)
    hidden: int = 128
    looks: int = 2
    shift: float = 0.0015
    turn: float = 0.03
    shake: float = 0.02
    shake_turn: float = 0.05
    height_weight: float = 1.0
    jitter: float = 0.15
    zoom: float = 0.0
    samples: int = 64
    first_samples: int = 0
    elites: int = 6
    iterations: int = 3
    finalists: int = 16
    near: float = 0.03
    near_turn: float = 0.5
    close_ratio: float = 0.9
    raise_ratio: float = 0.9
    floor: float = 0.09
    hover: tuple[float, float] = (0.25, 0.12)
    rise: float = 0.10
    steps: int = 10
    miss_weight: float = 1.0
    miss_radius: float = 0.03
    explore_samples: int = 32
    explore_iterations: int = 2
    explore: float = 0.5

    @property
    def pixel(self) -> float:
        """m, the side of a patch's pixel."""
        return self.patch / self.patch_px
