"""The compiled model: a table or bin, a two-finger hand that flies or sits on an arm, and empty
slots that any object of the cast can fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.part import Shape
from selfgrasp.objects.patterns import PATTERNS, pattern_image
from selfgrasp.workcell.sim.arms import PALM, ArmModel, attach, check_joints

HAND_MASS = 1.0
HAND_STIFFNESS = 8000.0
FINGER_MASS = 0.08
MOVING_MASS = HAND_MASS + 2 * FINGER_MASS
FINGER_STIFFNESS = 4000.0
FINGER_PAD_FRICTION = 1.0
HAND_PUSH_LIMIT = 50.0
"""N with which the hand pushes at most: what it hits stops it rather than being crushed."""

LINEAR_DAMPING, ROLLING_DAMPING = 0.01, 2e-4
"""N s/m and N m s/rad of an object: air and rolling resistance, without which round ones roll for
seconds."""

CONTACT_SOLREF = (0.005, 1.0)
CONTACT_SOLIMP = (0.95, 0.99, 0.001, 0.5, 2.0)
"""MuJoCo's default contacts are so soft that 20 N press a finger right through a spoon's handle;
these yield about 0.1 mm."""

SLOT = "slot{}"
TABLE_COLOR = (0.86, 0.85, 0.82, 1.0)
HAND_COLOR = (0.16, 0.17, 0.19, 1.0)


@dataclass(frozen=True)
class TableConfig:
    """What the objects lie on: a flat square with walls around it.

    Attributes:
        half_size: m from the middle to the walls.
        wall_height: m; 0 leaves the walls out.
        wall_thickness: m.
    """

    half_size: float = 0.18
    wall_height: float = 0.05
    wall_thickness: float = 0.02


@dataclass(frozen=True)
class PhysicsConfig:
    """How the simulation is stepped.

    Attributes:
        timestep: s.
        noslip_iterations: what keeps a held object from creeping out of the fingers; see
            docs/decisions.
        impedance_ratio: of frictional to normal constraint impedance.
    """

    timestep: float = 0.0025
    noslip_iterations: int = 10
    impedance_ratio: float = 10.0


def build_model(
    cast: Sequence[ObjectModel],
    slots: int,
    table: TableConfig,
    gripper: GripperSpec,
    physics: PhysicsConfig,
    arm: ArmModel | None = None,
) -> mujoco.MjModel:
    """Compile a world in which each of `slots` free bodies can become any object of `cast` without
    compiling again; without an arm the hand flies.

    Raises:
        InputError: an arm with other joints than it says.
    """
    spec = mujoco.MjSpec()
    _set_options(spec, physics)
    _add_looks(spec)
    _add_table(spec, table)
    _add_gripper(_slides(spec) if arm is None else _on_arm(spec, arm, gripper), spec, gripper)
    for item in cast:
        for index, part in enumerate(item.parts):
            if part.shape is Shape.MESH and part.vertices is not None:
                spec.add_mesh(
                    name=f"{item.name}/{index}", uservert=np.asarray(part.vertices).ravel()
                )
    geoms = max((len(item.parts) for item in cast), default=1)
    for slot in range(slots):
        _add_slot(spec, slot, geoms)
    model = spec.compile()
    if arm is not None:
        check_joints(model, arm)
    for slot in range(slots):
        first = int(model.joint(SLOT.format(slot)).dofadr[0])
        model.dof_damping[first : first + 3] = LINEAR_DAMPING
        model.dof_damping[first + 3 : first + 6] = ROLLING_DAMPING
    model.geom_solref[:] = CONTACT_SOLREF
    model.geom_solimp[:] = CONTACT_SOLIMP
    return model


def _set_options(spec: mujoco.MjSpec, physics: PhysicsConfig) -> None:
    option = spec.option
    option.timestep = physics.timestep
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.noslip_iterations = physics.noslip_iterations
    option.impratio = physics.impedance_ratio
    option.tolerance = 1e-6
    option.sleep_tolerance = 5e-3
    option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    # Slots change their geoms in place, which leaves the compiled bounding-volume trees of the
    # bodies stale.
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE)
    spec.stat.extent = 1.0
    spec.stat.center = np.zeros(3)
    spec.visual.map.znear = 0.01
    spec.visual.map.zfar = 5.0
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 0
    spec.visual.global_.offwidth = 1280
    spec.visual.global_.offheight = 960
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
    spec.visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.memory = 32 << 20


def _add_looks(spec: mujoco.MjSpec) -> None:
    for name in PATTERNS:
        tile = pattern_image(name)
        texture = spec.add_texture(
            name=name,
            type=mujoco.mjtTexture.mjTEXTURE_CUBE,
            width=tile.shape[1],
            height=6 * tile.shape[0],
            nchannel=3,
        )
        texture.data = np.tile(tile, (6, 1, 1)).tobytes()
        material = spec.add_material(name=name, specular=0.0, shininess=0.0, reflectance=0.0)
        textures = material.textures
        textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
        material.textures = textures
    spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.3, -0.4, 1.5],
        dir=[-0.25, 0.35, -1.0],
        castshadow=False,
        diffuse=[0.45, 0.45, 0.45],
        ambient=[0.0, 0.0, 0.0],
        specular=[0.0, 0.0, 0.0],
    )


def _add_table(spec: mujoco.MjSpec, table: TableConfig) -> None:
    box = mujoco.mjtGeom.mjGEOM_BOX
    spec.worldbody.add_geom(
        name="table",
        type=box,
        size=[1.5, 1.5, 0.1],
        pos=[0, 0, -0.1],
        rgba=TABLE_COLOR,
        friction=[0.8, 0.005, 0.0001],
        condim=3,
    )
    if table.wall_height <= 0:
        return
    reach, thickness, height = table.half_size, table.wall_thickness / 2, table.wall_height / 2
    for index, (x, y) in enumerate([(1, 0), (-1, 0), (0, 1), (0, -1)]):
        center = reach + thickness
        size = (
            [thickness, reach + 2 * thickness, height]
            if x
            else [reach + 2 * thickness, thickness, height]
        )
        spec.worldbody.add_geom(
            name=f"wall{index}",
            type=box,
            size=size,
            pos=[x * center, y * center, height],
            rgba=(0.62, 0.64, 0.67, 1.0),
            friction=[0.4, 0.005, 0.0001],
            condim=3,
        )


def _slides(spec: mujoco.MjSpec) -> mujoco.MjsBody:
    """A hand on three slides and a yaw hinge, +z of its frame up; the tool's origin is the
    hand's."""
    hand = spec.worldbody.add_body(name="hand", pos=[0, 0, 0], gravcomp=1)
    slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
    for name, axis in (("x", [1, 0, 0]), ("y", [0, 1, 0]), ("z", [0, 0, 1])):
        hand.add_joint(name=f"hand_{name}", type=slide, axis=axis)
    hand.add_joint(name="hand_yaw", type=hinge, axis=[0, 0, 1])
    inertia = 0.005
    stiffness = {"x": HAND_STIFFNESS, "y": HAND_STIFFNESS, "z": HAND_STIFFNESS, "yaw": 200.0}
    for name, kp in stiffness.items():
        mass = inertia if name == "yaw" else MOVING_MASS
        _add_servo(
            spec,
            f"hand_{name}",
            kp,
            2 * float(np.sqrt(kp * mass)),
            5.0 if name == "yaw" else HAND_PUSH_LIMIT,
        )
    return hand


