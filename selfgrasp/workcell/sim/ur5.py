"""The Universal Robots UR5 from primitive shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose
from selfgrasp.workcell.sim.arms import JOINT_COLOR, PREFIX, ArmModel

import mujoco  # isort: skip

A = (0.0, -0.425, -0.39225, 0.0, 0.0, 0.0)
D = (0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823)
ALPHA = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)
"""m, m and rad: Denavit-Hartenberg parameters of the UR5, series 3 (Universal Robots, CB3 service
manual, appendix "Robot parameter"). Link k turns about z of the frame before it; the next frame is
Rz(joint) Tz(d) Tx(a) Rx(alpha) from there."""
MASSES = (3.7, 8.393, 2.33, 1.219, 1.219, 0.1879)
"""kg of each link (Universal Robots, "Parameters for calculations of kinematics and dynamics")."""
_BASE_MASS = 4.0
_LIMIT = 2 * math.pi
_SPEED = math.pi
_TORQUES = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)
_HOME = np.radians([-12.6, -89.0, 99.0, -100.0, -90.0, -12.6])
"""The hand points down, half a metre from the base on its -x side, 0.25 m above its foot, the elbow
above the shoulder, the closing direction along the base's y axis."""
_ARMATURE = 0.05
"""kg m^2 of the motors, seen from the joints; not published, as the iiwa's."""

_TUBE_COLOR = (0.62, 0.68, 0.74, 1.0)
_UPPER, _FORE = 0.1358, 0.0165
"""m along the shoulder's axis: the upper arm passes beside the base, the forearm beside the upper
arm."""


@dataclass(frozen=True)
class _Tube:
    """A cylinder of a link, from `start` to `end` (3,) m in the link's frame; its share of the
    link's mass."""

    link: int
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float
    share: float
    limb: bool = False


_TUBES = (
    _Tube(1, (0.0, 0.0, 0.03), (0.0, 0.0, D[0]), 0.06, 0.4),
    _Tube(1, (0.0, 0.06, D[0]), (0.0, -0.076, D[0]), 0.058, 0.6),
    _Tube(2, (0.0, 0.0, 0.077), (0.0, 0.0, _UPPER + 0.058), 0.058, 0.3),
    _Tube(2, (0.0, 0.0, _UPPER), (A[1], 0.0, _UPPER), 0.05, 0.5, limb=True),
    _Tube(2, (A[1], 0.0, 0.074), (A[1], 0.0, _UPPER + 0.054), 0.054, 0.2),
    _Tube(3, (0.0, 0.0, _FORE - 0.045), (0.0, 0.0, 0.073), 0.05, 0.4),
    _Tube(3, (0.0, 0.0, _FORE), (A[2], 0.0, _FORE), 0.038, 0.5, limb=True),
    _Tube(3, (A[2], 0.0, _FORE - 0.04), (A[2], 0.0, D[3] - 0.047), 0.038, 0.1),
    _Tube(4, (0.0, 0.0, D[3] - 0.046), (0.0, 0.0, D[3] + 0.04), 0.038, 1.0),
    _Tube(5, (0.0, 0.0, 0.04), (0.0, 0.0, D[4] + 0.04), 0.038, 1.0),
    _Tube(6, (0.0, 0.0, 0.04), (0.0, 0.0, D[5]), 0.036, 1.0),
)


def ur5(world_from_base: FloatArray) -> ArmModel:
    """Universal Robots UR5: published Denavit-Hartenberg parameters, masses, joint limits, speeds
    and torques; shapes are cylinders.

    Its home posture reaches to the -x side of the base, where both limbs lie at joint angles of 0.
    Only the last link collides, as that of `iiwa14`.
    """
    return ArmModel(
        "ur5",
        _make,
        tuple(f"{PREFIX}joint{number}" for number in range(1, 7)),
        "base",
        "link6",
        pose(translation=(0.0, 0.0, D[5])),
        world_from_base,
        np.tile([-_LIMIT, _LIMIT], (6, 1)),
        np.full(6, _SPEED),
        np.array(_TORQUES),
        _HOME,
    )


def _make() -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    body = spec.worldbody.add_body(name="base")
    _add_tube(body, (0, 0, 0), (0, 0, 0.03), 0.075, _BASE_MASS, collides=False)
    offset, tilt = (0.0, 0.0, 0.0), 0.0
    for number, mass in enumerate(MASSES, start=1):
        quaternion = [math.cos(tilt / 2), math.sin(tilt / 2), 0.0, 0.0]
        body = body.add_body(name=f"link{number}", pos=offset, quat=quaternion, gravcomp=1)
        body.add_joint(
            name=f"joint{number}",
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=[0, 0, 1],
            range=[-_LIMIT, _LIMIT],
            limited=True,
            armature=_ARMATURE,
        )
        for tube in (tube for tube in _TUBES if tube.link == number):
            _add_tube(
                body,
                tube.start,
                tube.end,
                tube.radius,
                mass * tube.share,
                color=_TUBE_COLOR if tube.limb else JOINT_COLOR,
                collides=number == len(MASSES),
            )
        offset, tilt = (A[number - 1], 0.0, D[number - 1]), ALPHA[number - 1]
    return spec


def _add_tube(
    body: mujoco.MjsBody,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    radius: float,
    mass: float,
    *,
    color: tuple[float, float, float, float] = JOINT_COLOR,
    collides: bool,
) -> None:
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        fromto=[*start, *end],
        size=[radius, 0, 0],
        mass=mass,
        rgba=color,
        contype=int(collides),
        conaffinity=int(collides),
    )
