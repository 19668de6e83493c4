"""The flying two-finger hand: arm and gripper drivers over one `World`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Fault
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.core.spec import GripperSpec, Workspace
from selfgrasp.workcell.drivers import Control, Reached
from selfgrasp.workcell.sim.build import FINGER_STIFFNESS, HAND_STIFFNESS, MOVING_MASS
from selfgrasp.workcell.sim.world import World

CLEAR_HEIGHT = 0.24
"""m. Above it nothing stands, so that free motion there is not stepped: hand and what it holds are shifted as one."""
AWAY = (0.0, 0.62, 0.45)
"""m. Where the hand waits, out of every camera's view of the workspace."""
_STEPS_PER_UPDATE = 4
_ACCELERATION = 15.0
"""m/s^2 of every stepped motion."""
_TURN_PER_METRE = 8.0
"""rad that the hand turns in the time in which it would move a metre."""
_BLOCKED_LAG = 0.005
"""m behind the reference at which a motion counts as blocked; the servo then pushes with about 40 N."""
_LEAD_SPEED = 2 * float(np.sqrt(HAND_STIFFNESS * MOVING_MASS)) / HAND_STIFFNESS - 0.0066
_LEAD_ACCELERATION = MOVING_MASS / HAND_STIFFNESS
"""s and s^2 by which a servo's target leads its reference, so that damping, inertia and the held target do not make it lag."""
_FINGER_SPEED = 0.2
_SQUEEZE = 0.012
_SOMETHING = 0.001


class FlyingArm:
    """Arm driver: three slides and a yaw, servoed; it stops where something blocks it."""

    def __init__(self, world: World, workspace: Workspace) -> None:
        self._world = world
        self._workspace = workspace
        self._update = _STEPS_PER_UPDATE * float(world.model.opt.timestep)

    @property
    def workspace(self) -> Workspace:
        """Where the tool may go."""
        return self._workspace

    def pose(self) -> FloatArray:
        """world_from_tool (4, 4) now."""
        return top_down(self._world.data.qpos[:3], float(self._world.data.qpos[3]))

    def joints(self) -> FloatArray | None:
        """A flying hand has no joints to report."""
        return None

    def away(self, *, control: Control) -> Reached:
        """Rise, then go out of the cameras' sight with what is held."""
        up = self.pose().copy()
        up[2, 3] = max(up[2, 3], CLEAR_HEIGHT)
        reached = self.move(up, speed=0.8, control=control)
        if reached.fault is not None:
            return reached
        return self.move(top_down(AWAY, yaw_of(up)), speed=0.8, control=control)

    def move(self, world_from_tool: FloatArray, *, speed: float, control: Control) -> Reached:
        """Move in a straight line at `speed` m/s; yaw turns along. Above `CLEAR_HEIGHT` the way is not stepped."""
        data = self._world.data
        start, target = data.qpos[:4].copy(), np.array([*world_from_tool[:3, 3], yaw_of(world_from_tool)])
        turn = (target[3] - start[3] + np.pi) % (2 * np.pi) - np.pi
        target[3] = start[3] + turn
        if control.stop.is_set():
            return Reached(self.pose(), Fault.STOPPED)
        if min(start[2], target[2]) >= CLEAR_HEIGHT:
            self._shift(target)
            return Reached(self.pose())
        return self._servo(start, target, speed * control.speed, control)

    def _shift(self, target: FloatArray) -> None:
        world, data = self._world, self._world.data
        held = world.held()
        offset = target[:3] - data.qpos[:3]
        data.qpos[:3] = target[:3]
        if not held:
            data.qpos[3] = target[3]
        data.ctrl[:4] = data.qpos[:4]
        data.qvel[:4] = 0.0
        for slot in held:
            world.shift(slot, offset)
        world.forward()

    def _servo(self, start: FloatArray, target: FloatArray, speed: float, control: Control) -> Reached:
        world, data = self._world, self._world.data
        way = target - start
        profile = _profile(max(float(np.linalg.norm(way[:3])), float(abs(way[3])) / _TURN_PER_METRE), speed, self._update)
        for share, rate, gain in profile:
            if control.stop.is_set():
                return self._halt(Fault.STOPPED)
            data.ctrl[:4] = start + (share + _LEAD_SPEED * rate + _LEAD_ACCELERATION * gain) * way
            world.step(_STEPS_PER_UPDATE)
            lag = start + share * way - data.qpos[:4]
            if max(abs(lag[0]), abs(lag[1]), abs(lag[2])) > _BLOCKED_LAG:
                return self._halt(Fault.BLOCKED)
        data.ctrl[:4] = target
        world.step(2 * _STEPS_PER_UPDATE)
        return Reached(self.pose())

    def _halt(self, fault: Fault) -> Reached:
        data = self._world.data
        data.ctrl[:4] = data.qpos[:4]
        self._world.step(2 * _STEPS_PER_UPDATE)
        return Reached(self.pose(), fault)


