"""The lights of a simulated cell, changed per reset in the model itself, so that every renderer and every camera sees the same light."""

from __future__ import annotations

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.workcell.sim import gl as _gl  # noqa: F401  sets MUJOCO_GL before MuJoCo is imported

import mujoco  # isort: skip

from selfgrasp.workcell.sim.noise import NoiseConfig


class Lights:
    """The lights of `model` as they were compiled, and changes of them.

    Args:
        model: its lights are changed in place, each time from what they are now.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._directions = model.light_dir.copy()
        self._diffuse, self._ambient = model.light_diffuse.copy(), model.light_ambient.copy()
        self._head_diffuse, self._head_ambient = model.vis.headlight.diffuse.copy(), model.vis.headlight.ambient.copy()

    def randomise(self, data: mujoco.MjData, noise: NoiseConfig, rng: np.random.Generator) -> None:
        """Draw directions and strengths anew and bring `data` up to date. Once per reset, not once per camera."""
        model = self._model
        for light in range(model.nlight):
            gain = 1.0 + rng.uniform(-noise.light_strength, noise.light_strength)
            model.light_dir[light] = _tilted(self._directions[light], noise.light_direction * rng.standard_normal(3))
            model.light_diffuse[light] = gain * self._diffuse[light]
            model.light_ambient[light] = gain * self._ambient[light]
        gain = 1.0 + rng.uniform(-noise.light_strength, noise.light_strength)
        model.vis.headlight.diffuse[:] = gain * self._head_diffuse
        model.vis.headlight.ambient[:] = gain * self._head_ambient
        # Asleep, the world's own lights are not brought up to date.
        flags, model.opt.enableflags = model.opt.enableflags, model.opt.enableflags & ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        mujoco.mj_camlight(model, data)
        model.opt.enableflags = flags


def _tilted(direction: FloatArray, turn: FloatArray) -> FloatArray:
    """`direction` (3,) turned by the rotation vector `turn` (3,) rad."""
    quaternion, result = np.empty(4), np.empty(3)
    angle = float(np.linalg.norm(turn))
    mujoco.mju_axisAngle2Quat(quaternion, turn / max(angle, 1e-12), angle)
    mujoco.mju_rotVecQuat(result, direction, quaternion)
    return result
