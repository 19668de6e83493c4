"""The two-finger gripper's driver over a `World`, and that of an arm that is none: the hand
flies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Fault
from selfgrasp.core.pose import top_down, wrapped, yaw_of
from selfgrasp.core.spec import GripperSpec, Workspace
from selfgrasp.workcell.drivers import Control, Reached
from selfgrasp.workcell.motions import MotionConfig
from selfgrasp.workcell.sim.build import FINGER_STIFFNESS, HAND_STIFFNESS, MOVING_MASS
from selfgrasp.workcell.sim.noise import NoiseConfig, draw_miss
from selfgrasp.workcell.sim.world import World

CLEAR_HEIGHT = MotionConfig().clear_height - 0.01
"""m. Hands travel a centimetre higher. Above it nothing stands, so that free motion there is not
stepped: hand and what it holds are shifted as one."""
STEPS_PER_UPDATE = 4
"""Timesteps between two targets of the servos."""
_ACCELERATION = 15.0
"""m/s^2 of every stepped motion."""
_TURN_PER_METRE = 8.0
"""rad that the hand turns in the time in which it would move a metre."""
_BLOCKED_LAG = 0.005
"""m behind the reference at which a motion counts as blocked; the servo then pushes with about 40
N."""
_LEAD_SPEED = 2 * float(np.sqrt(HAND_STIFFNESS * MOVING_MASS)) / HAND_STIFFNESS - 0.0066
_LEAD_ACCELERATION = MOVING_MASS / HAND_STIFFNESS
"""s and s^2 by which a servo's target leads its reference, so that damping, inertia and the held
target do not make it lag."""
_FINGER_SPEED = 0.2
_SQUEEZE = 0.012
_SOMETHING = 0.001


class FlyingArm:
    """Arm driver: three slides and a yaw, servoed; it stops where something blocks it.

    Args:
        world: what it moves in.
        workspace: where the tool may go.
        noise: by how much the hand is off from where the arm believes it to be, anew after every
            `away`.
    """

    def __init__(
        self, world: World, workspace: Workspace, noise: NoiseConfig | None = None
    ) -> None:
        self._world = world
        self._workspace = workspace
        self._noise = noise or NoiseConfig()
        self._error, self._rng = np.zeros(4), np.random.default_rng(0)
        self._update = STEPS_PER_UPDATE * float(world.model.opt.timestep)

    @property
    def workspace(self) -> Workspace:
        """Where the tool may go."""
        return self._workspace

    def pose(self) -> FloatArray:
        """world_from_tool (4, 4) now, as far as the arm knows."""
        believed = self._world.data.qpos[:4] - self._error
        return top_down(believed[:3], float(believed[3]))

    def randomise(self, rng: np.random.Generator) -> None:
        """Draw the first error, and go on drawing from `rng`."""
        self._rng = rng
        self._error = draw_miss(self._noise, self._rng)

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
        gone = self.move(
            top_down(self._world.away_joints[:3], yaw_of(up)), speed=0.8, control=control
        )
        self._error = draw_miss(self._noise, self._rng)
        return gone

    def move(self, world_from_tool: FloatArray, *, speed: float, control: Control) -> Reached:
        """Move in a straight line at `speed` m/s; yaw turns along. Above `CLEAR_HEIGHT` the way is
        not stepped."""
        data = self._world.data
        start, target = (
            data.qpos[:4].copy(),
            np.array([*world_from_tool[:3, 3], yaw_of(world_from_tool)]) + self._error,
        )
        turn = wrapped(target[3] - start[3])
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

    def _servo(
        self, start: FloatArray, target: FloatArray, speed: float, control: Control
    ) -> Reached:
        world, data = self._world, self._world.data
        way = target - start
        times = profile(
            max(float(np.linalg.norm(way[:3])), float(abs(way[3])) / _TURN_PER_METRE),
            speed,
            self._update,
            _ACCELERATION,
        )
        references = start + times.share[:, None] * way
        leads = (
            references + (_LEAD_SPEED * times.rate + _LEAD_ACCELERATION * times.gain)[:, None] * way
        )
        # Plain numbers: a numpy call on three of them costs ten times as much as what it does.
        ctrl, qpos = data.ctrl, data.qpos
        for (x, y, z, _), lead in zip(references.tolist(), leads, strict=True):
            if control.stop.is_set():
                return self._halt(Fault.STOPPED)
            ctrl[:4] = lead
            world.step(STEPS_PER_UPDATE)
            if max(abs(x - qpos[0]), abs(y - qpos[1]), abs(z - qpos[2])) > _BLOCKED_LAG:
                return self._halt(Fault.BLOCKED)
        data.ctrl[:4] = target
        world.step(2 * STEPS_PER_UPDATE)
        return Reached(self.pose())

    def _halt(self, fault: Fault) -> Reached:
        data = self._world.data
        data.ctrl[:4] = data.qpos[:4]
        self._world.step(2 * STEPS_PER_UPDATE)
        return Reached(self.pose(), fault)


class SimGripper:
    """Gripper driver: two coupled fingers that close at constant speed until they stall."""

    def __init__(self, world: World) -> None:
        self._world = world
        model = world.model
        self._joints = [model.joint(f"finger_{side}").qposadr[0] for side in ("right", "left")]
        self._dof = int(model.joint("finger_right").dofadr[0])
        self._servo = model.actuator("finger_right").id
        self._update = STEPS_PER_UPDATE * float(model.opt.timestep)

    @property
    def spec(self) -> GripperSpec:
        """Its geometry and limits."""
        return self._world.gripper

    def width(self) -> float:
        """m between the fingers' inner faces."""
        return max(self.spec.closed, float(self._world.data.qpos[self._joints].sum()))

    def force(self) -> float:
        """N that each finger presses with, from the servo's effort."""
        return abs(float(self._world.data.actuator_force[self._servo])) / 2

    def open(self, width: float, *, control: Control) -> None:
        """Bring the fingers `width` m apart, or as far as they go; in free air this is not
        stepped."""
        world, data = self._world, self._world.data
        world.hold_firmly(False)
        half = max(self.spec.closed, min(width, self.spec.opening)) / 2
        held = world.held()
        data.ctrl[self._servo] = half
        if world.hand_height >= CLEAR_HEIGHT and not held:
            data.qpos[self._joints] = half
            data.qvel[self._dof : self._dof + 2] = 0.0
            world.forward()
            return
        for _ in range(
            int(np.ceil(abs(half - self.width() / 2) / (2 * _FINGER_SPEED * self._update))) + 3
        ):
            if control.stop.is_set():
                return self._halt()
            world.step(STEPS_PER_UPDATE)

    def close(self, *, control: Control) -> None:
        """Close until the fingers stall, on something or at the end of their travel, then squeeze
        with the full force."""
        world, data = self._world, self._world.data
        speed = _FINGER_SPEED * control.speed
        goal = data.qpos[self._joints[0]]
        stalled = 0
        while stalled < 4 and not control.stop.is_set():
            goal -= speed * self._update
            data.ctrl[self._servo] = goal
            world.step(STEPS_PER_UPDATE)
            behind = data.qpos[self._joints[0]] - goal
            stalled = stalled + 1 if behind > 2 * self.spec.max_force / FINGER_STIFFNESS else 0
        if control.stop.is_set():
            return self._halt()
        data.ctrl[self._servo] = -_SQUEEZE
        # Passes that keep a grip from creeping cost more than the rest of a step: only while there
        # is a grip.
        world.hold_firmly(self.width() > self.spec.closed + _SOMETHING)
        world.step(4 * STEPS_PER_UPDATE)

    def _halt(self) -> None:
        """Stay where a stop caught the fingers, rather than going on to open or to squeeze."""
        self._world.data.ctrl[self._servo] = self._world.data.qpos[self._joints[0]]


