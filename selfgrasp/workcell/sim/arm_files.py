"""Anyone's arm from an MJCF or URDF file. What it is, is read from the compiled model and by
name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError, first_line
from selfgrasp.workcell.sim.arm_chain import Chain, find_chain
from selfgrasp.workcell.sim.arms import PREFIX, ArmModel
from selfgrasp.workcell.sim.urdf import Urdf, read_urdf, read_xml

import mujoco  # isort: skip

_SPEED = np.radians(100.0)
"""rad/s of a joint whose file says nothing of speed."""
_LEAST_MASS, _LEAST_INERTIA = 1e-4, 1e-7
"""kg and kg m^2 of a link."""
_LARGEST = 3.0
"""m, radius of the largest shape of an arm."""
_ELEMENTS = (
    "actuators",
    "sensors",
    "keys",
    "equalities",
    "excludes",
    "pairs",
    "tendons",
    "cameras",
    "lights",
    "flexes",
    "skins",
    "tuples",
)
"""What of a file is no part of the arm's body."""
_CONTENT = (
    "qpos0",
    "body_parentid",
    "body_pos",
    "body_quat",
    "body_ipos",
    "body_iquat",
    "body_mass",
    "body_inertia",
    "jnt_type",
    "jnt_limited",
    "jnt_actfrclimited",
    "jnt_axis",
    "jnt_pos",
    "jnt_range",
    "jnt_stiffness",
    "jnt_actfrcrange",
    "dof_armature",
    "dof_damping",
    "dof_frictionloss",
    "geom_type",
    "geom_dataid",
    "geom_contype",
    "geom_conaffinity",
    "geom_condim",
    "geom_priority",
    "geom_solref",
    "geom_solimp",
    "geom_margin",
    "geom_friction",
    "geom_size",
    "geom_pos",
    "geom_quat",
    "geom_rgba",
    "geom_matid",
    "mesh_vert",
    "mesh_face",
    "mat_rgba",
    "mat_texid",
    "tex_data",
)
"""Fields of a compiled model that make it another arm."""


@dataclass(frozen=True, eq=False)
class ArmFile:
    """An arm, and what of its file it is.

    Attributes:
        model: the arm.
        chain: what of the file it is.
        content: 12 hex digits of all that moves and is seen, meshes included.
        left_away: names of meshes of kinds that MuJoCo does not read.
    """

    model: ArmModel
    chain: Chain
    content: str
    left_away: tuple[str, ...]

    def __str__(self) -> str:
        chain = self.chain
        said = f"arm {self.model.name}: {len(chain.hinges)} hinges ({', '.join(chain.hinges)}); "
        said += f"the hand is on {chain.flange}, another place is named by --options.flange"
        for what, names in (
            ("held still", chain.held),
            ("left away", chain.removed),
            ("meshes left away, MuJoCo reads STL, OBJ and MSH", self.left_away),
        ):
            said += f"; {what}: {', '.join(names)}" if names else ""
        return said


def arm_from_file(path: Path, world_from_base: FloatArray, flange: str = "") -> ArmModel:
    """The arm of `read_arm`."""
    return read_arm(path, world_from_base, flange).model


def read_arm(path: Path, world_from_base: FloatArray, flange: str = "") -> ArmFile:
    """An arm from an MJCF or URDF file: its chain of hinges from the root body to the flange, with
    the hand put on the flange.

    Other joints are held where the file puts them. A gripper of the file's own is left away, and so
    is all that is no part of the arm: floor, lamps, other things of a scene. Parts without names
    get some.

    Args:
        path: the file. Meshes are found beside it, and those of package://NAME in a folder NAME
            above or beside it.
        world_from_base: (4, 4) where its root stands.
        flange: the site or body that carries the hand; by default one with a usual name, see
            `arm_chain.find_chain`.

    Raises:
        InputError: no such file or mesh, one that MuJoCo cannot read, several arms, or one with
            fewer than four hinges.
    """
    source = _read(path)
    # It takes meshes that were changed within one second for the same.
    mujoco.mj_clearCache(mujoco.mj_getCache())

    def make() -> mujoco.MjSpec:
        spec = _spec(path, source)
        _reduce(spec, chain)
        return spec

    try:
        chain = find_chain(_spec(path, source).compile(), flange)
        _check_hinges(chain, source)
        model = make().compile()
        _check_sizes(model)
        _check_clear(model, world_from_base)
    except ValueError as error:
        raise InputError(
            given=f"{path} ({first_line(error)})", wanted="an arm that MuJoCo can compile"
        ) from error
    except InputError as error:
        raise InputError(
            given=f"{path}: {error.given}", wanted=error.wanted, exists=error.exists
        ) from error
    names = chain.hinges
    count = len(names)
    joints = [model.joint(name) for name in names]
    limits = [j.range if j.limited else (-np.pi, np.pi) for j in joints]
    torques = np.linspace(300, 40, count)
    arm = ArmModel(
        f"{path.resolve().parent.name}/{path.name}",
        make,
        tuple(PREFIX + name for name in names),
        chain.root,
        chain.carrier,
        chain.body_from_flange,
        world_from_base,
        np.array(limits),
        np.array([source.speeds.get(name, _SPEED) for name in names]),
        np.array([source.torques.get(n, t) for n, t in zip(names, torques, strict=True)]),
    )
    return ArmFile(arm, chain, _content(model, chain, arm), source.left_away)


def _check_hinges(chain: Chain, source: Urdf) -> None:
    """Raises: InputError, where a hinge of the arm does not turn by itself."""
    for name in chain.hinges:
        if name in source.followers:
            raise InputError(
                given=f"a hinge of the arm, {name}, that follows {source.followers[name]}",
                wanted="hinges that each turn by themselves",
            )
        if name in source.stiff:
            raise InputError(
                given=f"a revolute joint of the arm, {name}, without limits or with equal ones",
                wanted="a lower limit below the upper one, or type='continuous' or 'fixed'",
            )


