"""Arms that can carry the hand, and how; the KUKA LBR iiwa 14 from primitive shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import pose
from selfgrasp.core.spec import GripperSpec
from selfgrasp.workcell.sim import quiet as _quiet  # noqa: F401  no log in the user's folder

import mujoco  # isort: skip

PALM = 0.06
"""m, height and depth of the palm; an arm's flange sits on it."""

ARM_COLOR = (0.83, 0.45, 0.16, 1.0)
JOINT_COLOR = (0.75, 0.76, 0.78, 1.0)
_TOOL_STIFFNESS = 8000.0
"""N/m with which the hand holds its place against a push, as the flying hand does."""


@dataclass(frozen=True, eq=False)
class ArmModel:
    """An arm, standing where it is attached to a cell's world.

    Attributes:
        name: of the arm.
        make: a fresh `MjSpec` of the arm alone.
        joints: names of its J hinges, base first, as they are called in the cell's world.
        base: name of the body that is attached.
        flange: name of the body that carries the hand.
        body_from_flange: (4, 4) flange in that body, its +z pointing away from the arm.
        world_from_base: (4, 4).
        limits: (J, 2) rad.
        speeds: (J,) rad/s.
        torques: (J,) N m.
        home: (J,) rad, a posture over the bin that inverse kinematics stays near; None looks for
            one.
    """

    name: str
    make: Callable[[], mujoco.MjSpec] = field(repr=False)
    joints: tuple[str, ...]
    base: str
    flange: str
    body_from_flange: FloatArray
    world_from_base: FloatArray
    limits: FloatArray
    speeds: FloatArray
    torques: FloatArray
    home: FloatArray | None = None

    @property
    def servos(self) -> tuple[tuple[float, float, float], ...]:
        """Stiffness N m/rad, damping N m s/rad and torque limit N m of each joint. Joints near the
        base move the hand further and carry more."""
        lever = np.linspace(0.65, 0.2, len(self.joints))
        stiffness = _TOOL_STIFFNESS * lever**2 * 2.0
        inertia = 4.0 * lever**2 + 0.02
        return tuple(
            (float(kp), 2 * float(np.sqrt(kp * i)), float(t))
            for kp, i, t in zip(stiffness, inertia, self.torques, strict=True)
        )


_OPTIONS = tuple(name for name in dir(mujoco.MjSpec().option) if not name.startswith("_"))
PREFIX = "arm_"
"""Before every name of an arm in the world it is attached to."""

_IIWA_LENGTHS = (0.36, 0.42, 0.40, 0.126)
"""m: base to shoulder, shoulder to elbow, elbow to wrist, wrist to flange (KUKA LBR iiwa 14 R820,
technical data)."""
_IIWA_LIMITS = np.radians([170, 120, 170, 120, 170, 120, 175.0])
_IIWA_SPEEDS = np.radians([85, 85, 100, 75, 130, 135, 135.0])
_IIWA_TORQUES = np.array([320, 320, 176, 176, 110, 40, 40.0])
_IIWA_HOME = np.radians([0, 25, 0, -95, 0, 60, 0.0])


def iiwa14(world_from_base: FloatArray) -> ArmModel:
    """KUKA LBR iiwa 14 R820: published link lengths, joint limits and speeds; shapes are cylinders
    and spheres."""
    return ArmModel(
        "iiwa14",
        _make_iiwa,
        tuple(f"{PREFIX}joint{i}" for i in range(1, 8)),
        "base",
        "link7",
        pose(translation=(0, 0, _IIWA_LENGTHS[3])),
        world_from_base,
        np.stack([-_IIWA_LIMITS, _IIWA_LIMITS], axis=1),
        _IIWA_SPEEDS,
        _IIWA_TORQUES,
        _IIWA_HOME,
    )