def _on_arm(spec: mujoco.MjSpec, arm: ArmModel, gripper: GripperSpec) -> mujoco.MjsBody:
    """A hand under the flange of an arm; its +z points back to the flange."""
    hand = attach(spec, arm, gripper)
    for joint, (kp, kd, limit) in zip(arm.joints, arm.servos, strict=True):
        _add_servo(spec, joint, kp, kd, limit)
    return hand


def _add_gripper(hand: mujoco.MjsBody, spec: mujoco.MjSpec, gripper: GripperSpec) -> None:
    """Palm, two coupled fingers and their servo; the tool's origin is the hand's."""
    box, slide = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtJoint.mjJNT_SLIDE
    hand.add_geom(
        name="palm",
        type=box,
        size=[gripper.opening / 2 + 0.025, PALM / 2, PALM / 2],
        pos=[0, 0, gripper.finger_length + PALM / 2],
        rgba=HAND_COLOR,
        mass=HAND_MASS,
        friction=[0.5, 0.005, 0.0001],
        condim=3,
    )
    travel = [gripper.closed / 2, gripper.opening / 2]
    for side, name in ((1, "right"), (-1, "left")):
        finger = hand.add_body(name=f"finger_{name}", gravcomp=1)
        finger.add_joint(
            name=f"finger_{name}",
            type=slide,
            axis=[side, 0, 0],
            range=travel,
            limited=True,
            armature=0.02,
        )
        finger.add_geom(
            name=f"finger_{name}",
            type=box,
            rgba=HAND_COLOR,
            mass=FINGER_MASS,
            condim=4,
            friction=[FINGER_PAD_FRICTION, 0.01, 0.0001],
            size=[
                gripper.finger_thickness / 2,
                gripper.finger_breadth / 2,
                gripper.finger_length / 2,
            ],
            pos=[side * gripper.finger_thickness / 2, 0, gripper.finger_length / 2],
        )
    spec.add_exclude(bodyname1="hand", bodyname2="finger_right")
    spec.add_exclude(bodyname1="hand", bodyname2="finger_left")
    spec.add_exclude(bodyname1="finger_left", bodyname2="finger_right")
    spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1="finger_left",
        name2="finger_right",
        data=[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        solref=[0.005, 1],
    )
    mass = 2 * (FINGER_MASS + 0.02)
    _add_servo(
        spec,
        "finger_right",
        FINGER_STIFFNESS,
        2 * float(np.sqrt(FINGER_STIFFNESS * mass)),
        2 * gripper.max_force,
    )


def _add_servo(spec: mujoco.MjSpec, joint: str, kp: float, kd: float, limit: float) -> None:
    actuator = spec.add_actuator(
        name=joint,
        target=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        forcerange=[-limit, limit],
        forcelimited=True,
    )
    actuator.set_to_position(kp=kp, kv=kd)


def _add_slot(spec: mujoco.MjSpec, slot: int, geoms: int) -> None:
    body = spec.worldbody.add_body(name=SLOT.format(slot), pos=[0, 0, 0], gravcomp=1)
    body.add_freejoint(name=SLOT.format(slot))
    for _ in range(geoms):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[0.01, 0, 0],
            rgba=[0, 0, 0, 0],
            contype=0,
            conaffinity=0,
            mass=0.01,
            condim=4,
            material=PATTERNS[0],
        )
