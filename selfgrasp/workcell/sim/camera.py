"""The simulated camera: a renderer behind the `Camera` driver, with what is wrong with real cameras."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from selfgrasp.core.observation import View, checked_intrinsics
from selfgrasp.core.spec import CameraSpec
from selfgrasp.workcell.sim.noise import NoiseConfig, draw_calibration, draw_mixing, noisy_color, noisy_depth, realistic
from selfgrasp.workcell.sim.render.picture import Picture, Renderer

if TYPE_CHECKING:
    import mujoco

__all__ = ["NoiseConfig", "SimCamera", "realistic"]


class SimCamera:
    """Implements `selfgrasp.workcell.drivers.Camera`.

    Its view carries the nominal pose of `spec`; the picture is taken from the true pose, which `randomise` draws near it.

    Args:
        spec: size, intrinsics and nominal pose.
        renderer: of the same size; cameras of one size may share one.
        data: returns the state to look at, with poses up to date.
        noise: what is wrong.
        rng: of all draws: the same generator and the same scenes give the same pictures.

    Raises:
        InputError: intrinsics that do not fit the size.
    """

    def __init__(self, spec: CameraSpec, renderer: Renderer, data: Callable[[], mujoco.MjData], noise: NoiseConfig, rng: np.random.Generator) -> None:
        checked_intrinsics(spec.intrinsics, spec.height, spec.width)
        self._spec, self._renderer, self._data, self._noise = spec, renderer, data, noise
        self.randomise(rng)

    @property
    def spec(self) -> CameraSpec:
        """The nominal calibration."""
        return self._spec

    def randomise(self, rng: np.random.Generator) -> None:
        """Draw what stays the same over a scene (true pose, brightness, hue), and go on drawing from `rng`. Lights are `Lights`'s."""
        self._rng = rng
        self._world_from_true_camera = self._spec.world_from_camera @ draw_calibration(self._noise, rng)
        self._mixing = draw_mixing(self._noise, rng)

    def picture(self, *, segmentation: bool = False) -> Picture:
        """The picture without pixel noise, from the true pose: for labels and tests, never for a policy."""
        return self._renderer.render(self._data(), self._world_from_true_camera, self._spec.intrinsics, segmentation=segmentation)

    def capture(self) -> View:
        """A picture with noise; depth is None if the camera measures none."""
        clean = self.picture()
        color = noisy_color(clean.color, self._noise, self._mixing, self._rng)
        depth = noisy_depth(clean.depth, self._noise, self._rng) if self._spec.has_depth else None
        for array in (color, depth):
            # Read-only arrays are taken over by the view, others would be copied.
            if array is not None:
                array.flags.writeable = False
        return View(color, depth, self._spec.intrinsics, self._spec.world_from_camera)
