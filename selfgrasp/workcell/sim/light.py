"""Lights and paint of a simulated cell, changed per reset in the model itself, so that every
renderer and every camera sees the same."""

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
        self._head_diffuse, self._head_ambient = (
            model.vis.headlight.diffuse.copy(),
            model.vis.headlight.ambient.copy(),
        )

    def randomise(self, data: mujoco.MjData, noise: NoiseConfig, rng: np.random.Generator) -> None:
        """Draw directions and strengths anew and bring `data` up to date. Once per reset, not once
        per camera."""
        model = self._model
        for light in range(model.nlight):
            gain = 1.0 + rng.uniform(-noise.light_strength, noise.light_strength)
            model.light_dir[light] = _tilted(
                self._directions[light], noise.light_direction * rng.standard_normal(3)
            )
            model.light_diffuse[light] = gain * self._diffuse[light]
            model.light_ambient[light] = gain * self._ambient[light]
        gain = 1.0 + rng.uniform(-noise.light_strength, noise.light_strength)
        model.vis.headlight.diffuse[:] = gain * self._head_diffuse
        model.vis.headlight.ambient[:] = gain * self._head_ambient
        # Asleep, the world's own lights are not brought up to date.
        flags, model.opt.enableflags = (
            model.opt.enableflags,
            model.opt.enableflags & ~int(mujoco.mjtEnableBit.mjENBL_SLEEP),
        )
        mujoco.mj_camlight(model, data)
        model.opt.enableflags = flags


def _tilted(direction: FloatArray, turn: FloatArray) -> FloatArray:
    """`direction` (3,) turned by the rotation vector `turn` (3,) rad."""
    quaternion, result = np.empty(4), np.empty(3)
    angle = float(np.linalg.norm(turn))
    mujoco.mju_axisAngle2Quat(quaternion, turn / max(angle, 1e-12), angle)
    mujoco.mju_rotVecQuat(result, direction, quaternion)
    return result


class Paint:
    """The colours of whatever stands in a cell: table, walls, arm and hand; no two robots' bins
    look alike.

    Args:
        model: its geoms' colours are changed in place.
        skip: bodies that keep theirs: the objects.
    """

    def __init__(self, model: mujoco.MjModel, skip: frozenset[int]) -> None:
        self._model = model
        self._geoms = np.array(
            [g for g in range(model.ngeom) if int(model.geom_bodyid[g]) not in skip], dtype=int
        )
        self._colors = model.geom_rgba[self._geoms, :3].copy()
        # Geoms of one colour keep one colour.
        _, self._pots = np.unique(self._colors, axis=0, return_inverse=True)

    def randomise(self, rng: np.random.Generator, *, amount: float) -> None:
        """Draw brightness, and less of it hue, by up to `amount` of the whole range, for each
        colour of the cell."""
        pots = int(self._pots.max()) + 1
        change = rng.uniform(-amount, amount, (pots, 1)) + rng.uniform(
            -amount / 3, amount / 3, (pots, 3)
        )
        self._model.geom_rgba[self._geoms, :3] = np.clip(
            self._colors + change[self._pots.ravel()], 0.03, 1.0
        )
