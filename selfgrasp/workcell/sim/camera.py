"""The simulated camera: a renderer behind the `Camera` driver, with what is wrong with real
cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.observation import View, checked_intrinsics
from selfgrasp.core.pose import pose
from selfgrasp.core.spec import CameraSpec
from selfgrasp.workcell.sim.noise import (
    NoiseConfig,
    draw_calibration,
    draw_mixing,
    noisy_color,
    noisy_depth,
    realistic,
)
from selfgrasp.workcell.sim.render.picture import Picture, Renderer

if TYPE_CHECKING:
    import mujoco

__all__ = ["ExtrinsicsVariation", "NoiseConfig", "SimCamera", "realistic"]


@dataclass(frozen=True)
class ExtrinsicsVariation:
    """How the extrinsics of cameras vary, beyond what noise says.

    Attributes:
        translation: m, largest shift per axis from the nominal pose, drawn per reset: every scene
            is another robot's, with a camera of its own place.
        rotation: rad, likewise.
        moved_by: m that it has moved, in a random direction, since it was calibrated.
        turned_by: rad, likewise.
    """

    translation: float = 0.0
    rotation: float = 0.0
    moved_by: float = 0.0
    turned_by: float = 0.0

    def nominal_from_calibrated(self, rng: np.random.Generator) -> FloatArray:
        """(4, 4), where this robot's camera was when it was calibrated."""
        if not (self.translation or self.rotation):
            return np.eye(4)
        rotation, _ = cv2.Rodrigues(rng.uniform(-self.rotation, self.rotation, 3))
        return pose(
            rotation=rotation, translation=rng.uniform(-self.translation, self.translation, 3)
        )

    def calibrated_from_now(self, rng: np.random.Generator) -> FloatArray:
        """(4, 4), how it has moved since."""
        if not (self.moved_by or self.turned_by):
            return np.eye(4)
        axis, direction = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
        rotation, _ = cv2.Rodrigues(self.turned_by * axis)
        return pose(rotation=rotation, translation=self.moved_by * direction)


class SimCamera:
    """Implements `selfgrasp.workcell.drivers.Camera`.

    Its view carries the calibrated pose, which is that of `spec` unless extrinsics vary; the
    picture is taken from the true pose, drawn near it by `randomise`.

    Args:
        spec: size, intrinsics and nominal pose.
        renderer: of the same size; cameras of one size may share one.
        data: returns the state to look at, with poses up to date.
        noise: what is wrong.
        rng: of all draws: the same generator and the same scenes give the same pictures.
        variation: of the extrinsics between scenes, and since calibration.
        carrier: returns the (4, 4) world pose of what carries the camera, in whose frame `spec`
            places it; None for a camera that stands in the world.

    Raises:
        InputError: intrinsics that do not fit the size.
    """

    def __init__(
        self,
        spec: CameraSpec,
        renderer: Renderer,
        data: Callable[[], mujoco.MjData],
        noise: NoiseConfig,
        rng: np.random.Generator,
        variation: ExtrinsicsVariation | None = None,
        carrier: Callable[[], FloatArray] | None = None,
    ) -> None:
        checked_intrinsics(spec.intrinsics, spec.height, spec.width)
        self._spec, self._renderer, self._data, self._noise = spec, renderer, data, noise
        self._variation, self._carrier = variation or ExtrinsicsVariation(), carrier
        self.randomise(rng)

    @property
    def spec(self) -> CameraSpec:
        """The nominal calibration."""
        return self._spec

    def randomise(self, rng: np.random.Generator) -> None:
        """Draw what stays the same over a scene (true pose, brightness, hue), and go on drawing
        from `rng`. Lights are `Lights`'s."""
        self._rng = rng
        self._calibrated = self._spec.world_from_camera @ self._variation.nominal_from_calibrated(
            rng
        )
        self._true = (
            self._calibrated
            @ self._variation.calibrated_from_now(rng)
            @ draw_calibration(self._noise, rng)
        )
        self._mixing = draw_mixing(self._noise, rng)

    def picture(self, *, segmentation: bool = False) -> Picture:
        """The picture without pixel noise, from the true pose: for labels and tests, never for a
        policy."""
        return self._renderer.render(
            self._data(),
            self._carried(self._true),
            self._spec.intrinsics,
            segmentation=segmentation,
        )

    def capture(self) -> View:
        """A picture with noise; depth is None if the camera measures none."""
        clean = self.picture()
        color = noisy_color(clean.color, self._noise, self._mixing, self._rng)
        depth = noisy_depth(clean.depth, self._noise, self._rng) if self._spec.has_depth else None
        for array in (color, depth):
            # Read-only arrays are taken over by the view, others would be copied.
            if array is not None:
                array.flags.writeable = False
        return View(color, depth, self._spec.intrinsics, self._carried(self._calibrated))

    def _carried(self, mounted: FloatArray) -> FloatArray:
        return mounted if self._carrier is None else self._carrier() @ mounted
