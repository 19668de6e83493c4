"""Films of what the simulation does, by a spectator's camera that no policy sees.

What happens is recorded first and drawn afterwards, on a copy of the model: filming changes nothing
in the simulation. Free motion high above the table is not simulated; there the recorded hand jumps,
and the film moves it and what it holds along the way.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Iterator

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Grasp, Plan, Push, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.core.pose import inverse, looking_at, pose
from selfgrasp.workcell.sim.recording import Recording
from selfgrasp.workcell.sim.render import FILM, make_renderer
from selfgrasp.workcell.sim.world import World, move

_SUN = np.array([-0.5, 0.42, -1.0])
_SUN_SPREAD = 0.05
"""Direction of the film's light, and half the side of the square in which it is jittered, for soft
shadows."""
_TABLE, _TRAY = (0.90, 0.875, 0.83), (0.66, 0.48, 0.33)
_PALM, _FINGER = (0.80, 0.82, 0.84), (0.22, 0.24, 0.28)


class Spectator:
    """Draws recorded moments from beside the table, with soft shadows and smooth edges.

    A picture is the mean of several, each with the lens moved by part of a pixel and with the light
    from a slightly other side. Cast rays have smooth edges, too, but no shadows.

    Args:
        world: what was recorded.
        recording: of it; with a first moment.
        world_from_camera: (4, 4).
        width: px.
        height: px.
        focal: focal length as a multiple of the height.
        samples: pictures that are averaged.
        wanted: renderer; see `choose_renderer`.
    """

    def __init__(
        self,
        world: World,
        recording: Recording,
        world_from_camera: FloatArray,
        *,
        width: int = 640,
        height: int = 480,
        focal: float = 1.66,
        samples: int = 8,
        wanted: str = "auto",
    ) -> None:
        assert recording.model is not None
        model = copy.copy(recording.model)
        model.opt.enableflags &= ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        _light(model)
        _paint(model, world)
        self._model, self._data = model, mujoco.MjData(model)
        self._moments = recording.moments
        self._times = [moment.time for moment in recording.moments]
        self._slots = world.slot_joints
        self._slot_bodies = [int(model.joint(f"slot{s}").bodyid[0]) for s in range(world.slots)]
        self._arm = world.arm_joints + 2
        self._hand = int(model.body("hand").id)
        self._colors = model.geom_rgba.copy()
        self._renderer = make_renderer(model, height, width, wanted, FILM)
        self.world_from_camera = world_from_camera
        self.intrinsics = np.array(
            [[focal * height, 0, width / 2], [0, focal * height, height / 2], [0, 0, 1.0]]
        )
        self._offsets = _halton(samples)

    def picture(self, time: float) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, at `time` s of the recording."""
        joints, lying = self.joints(time)
        self._data.qpos[:] = joints
        self._model.geom_rgba[:] = self._colors
        for slot, body in enumerate(self._slot_bodies):
            if slot not in lying:
                self._model.geom_rgba[self._model.geom_bodyid == body, 3] = 0.0
        mujoco.mj_kinematics(self._model, self._data)
        total = np.zeros((self._renderer.height, self._renderer.width, 3), dtype=np.float32)
        for x, y, u, v in self._offsets:
            self._model.light_dir[0] = unit(_SUN + _SUN_SPREAD * np.array([u, v, 0.0]))
            mujoco.mj_camlight(self._model, self._data)
            lens = self.intrinsics.copy()
            lens[:2, 2] += (x / 2, y / 2)
            total += self._renderer.render(self._data, self.world_from_camera, lens).color
        return np.rint(total / len(self._offsets)).astype(np.uint8)

    def pictures(self, seconds: float) -> Iterator[NDArray[np.uint8]]:
        """All of the recording, a picture every so many seconds."""
        for time in np.arange(0.0, self._times[-1] + seconds, seconds):
            yield self.picture(float(time))

    def view(self, picture: NDArray[np.uint8]) -> View:
        """A picture with the camera's pose, to draw on."""
        return View(picture, None, self.intrinsics, self.world_from_camera)

    def joints(self, time: float) -> tuple[FloatArray, frozenset[int]]:
        """(nq,) joints and filled slots at `time` s of the recording; on the way where it
        jumped."""
        last = max(0, bisect_right(self._times, time) - 1)
        now = self._moments[last]
        after = self._moments[min(last + 1, len(self._moments) - 1)]
        if not after.jumped or after is now:
            return now.joints, now.lying
        share = (time - now.time) / (after.time - now.time)
        eased = share * share * (3 - 2 * share)
        return self._on_the_way(now.joints, after.joints, eased), now.lying

    def hand(self, time: float) -> FloatArray:
        """(3,) m, the point between the fingertips at `time` s of the recording."""
        return self._world_from_hand(self.joints(time)[0])[:3, 3]

    def close(self) -> None:
        """Give the renderer back."""
        self._renderer.close()

    def _on_the_way(self, start: FloatArray, end: FloatArray, share: float) -> FloatArray:
        joints = start.copy()
        joints[: self._arm] += share * (end[: self._arm] - start[: self._arm])
        held = [int(at) for at in self._slots if (end[at : at + 3] != start[at : at + 3]).any()]
        if held:
            motion = self._world_from_hand(joints) @ inverse(self._world_from_hand(start))
            for at in held:
                move(joints, at, motion)
        return joints

    def _world_from_hand(self, joints: FloatArray) -> FloatArray:
        data = self._data
        data.qpos[:] = joints
        mujoco.mj_kinematics(self._model, data)
        return pose(rotation=data.xmat[self._hand].reshape(3, 3), translation=data.xpos[self._hand])