@dataclass(frozen=True, eq=False)
class Profile:
    """At each of N updates: the share of the way (N,), its rate (N,) 1/s, and that rate's rate (N,)
    1/s^2."""

    share: FloatArray
    rate: FloatArray
    gain: FloatArray


def profile(distance: float, speed: float, update: float, acceleration: float) -> Profile:
    """Trapezoidal, from 0 to 1, over `distance` m at up to `speed` m/s, an update each `update`
    s."""
    if distance < 1e-9:
        return Profile(np.zeros(0), np.zeros(0), np.zeros(0))
    top = min(speed, float(np.sqrt(distance * acceleration)))
    ramp = top / acceleration
    duration = distance / top + ramp
    updates = max(1, int(np.ceil(duration / update)))
    t = duration * np.arange(1, updates + 1) / updates
    left = duration - t
    begins, ends = t < ramp, t >= duration - ramp
    travelled = np.where(
        begins,
        acceleration * t * t / 2,
        np.where(ends, distance - acceleration * left * left / 2, top * (t - ramp / 2)),
    )
    rate = np.where(begins, acceleration * t, np.where(ends, acceleration * left, top))
    gain = np.where(begins, acceleration, np.where(ends, -acceleration, 0.0))
    return Profile(travelled / distance, rate / distance, gain / distance)