def _check_sizes(model: mujoco.MjModel) -> None:
    """Raises: InputError, where a shape is larger than any arm: its mesh is in millimetres."""
    largest = float(model.geom_rbound.max(initial=0.0))
    if largest > _LARGEST:
        raise InputError(
            given=f"an arm with a shape of {2 * largest:.3g} m",
            wanted=f"at most {2 * _LARGEST:g} m; meshes in millimetres need a scale of 0.001",
        )


def _check_clear(model: mujoco.MjModel, world_from_base: FloatArray) -> None:
    """Raises: InputError, where what carries the arm, a table say, would lie over the middle of the
    bin."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    below, body = [], int(model.jnt_bodyid[0])
    while body := int(model.body_parentid[body]):
        below.append(body)
    seen = np.isin(model.geom_bodyid, below) & (model.geom_rgba[:, 3] > 0)
    for geom in np.flatnonzero(seen):
        turn = world_from_base[:3, :3] @ data.geom_xmat[geom].reshape(3, 3)
        at = world_from_base[:3, :3] @ data.geom_xpos[geom] + world_from_base[:3, 3]
        middle = at + turn @ model.geom_aabb[geom, :3]
        half = np.abs(turn) @ model.geom_aabb[geom, 3:]
        if (np.abs(middle[:2]) < half[:2]).all() and middle[2] + half[2] > 0.0:
            name = model.body(model.geom_bodyid[geom]).name
            raise InputError(
                given=f"an arm whose {name}, which does not move, would lie over the bin",
                wanted="the arm without the table or stand around it",
            )


def _read(path: Path) -> Urdf:
    """The file; of an MJCF no text, since MuJoCo finds what it includes by its path."""
    root = read_xml(path)
    if root.tag == "robot":
        return read_urdf(path, root)
    if root.tag != "mujoco":
        raise InputError(
            given=f"{path}, which begins with <{root.tag}>",
            wanted="an arm that MuJoCo can compile: MJCF (<mujoco>) or URDF (<robot>)",
        )
    return Urdf("")


def _spec(path: Path, source: Urdf) -> mujoco.MjSpec:
    """The whole file, in which every body, joint and site has a name of its own."""
    spec = (
        mujoco.MjSpec.from_string(source.text, assets=source.meshes)
        if source.text
        else mujoco.MjSpec.from_file(str(path))
    )
    spec.compiler.fusestatic = False
    bodies = list(spec.bodies)[1:]
    for kind, parts in (("body", bodies), ("joint", spec.joints), ("site", spec.sites)):
        taken = {part.name for part in parts}
        for number, part in enumerate(parts):
            if not part.name:
                name = f"{kind}{number}"
                part.name = name if name not in taken else f"unnamed_{kind}{number}"
    return spec


def _reduce(spec: mujoco.MjSpec, chain: Chain) -> None:
    """Leave the arm alone, with its hinges as the only joints, on a root that stands where it is
    put."""
    for kind in _ELEMENTS:
        for element in list(getattr(spec, kind)):
            spec.delete(element)
    for name in (*_other_roots(spec, chain), *chain.removed):
        spec.delete(spec.body(name))
    for part in [*spec.worldbody.geoms, *spec.worldbody.sites]:
        spec.delete(part)
    for name in chain.held:
        spec.delete(spec.joint(name))
    for joint in spec.joints:
        # As gravity, a spring is carried.
        joint.stiffness = np.zeros_like(joint.stiffness)
        # What carries it is not taken from the joint's own force.
        joint.actgravcomp = 0
    # A last link may have had its mass from the gripper that is gone.
    spec.compiler.boundmass = max(spec.compiler.boundmass, _LEAST_MASS)
    spec.compiler.boundinertia = max(spec.compiler.boundinertia, _LEAST_INERTIA)
    for body in list(spec.bodies)[1:]:
        body.gravcomp = 1
        _show(list(body.geoms))
        if body.name != chain.carrier:
            for geom in body.geoms:
                geom.contype, geom.conaffinity = 0, 0
    root: Any = spec.body(chain.root)
    while root is not None:
        root.pos = np.zeros(3)
        root = root.frame


def _show(geoms: list[Any]) -> None:
    """Of a body's shapes that are looked at and others that collide, show the first alone."""
    solid = [geom for geom in geoms if geom.contype or geom.conaffinity]
    if len(solid) < len(geoms):
        for geom in solid:
            geom.material, geom.rgba = "", (0.0, 0.0, 0.0, 0.0)


def _other_roots(spec: mujoco.MjSpec, chain: Chain) -> list[str]:
    return [body.name for body in spec.worldbody.bodies if body.name != chain.root]


def _content(model: mujoco.MjModel, chain: Chain, arm: ArmModel) -> str:
    """A hash of all that moves and is seen.

    Raises:
        InputError: a NaN or an infinity among it.
    """
    digest = hashlib.sha256(f"{chain.hinges} {chain.carrier}".encode())
    digest.update(np.round(chain.body_from_flange, 9).tobytes())
    digest.update(arm.speeds.tobytes() + arm.torques.tobytes())
    for name in _CONTENT:
        values = np.ascontiguousarray(getattr(model, name))
        if not np.isfinite(values).all():
            raise InputError(
                given=f"{arm.name}, in which a {name.replace('_', ' ')} is no number",
                wanted="finite numbers",
            )
        digest.update(values.tobytes())
    return digest.hexdigest()[:12]