def beside(plan: Plan) -> FloatArray:
    """(4, 4) world_from_camera of a spectator close to where a plan will act."""
    match plan.action:
        case Grasp(world_from_tool):
            target = world_from_tool[:3, 3]
        case Push(start):
            target = start
        case _:
            target = np.zeros(3)
    return looking_at(target + np.array([0.22, -0.42, 0.32]), target + np.array([0.0, 0.0, 0.05]))


def over_the_table() -> FloatArray:
    """(4, 4) world_from_camera of a spectator who sees the whole tray."""
    return looking_at((0.07, -0.61, 0.61), (0.0, 0.0, 0.03))


def _light(model: mujoco.MjModel) -> None:
    """One warm light with shadows, and a little from everywhere."""
    model.light_castshadow[:] = 1
    model.light_pos[0] = -1.2 * unit(_SUN)
    model.light_diffuse[0] = (0.54, 0.53, 0.50)
    model.vis.headlight.ambient[:] = (0.45, 0.455, 0.47)
    model.vis.headlight.diffuse[:] = (0.14, 0.14, 0.15)
    model.vis.map.shadowclip = 0.6


def _paint(model: mujoco.MjModel, world: World) -> None:
    """A light table with a wooden tray; the tray's walls meet without lying in one another."""
    model.geom("table").rgba[:3] = _TABLE
    model.geom("palm").rgba[:3] = _PALM
    for side in ("right", "left"):
        model.geom(f"finger_{side}").rgba[:3] = _FINGER
    for name in (f"wall{index}" for index in range(4) if world.table.wall_height):
        model.geom(name).rgba[:3] = _TRAY
    if world.table.wall_height:
        for name in ("wall2", "wall3"):
            model.geom(name).size[0] = world.table.half_size


def _halton(count: int) -> FloatArray:
    """(count, 4) points in -1..1, spread evenly; always the same."""

    def digits(index: int, base: int) -> float:
        value, scale = 0.0, 1.0
        while index:
            scale /= base
            value += scale * (index % base)
            index //= base
        return value

    return np.array([[2 * digits(i + 1, base) - 1 for base in (2, 3, 5, 7)] for i in range(count)])