def _make_iiwa() -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    capsule, cylinder = mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER
    shoulder, upper, fore, wrist = _IIWA_LENGTHS
    body = spec.worldbody.add_body(name="base")
    body.add_geom(
        type=cylinder,
        size=[0.10, 0.075, 0],
        pos=[0, 0, 0.075],
        rgba=JOINT_COLOR,
        contype=0,
        conaffinity=0,
        mass=5.0,
    )
    # Where each joint's body begins on the one before it, its axis there, and the link that it
    # carries: length along z, radius, mass.
    links: list[tuple[float, list[int], float, float, float]] = [
        (0.15, [0, 0, 1], shoulder - 0.15, 0.075, 4.0),
        (shoulder - 0.15, [0, 1, 0], upper / 2, 0.07, 4.0),
        (upper / 2, [0, 0, 1], upper / 2, 0.07, 3.0),
        (upper / 2, [0, -1, 0], fore / 2, 0.062, 2.7),
        (fore / 2, [0, 0, 1], fore / 2, 0.062, 1.7),
        (fore / 2, [0, 1, 0], 0.03, 0.055, 1.8),
        (0.0, [0, 0, 1], wrist, 0.045, 0.4),
    ]
    for number, (start, axis, length, radius, mass) in enumerate(links, start=1):
        body = body.add_body(name=f"link{number}", pos=[0, 0, start], gravcomp=1)
        limit = float(_IIWA_LIMITS[number - 1])
        body.add_joint(
            name=f"joint{number}",
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=axis,
            range=[-limit, limit],
            limited=True,
            armature=0.05,
        )
        turns = number % 2 == 0
        body.add_geom(
            type=capsule,
            fromto=[0, 0, 0, 0, 0, length],
            size=[radius, 0, 0],
            mass=mass,
            rgba=JOINT_COLOR if turns else ARM_COLOR,
            contype=0,
            conaffinity=0,
        ) if number < 7 else body.add_geom(
            type=cylinder,
            fromto=[0, 0, 0.03, 0, 0, length],
            size=[radius, 0, 0],
            mass=mass,
            rgba=JOINT_COLOR,
            contype=1,
            conaffinity=1,
        )
    return spec


def attach(spec: mujoco.MjSpec, arm: ArmModel, gripper: GripperSpec) -> mujoco.MjsBody:
    """Put `arm` into a world and an empty body "hand" under its flange: the tool between the
    fingertips, +z of the hand back towards the flange."""

    child = arm.make()
    # The world's options hold, not those of the arm's file.
    for name in _OPTIONS:
        setattr(child.option, name, getattr(spec.option, name))
    frame = spec.worldbody.add_frame(
        pos=arm.world_from_base[:3, 3], quat=_quaternion(arm.world_from_base)
    )
    spec.attach(child, prefix=PREFIX, frame=frame)
    flange = spec.body(PREFIX + arm.flange)
    down = pose(
        rotation=np.diag([1.0, -1.0, -1.0]), translation=(0, 0, gripper.finger_length + PALM)
    )
    body_from_hand = arm.body_from_flange @ down
    # The file's defaults (no contacts, its materials) are not the hand's.
    hand = flange.add_body(
        default=spec.default,
        name="hand",
        pos=body_from_hand[:3, 3],
        quat=_quaternion(body_from_hand),
        gravcomp=1,
    )
    spec.add_exclude(bodyname1="hand", bodyname2=flange.name)
    return hand


def check_joints(model: mujoco.MjModel, arm: ArmModel) -> None:
    """`World` and `JointArm` take the first numbers of the state for the arm's.

    Raises:
        InputError: an arm with other joints than it says.
    """
    places = [int(model.joint(name).qposadr[0]) for name in arm.joints]
    if places != list(range(len(places))):
        raise InputError(
            given=f"arm {arm.name!r}, which moves in other joints than {', '.join(arm.joints)}",
            wanted="an arm whose other joints are held",
        )


def _quaternion(a_from_b: FloatArray) -> FloatArray:
    out = np.empty(4)
    mujoco.mju_mat2Quat(out, np.ascontiguousarray(a_from_b[:3, :3]).ravel())
    return out