class FlyingGripper:
    """Gripper driver: two coupled fingers that close at constant speed until they stall."""

    def __init__(self, world: World) -> None:
        self._world = world
        model = world.model
        self._joints = [model.joint(f"finger_{side}").qposadr[0] for side in ("right", "left")]
        self._dof = int(model.joint("finger_right").dofadr[0])
        self._servo = model.actuator("finger_right").id
        self._update = _STEPS_PER_UPDATE * float(model.opt.timestep)

    @property
    def spec(self) -> GripperSpec:
        """Its geometry and limits."""
        return self._world.gripper

    def width(self) -> float:
        """m between the fingers' inner faces."""
        return max(0.0, float(self._world.data.qpos[self._joints].sum()))

    def force(self) -> float:
        """N that each finger presses with, from the servo's effort."""
        return abs(float(self._world.data.actuator_force[self._servo])) / 2

    def open(self, width: float, *, control: Control) -> None:
        """Bring the fingers `width` m apart; in free air this is not stepped."""
        world, data = self._world, self._world.data
        world.hold_firmly(False)
        half = min(width, self.spec.opening) / 2
        data.ctrl[self._servo] = half
        if data.qpos[2] >= CLEAR_HEIGHT and not world.held():
            data.qpos[self._joints] = half
            data.qvel[self._dof : self._dof + 2] = 0.0
            world.forward()
            return
        for _ in range(int(np.ceil(abs(half - self.width() / 2) / (2 * _FINGER_SPEED * self._update))) + 3):
            if control.stop.is_set():
                return self._halt()
            world.step(_STEPS_PER_UPDATE)

    def close(self, *, control: Control) -> None:
        """Close until the fingers stall or meet, then squeeze with the full force."""
        world, data = self._world, self._world.data
        speed = _FINGER_SPEED * control.speed
        goal = data.qpos[self._joints[0]]
        stalled = 0
        while stalled < 4 and not control.stop.is_set():
            goal -= speed * self._update
            data.ctrl[self._servo] = goal
            world.step(_STEPS_PER_UPDATE)
            behind = data.qpos[self._joints[0]] - goal
            stalled = stalled + 1 if behind > 2 * self.spec.max_force / FINGER_STIFFNESS else 0
        if control.stop.is_set():
            return self._halt()
        data.ctrl[self._servo] = -_SQUEEZE
        # Passes that keep a grip from creeping cost more than the rest of a step: only while there is a grip.
        world.hold_firmly(self.width() > _SOMETHING)
        world.step(4 * _STEPS_PER_UPDATE)

    def _halt(self) -> None:
        """Stay where a stop caught the fingers, rather than going on to open or to squeeze."""
        self._world.data.ctrl[self._servo] = self._world.data.qpos[self._joints[0]]


def _profile(distance: float, speed: float, update: float) -> Iterator[tuple[float, float, float]]:
    """Trapezoidal profile from 0 to 1: at each update the share of the way, its rate (1/s) and that rate's rate (1/s^2)."""
    if distance < 1e-9:
        return
    top = min(speed, float(np.sqrt(distance * _ACCELERATION)))
    ramp = top / _ACCELERATION
    duration = distance / top + ramp
    updates = max(1, int(np.ceil(duration / update)))
    for index in range(1, updates + 1):
        t = duration * index / updates
        if t < ramp:
            yield _ACCELERATION * t * t / 2 / distance, _ACCELERATION * t / distance, _ACCELERATION / distance
        elif t < duration - ramp:
            yield (top * (t - ramp / 2)) / distance, top / distance, 0.0
        else:
            left = duration - t
            yield 1.0 - _ACCELERATION * left * left / 2 / distance, _ACCELERATION * left / distance, -_ACCELERATION / distance
