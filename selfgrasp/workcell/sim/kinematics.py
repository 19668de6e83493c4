"""Inverse kinematics of an arm by damped least squares (Wampler 1986), and straight ways of the
tool as ways of the joints."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, wrapped, yaw_of
from selfgrasp.core.spec import GripperSpec
from selfgrasp.workcell.sim.arms import ArmModel, attach

import mujoco  # isort: skip

POSITION_RESIDUAL, ANGLE_RESIDUAL = 0.5e-3, 2e-3
"""m and rad within which a pose counts as reached."""
_DAMPING = 1e-4
_HOMING = 0.05
"""Share of the way back to the home posture that each iteration takes in the directions that do not
move the tool."""
_LARGEST_TURN = 0.25
"""rad a joint turns at most in one iteration."""
_ITERATIONS = 60
_OVER, _RESTARTS = (0.0, 0.0, 0.25), 40
"""m and how often a posture over the bin is looked for from random ones."""
_ELBOW = 0.2
"""m above the table that all joints after the second should be in that posture."""
_POINT_EVERY, _POINT_TURN = 0.03, 0.25
"""m and rad of tool motion between two solved points of a way."""


@dataclass(frozen=True, eq=False)
class Solved:
    """Joints (J,) rad, and what is left of the way to the wanted pose: m and rad."""

    joints: FloatArray
    position_error: float
    angle_error: float

    @property
    def reached(self) -> bool:
        """Whether the residual is small enough."""
        return self.position_error < POSITION_RESIDUAL and self.angle_error < ANGLE_RESIDUAL


@dataclass(frozen=True, eq=False)
class Way:
    """A tool motion in joints.

    Attributes:
        joints: (K, J) rad, from where the arm is to the last pose that can be reached.
        jacobians: (K, 3, J) m/rad of the tool's position.
        metres: (K - 1,) tool motion between neighbours.
        whole: whether the last point is the wanted pose.
    """

    joints: FloatArray
    jacobians: FloatArray
    metres: FloatArray
    whole: bool


class Kinematics:
    """Forward and inverse kinematics of an arm with the hand, in a model of its own."""

    def __init__(self, arm: ArmModel, gripper: GripperSpec) -> None:
        spec = mujoco.MjSpec()
        attach(spec, arm, gripper).add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.01, 0, 0], mass=0.1
        )
        self.arm = arm
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        joints = [self._model.joint(name) for name in arm.joints]
        self._qpos = np.array([int(j.qposadr[0]) for j in joints])
        self._dofs = np.array([int(j.dofadr[0]) for j in joints])
        self._hand = int(self._model.body("hand").id)
        self.home = arm.limits.mean(axis=1) if arm.home is None else arm.home
        self._position_jacobian, self._rotation_jacobian = (
            np.zeros((3, self._model.nv)),
            np.zeros((3, self._model.nv)),
        )

        if arm.home is None:
            self.home = self._posture_over_the_bin()

    def _posture_over_the_bin(self) -> FloatArray:
        """Joints that hold the hand over the middle of the bin, with the elbow above the bin's
        walls and as far from their limits as chance finds."""
        rng = np.random.default_rng(0)
        low, high = self.arm.limits[:, 0], self.arm.limits[:, 1]
        found, best = self.home, (False, -1.0)
        for _ in range(_RESTARTS):
            solved = self.solve(top_down(_OVER, 0.0), rng.uniform(low, high))
            room = float(np.minimum(solved.joints - low, high - solved.joints).min())
            self.jacobian(solved.joints)
            clear = bool((self._data.xanchor[2:, 2] > _ELBOW).all())
            if solved.reached and (clear, room) > best:
                found, best = solved.joints, (clear, room)
        return found

    def tool(self, joints: FloatArray) -> FloatArray:
        """world_from_tool (4, 4) at `joints` (J,)."""
        self._data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(self._model, self._data)
        return self._tool()

    def _tool(self) -> FloatArray:
        out = np.eye(4)
        # The hand's +z is the tool's -z.
        out[:3, :3] = self._data.xmat[self._hand].reshape(3, 3) * (1.0, -1.0, -1.0)
        out[:3, 3] = self._data.xpos[self._hand]
        return out

    def jacobian(self, joints: FloatArray) -> FloatArray:
        """(6, J): m/rad of the tool's position, then rad/rad of its rotation, in the world."""
        self._data.qpos[self._qpos] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        return self._jacobian()

    def _jacobian(self) -> FloatArray:
        mujoco.mj_jacBody(
            self._model, self._data, self._position_jacobian, self._rotation_jacobian, self._hand
        )
        return np.concatenate(
            [self._position_jacobian[:, self._dofs], self._rotation_jacobian[:, self._dofs]]
        )

    def solve(self, world_from_tool: FloatArray, start: FloatArray) -> Solved:
        """Joints that bring the tool to a pose, near `start` (J,) and the home posture, within the
        limits; the residual says how near they come. A pose half a turn from that of `start`
        counts as reached: to the symmetric gripper it is the same."""
        low, high = self.arm.limits[:, 0], self.arm.limits[:, 1]
        joints = np.clip(start, low, high)
        damping = _DAMPING * np.eye(6)
        best = Solved(joints, math.inf, math.inf)
        for _ in range(_ITERATIONS):
            jacobian = self.jacobian(joints)
            error = _difference(world_from_tool, self._tool())
            now = Solved(joints, math.dist(error[:3], (0, 0, 0)), math.dist(error[3:], (0, 0, 0)))
            if (
                now.position_error + 0.1 * now.angle_error
                < best.position_error + 0.1 * best.angle_error
            ):
                best = now
            if now.reached:
                break
            inverse = np.linalg.solve(
                jacobian @ jacobian.T + damping, np.column_stack([error, jacobian])
            )
            homeward = _HOMING * (self.home - joints)
            turn = jacobian.T @ inverse[:, 0] + homeward - jacobian.T @ (inverse[:, 1:] @ homeward)
            turn *= min(1.0, _LARGEST_TURN / max(1e-9, float(np.abs(turn).max())))
            joints = np.clip(joints + turn, low, high)
        return best

    def posture(self, world_from_tool: FloatArray, start: FloatArray) -> Solved:
        """As `solve`; where that does not reach, from home, and with the gripper, which is
        symmetric, turned by half."""
        solved = self.solve(world_from_tool, start)
        turned = world_from_tool.copy()
        turned[:3, :2] *= -1
        for target, begin in ((world_from_tool, self.home), (turned, start), (turned, self.home)):
            if solved.reached:
                break
            other = self.solve(target, begin)
            solved = other if other.reached else solved
        return solved

    def way(self, world_from_tool: FloatArray, start: FloatArray) -> Way:
        """The straight way of a hand that points down from `start` (J,) to a pose; it ends early
        where the arm cannot go on."""
        before = self.tool(start)
        here, there = before[:3, 3], world_from_tool[:3, 3]
        begin = yaw_of(before)
        turn = wrapped(yaw_of(world_from_tool) - begin)
        length = float(np.linalg.norm(there - here))
        count = max(1, math.ceil(length / _POINT_EVERY), math.ceil(abs(turn) / _POINT_TURN))
        points, whole = [start], True
        for share in np.linspace(0, 1, count + 1)[1:]:
            solved = self.solve(
                top_down(here + share * (there - here), begin + share * turn), points[-1]
            )
            whole = solved.reached
            if not whole:
                break
            points.append(solved.joints)
        joints = np.array(points)
        jacobians = np.array([self.jacobian(p)[:3] for p in points])
        return Way(joints, jacobians, np.full(len(points) - 1, length / count), whole)


def _difference(wanted: FloatArray, now: FloatArray) -> FloatArray:
    """(6,) m and rad from `now` to `wanted`, both (4, 4), in the world."""
    # Of two nearly equal rotations, half the sum of the axes' cross products is the turn between
    # them; for large ones its direction is right.
    a, b = now[:3, :3].T.tolist(), wanted[:3, :3].T.tolist()
    turn = [0.0, 0.0, 0.0]
    for (ax, ay, az), (bx, by, bz) in zip(a, b, strict=True):
        turn[0] += 0.5 * (ay * bz - az * by)
        turn[1] += 0.5 * (az * bx - ax * bz)
        turn[2] += 0.5 * (ax * by - ay * bx)
    return np.array([*(wanted[:3, 3] - now[:3, 3]), *turn])
