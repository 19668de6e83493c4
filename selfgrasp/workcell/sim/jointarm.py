"""The driver of an arm with joints: straight tool motions through inverse kinematics, servoed joint
by joint; it stops where something blocks it."""

from __future__ import annotations

import math

import mujoco
import numpy as np
from scipy.interpolate import CubicSpline

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Fault
from selfgrasp.core.pose import inverse, pose, rotation_about_z, top_down, yaw_of
from selfgrasp.core.spec import Workspace
from selfgrasp.workcell.drivers import Control, Reached
from selfgrasp.workcell.sim.hand import CLEAR_HEIGHT, STEPS_PER_UPDATE, profile
from selfgrasp.workcell.sim.kinematics import Kinematics, Way
from selfgrasp.workcell.sim.noise import NoiseConfig, draw_miss
from selfgrasp.workcell.sim.world import World

_ACCELERATION = 6.0
"""m/s^2 of every stepped motion."""
_BLOCKED_LAG = 0.008
"""m behind the reference at which a motion counts as blocked."""


class JointArm:
    """Arm driver over the joints of a `World` with an arm.

    Args:
        world: with an arm.
        workspace: where the tool may go.
        noise: by how much the hand is off from where the arm believes it to be, anew after every
            `away`.
    """

    def __init__(
        self, world: World, workspace: Workspace, noise: NoiseConfig | None = None
    ) -> None:
        if world.kinematics is None:
            raise ValueError("a world without an arm")
        self._world, self._workspace, self._noise = world, workspace, noise or NoiseConfig()
        self._kinematics: Kinematics = world.kinematics
        self._count = world.arm_joints
        self._update = STEPS_PER_UPDATE * float(world.model.opt.timestep)
        servos = np.array(self._kinematics.arm.servos)
        self._stiffness, self._lead = servos[:, 0], servos[:, 1] / servos[:, 0]
        self._miss_by, self._rng = np.zeros(4), np.random.default_rng(0)
        self._inertia = np.zeros((world.model.nv, world.model.nv))

    @property
    def workspace(self) -> Workspace:
        """Where the tool may go."""
        return self._workspace

    def joints(self) -> FloatArray | None:
        """(J,) rad."""
        now: FloatArray = self._world.data.qpos[: self._count].copy()
        return now

    def pose(self) -> FloatArray:
        """world_from_tool (4, 4) now, as far as the arm knows; of a hand that points down, which
        its position and yaw say whole."""
        tool = self._kinematics.tool(self._world.data.qpos[: self._count])
        return top_down(tool[:3, 3] - self._miss_by[:3], yaw_of(tool) - self._miss_by[3])

    def randomise(self, rng: np.random.Generator) -> None:
        """Draw the first error, and go on drawing from `rng`."""
        self._rng = rng
        self._miss_by = draw_miss(self._noise, self._rng)

    def away(self, *, control: Control) -> Reached:
        """Rise, then go out of the cameras' sight with what is held."""
        up = self.pose().copy()
        up[2, 3] = max(up[2, 3], CLEAR_HEIGHT)
        reached = self.move(up, speed=0.8, control=control)
        if reached.fault is not None:
            return reached
        self._jump(self._world.away_joints)
        self._miss_by = draw_miss(self._noise, self._rng)
        return Reached(self.pose())

    def move(self, world_from_tool: FloatArray, *, speed: float, control: Control) -> Reached:
        """Move in a straight line at `speed` m/s as far as the joints' speeds allow; yaw turns
        along.

        Above `CLEAR_HEIGHT` the way is not stepped, and the hand may be tilted; below, it points
        down. Where the arm cannot follow, it ends there as `Fault.UNREACHABLE`. A yaw that the last
        joint cannot turn to is reached half a turn away: the gripper is symmetric.
        """
        if control.stop.is_set():
            return Reached(self.pose(), Fault.STOPPED)
        now = self._world.data.qpos[: self._count].copy()
        target = top_down(
            world_from_tool[:3, 3] + self._miss_by[:3], yaw_of(world_from_tool) + self._miss_by[3]
        )
        if min(self._kinematics.tool(now)[2, 3], target[2, 3]) >= CLEAR_HEIGHT:
            missed = pose(
                rotation=rotation_about_z(self._miss_by[3]) @ world_from_tool[:3, :3],
                translation=target[:3, 3],
            )
            solved = self._kinematics.posture(missed, now)
            if not solved.reached:
                return Reached(self.pose(), Fault.UNREACHABLE)
            self._jump(solved.joints)
            return Reached(self.pose())
        way = self._kinematics.way(target, now)
        if not way.whole:
            turned = target.copy()
            turned[:3, :2] *= -1
            other = self._kinematics.way(turned, now)
            way = other if other.whole else way
        if len(way.joints) > 1:
            reached = self._servo(way, speed * control.speed, control)
            if reached.fault is not None:
                return reached
        return Reached(self.pose(), None if way.whole else Fault.UNREACHABLE)

    def _jump(self, joints: FloatArray) -> None:
        """Go through free air without stepping; what is held comes along as if it were part of the
        hand."""
        world, data, count = self._world, self._world.data, self._count
        held = world.held()
        motion = self._kinematics.tool(joints) @ inverse(self._kinematics.tool(data.qpos[:count]))
        data.qpos[:count] = data.ctrl[:count] = joints
        data.qvel[:count] = 0.0
        for slot in held:
            world.carry(slot, motion)
        world.forward()

    def _servo(self, way: Way, speed: float, control: Control) -> Reached:
        world, data, count = self._world, self._world.data, self._count
        limits = self._kinematics.arm.speeds * control.speed
        turns = (np.abs(np.diff(way.joints, axis=0)) / limits).max(axis=1)
        along = np.r_[0.0, np.cumsum(np.maximum(way.metres, speed * turns))]
        length = float(along[-1])
        times = profile(length, speed, self._update, _ACCELERATION)
        at = times.share * length
        path = CubicSpline(along, way.joints, bc_type="natural")
        references, slope, rate = path(at), path(at, 1), times.rate[:, None] * length
        accelerations = path(at, 2) * rate**2 + slope * times.gain[:, None] * length
        mujoco.mj_fullM(world.model, data, self._inertia)
        # What damping and inertia would make the joints lag by is added to the servos' targets.
        leads = (
            references
            + self._lead * slope * rate
            + accelerations @ self._inertia[:count, :count].T / self._stiffness
        )
        nearest = way.jacobians[np.clip(np.searchsorted(along, at), 0, len(way.jacobians) - 1)]
        ctrl, qpos = data.ctrl, data.qpos
        for reference, lead, jacobian in zip(references, leads, nearest, strict=True):
            if control.stop.is_set():
                return self._halt(Fault.STOPPED)
            ctrl[:count] = lead
            world.step(STEPS_PER_UPDATE)
            x, y, z = (jacobian @ (reference - qpos[:count])).tolist()
            if math.sqrt(x * x + y * y + z * z) > _BLOCKED_LAG:
                return self._halt(Fault.BLOCKED)
        ctrl[:count] = references[-1]
        world.step(2 * STEPS_PER_UPDATE)
        return Reached(self.pose())

    def _halt(self, fault: Fault) -> Reached:
        data = self._world.data
        data.ctrl[: self._count] = data.qpos[: self._count]
        self._world.step(2 * STEPS_PER_UPDATE)
        return Reached(self.pose(), fault)
