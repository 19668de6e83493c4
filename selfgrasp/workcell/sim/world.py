"""A compiled MuJoCo world whose objects are exchanged in place: a new scene costs about a
millisecond, not a compilation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply, inverse, pose, top_down
from selfgrasp.core.spec import GripperSpec
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.part import Part, Shape
from selfgrasp.objects.patterns import PATTERNS
from selfgrasp.workcell.sim.arms import ArmModel
from selfgrasp.workcell.sim.build import SLOT, PhysicsConfig, TableConfig, build_model
from selfgrasp.workcell.sim.kinematics import Kinematics

_GEOM = {
    Shape.BOX: mujoco.mjtGeom.mjGEOM_BOX,
    Shape.SPHERE: mujoco.mjtGeom.mjGEOM_SPHERE,
    Shape.ELLIPSOID: mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    Shape.CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
    Shape.CAPSULE: mujoco.mjtGeom.mjGEOM_CAPSULE,
    Shape.MESH: mujoco.mjtGeom.mjGEOM_MESH,
}
_BOUND: dict[Shape, Callable[[FloatArray], float]] = {
    Shape.BOX: lambda s: float(np.linalg.norm(s)),
    Shape.SPHERE: lambda s: float(s[0]),
    Shape.ELLIPSOID: lambda s: float(s.max()),
    Shape.CYLINDER: lambda s: float(np.hypot(s[0], s[1])),
    Shape.CAPSULE: lambda s: float(s[0] + s[1]),
}
_GEOM_FIELDS = (
    "geom_type",
    "geom_dataid",
    "geom_size",
    "geom_rbound",
    "geom_aabb",
    "geom_pos",
    "geom_quat",
    "geom_sameframe",
    "geom_priority",
    "geom_friction",
    "geom_matid",
    "geom_rgba",
    "geom_contype",
    "geom_conaffinity",
)
AWAY = (0.0, 0.62, 0.45)
"""m. Where a flying hand waits, out of every camera's view of the workspace."""
PARKED = np.array([0.0, 0.0, -2.0])
"""m. Where empty slots wait, below the table, switched off."""


_BAD = [
    int(kind)
    for kind in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
        mujoco.mjtWarning.mjWARN_BADCTRL,
    )
]
"""Warnings with which MuJoCo says that it met a NaN or an absurd value (and would start over, or
take 0 for it)."""


_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class Unstable(Exception):
    """The simulation produced a NaN or flew apart; `state` is what led to it, as `World.save` gives
    it."""

    def __init__(self, state: FloatArray) -> None:
        super().__init__("the simulation became unstable")
        self.state = state


@dataclass(frozen=True)
class Placed:
    """An object in a slot."""

    slot: int
    model: ObjectModel


def move(qpos: FloatArray, at: int, world_from_world: FloatArray) -> None:
    """Move the free body whose position and quaternion begin at `at` of `qpos` (nq,) by a rigid
    motion (4, 4) of the world, in place."""
    qpos[at : at + 3] = apply(world_from_world, qpos[at : at + 3])
    turn, quaternion = np.empty(4), qpos[at + 3 : at + 7].copy()
    mujoco.mju_mat2Quat(turn, np.ascontiguousarray(world_from_world[:3, :3]).ravel())
    mujoco.mju_mulQuat(qpos[at + 3 : at + 7], turn, quaternion)


class World:
    """The one owner of an `MjModel` and its `MjData`.

    Args:
        cast: every object that may appear; meshes are compiled once.
        slots: how many objects may lie there at the same time.
        arm: carries the hand; without one it flies.
        away: (3,) m, where the hand waits.

    Attributes:
        after_step: called after every `step`, for films.
        after_jump: called after every `forward`, where objects were moved without stepping.
    """

    after_step: Callable[[], None] | None = None
    after_jump: Callable[[], None] | None = None

    def __init__(
        self,
        cast: Sequence[ObjectModel],
        *,
        slots: int,
        gripper: GripperSpec,
        table: TableConfig | None = None,
        physics: PhysicsConfig | None = None,
        arm: ArmModel | None = None,
        away: FloatArray | None = None,
    ) -> None:
        self.cast = tuple(cast)
        self.gripper = gripper
        self.table = table or TableConfig()
        self.model = build_model(
            self.cast, slots, self.table, gripper, physics or PhysicsConfig(), arm
        )
        self.kinematics = None if arm is None else Kinematics(arm, gripper)
        self.arm_joints = 4 if arm is None else len(arm.joints)
        self.away_joints = self._away(np.array(AWAY) if away is None else away)
        self._hand = int(self.model.body("hand").id)
        self.data = mujoco.MjData(self.model)
        self.placed: tuple[Placed, ...] = ()
        self.slots = slots
        self._warnings = self.data.warning.number
        self._empty = {name: getattr(self.model, name).copy() for name in _GEOM_FIELDS}
        self._noslip = int(self.model.opt.noslip_iterations)
        self.physics_seconds = 0.0
        self._stable = self.save()
        model = self.model
        self._body = np.array([model.body(SLOT.format(s)).id for s in range(slots)], dtype=int)
        self._qpos = np.array(
            [model.joint(SLOT.format(s)).qposadr[0] for s in range(slots)], dtype=int
        )
        self._qvel = np.array(
            [model.joint(SLOT.format(s)).dofadr[0] for s in range(slots)], dtype=int
        )
        first_slot = int(self._body[0]) if slots else 0
        self._empty_mass = float(model.body_mass[first_slot]), model.body_inertia[first_slot].copy()
        self._fingers = frozenset(
            int(model.body(f"finger_{side}").id) for side in ("right", "left")
        )
        self.put(())

    def put(self, objects: Sequence[ObjectModel]) -> None:
        """Fill the first slots with `objects`, above the table and apart from each other, and park
        the rest.

        Raises:
            InputError: more objects than slots, or one that is not of the cast.
        """
        if len(objects) > self.slots:
            raise InputError(
                given=f"{len(objects)} objects",
                wanted=f"at most {self.slots}, the slots of this world",
            )
        known = {item.name for item in self.cast}
        for item in objects:
            if item.name not in known:
                raise InputError(
                    given=f"object {item.name!r}", wanted="an object of this world's cast"
                )
        for slot in range(self.slots):
            self._fill(slot, objects[slot] if slot < len(objects) else None)
        mujoco.mj_resetData(self.model, self.data)
        mujoco.mj_setConst(self.model, self.data)
        mujoco.mj_resetData(self.model, self.data)
        self.placed = tuple(Placed(slot, item) for slot, item in enumerate(objects))
        for slot in range(self.slots):
            self.place(slot, self.parked(slot))

    def _away(self, place: FloatArray) -> FloatArray:
        """Joints with which the hand waits over `place` (3,) m."""
        if self.kinematics is None:
            return np.array([*place, 0.0])
        solved = self.kinematics.posture(top_down(place, 0.0), self.kinematics.home)
        if not solved.reached:
            raise InputError(
                given=f"an arm {self.kinematics.arm.name!r} that cannot reach where it "
                f"waits, {place}",
                wanted="an arm of the cell's size",
            )
        return solved.joints

    def hand_away(self) -> None:
        """Put the open hand at rest where it waits."""
        data, count, half = self.data, self.arm_joints, self.gripper.opening / 2
        data.qpos[:count] = data.ctrl[:count] = self.away_joints
        data.qpos[count : count + 2] = data.ctrl[count] = half

    @property
    def hand_height(self) -> float:
        """m, of the point between the fingertips."""
        return float(self.data.xpos[self._hand][2])

    def _fill(self, slot: int, item: ObjectModel | None) -> None:
        model, body = self.model, int(self._body[slot])
        first, count = int(model.body_geomadr[body]), int(model.body_geomnum[body])
        geoms = slice(first, first + count)
        # Whatever the slot held before must leave no trace: MuJoCo derives its sleeping thresholds
        # from all geoms, unused ones too.
        for name, values in self._empty.items():
            getattr(model, name)[geoms] = values[geoms]
        model.body_gravcomp[body] = 1.0 if item is None else 0.0
        model.body_mass[body], model.body_inertia[body] = self._empty_mass
        if item is None:
            return
        model.body_mass[body] = item.mass
        model.body_inertia[body] = item.inertia
        # The body's frame is the object's principal frame, which keeps MuJoCo's fast path for
        # diagonal inertia.
        body_from_object = inverse(item.object_from_principal)
        for index, part in enumerate(item.parts):
            self._fill_geom(
                first + index,
                part,
                body_from_object @ part.object_from_part,
                f"{item.name}/{index}",
            )
            model.geom_friction[first + index] = (item.friction, 0.008 * item.friction, 0.0001)
            model.geom_matid[first + index] = PATTERNS.index(item.pattern)

    def _fill_geom(self, geom: int, part: Part, body_from_part: FloatArray, mesh_name: str) -> None:
        model = self.model
        body_from_geom = body_from_part
        model.geom_type[geom] = _GEOM[part.shape]
        if part.shape is Shape.MESH:
            mesh = model.mesh(mesh_name)
            frame = np.empty(9)
            mujoco.mju_quat2Mat(frame, model.mesh_quat[mesh.id])
            body_from_geom = body_from_geom @ pose(
                rotation=frame.reshape(3, 3), translation=model.mesh_pos[mesh.id]
            )
            vertices = model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
            half = np.abs(vertices).max(axis=0)
            model.geom_dataid[geom] = mesh.id
            model.geom_size[geom] = half
            model.geom_rbound[geom] = np.linalg.norm(vertices, axis=1).max()
        else:
            model.geom_dataid[geom] = -1
            model.geom_size[geom] = part.size
            model.geom_rbound[geom] = _BOUND[part.shape](part.size)
            half = np.full(3, model.geom_rbound[geom])
        model.geom_sameframe[geom] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
        model.geom_aabb[geom] = (0, 0, 0, *half)
        model.geom_pos[geom] = body_from_geom[:3, 3]
        mujoco.mju_mat2Quat(
            model.geom_quat[geom], np.ascontiguousarray(body_from_geom[:3, :3]).ravel()
        )
        model.geom_rgba[geom] = (*part.color, 1.0)
        # The object's own friction counts, not the larger of the two that touch, so that slippery
        # objects are slippery.
        model.geom_priority[geom] = 1
        model.geom_contype[geom] = 1
        model.geom_conaffinity[geom] = 1

    @staticmethod
    def parked(slot: int) -> FloatArray:
        """(3,) m, where a slot's body waits while it is not in the scene."""
        place: FloatArray = PARKED + np.array([0.5 * (slot + 1), 0.0, 0.0])
        return place

    def refill(self, placed: Sequence[Placed]) -> None:
        """Make the slots hold what `placed` says, for a state that is about to be restored."""
        now = {p.slot: p.model for p in self.placed}
        wanted = {p.slot: p.model for p in placed}
        for slot in range(self.slots):
            if now.get(slot) is not wanted.get(slot):
                self._fill(slot, wanted.get(slot))
        self.placed = tuple(placed)

    def hold_firmly(self, firmly: bool) -> None:
        """Switch the solver's no-slip passes on while the hand is at work and off while objects
        only settle."""
        self.model.opt.noslip_iterations = self._noslip if firmly else 0

    @property
    def holds_firmly(self) -> bool:
        """Whether the no-slip passes are on."""
        return bool(self.model.opt.noslip_iterations)

    def place(self, slot: int, position: FloatArray, quaternion: FloatArray | None = None) -> None:
        """Put a slot's body at rest at `position` (3,) m with `quaternion` (4,) w x y z."""
        at, velocity = int(self._qpos[slot]), int(self._qvel[slot])
        self.data.qpos[at : at + 3] = position
        self.data.qpos[at + 3 : at + 7] = (1, 0, 0, 0) if quaternion is None else quaternion
        self.data.qvel[velocity : velocity + 6] = 0.0

    def remove(self, slot: int) -> None:
        """Take an object out of the scene: switch its slot off and park it."""
        self._fill(slot, None)
        self.place(slot, self.parked(slot))
        self.placed = tuple(p for p in self.placed if p.slot != slot)

    def object_pose(self, slot: int) -> FloatArray:
        """world_from_object (4, 4) of a slot."""
        body = int(self._body[slot])
        world_from_body = pose(
            rotation=self.data.xmat[body].reshape(3, 3), translation=self.data.xpos[body]
        )
        item = next(p.model for p in self.placed if p.slot == slot)
        return world_from_body @ inverse(item.object_from_principal)

    def speeds(self) -> FloatArray:
        """(slots,) the fastest of each slot's linear (m/s) and a tenth of its angular (rad/s)
        velocity components."""
        index = self._qvel[:, None] + np.arange(6)
        speeds: FloatArray = np.abs(self.data.qvel[index] * (1, 1, 1, 0.1, 0.1, 0.1)).max(axis=1)
        return speeds

    def shift(self, slot: int, offset: FloatArray) -> None:
        """Move a slot's body by `offset` (3,) m, its velocity untouched."""
        at = int(self._qpos[slot])
        self.data.qpos[at : at + 3] += offset

    def carry(self, slot: int, world_from_world: FloatArray) -> None:
        """Move a slot's body by a rigid motion (4, 4) of the world, its velocity untouched."""
        move(self.data.qpos, int(self._qpos[slot]), world_from_world)

    def overlaps(self, slot: int) -> bool:
        """Whether a slot's object, where it was just put, touches anything."""
        mujoco.mj_fwdPosition(self.model, self.data)
        contacts = self.data.contact.geom[: self.data.ncon]
        return bool((self.model.geom_bodyid[contacts] == self._body[slot]).any())

    def held(self) -> tuple[int, ...]:
        """Slots whose objects the hand carries: those that touch a finger, and those that hang on
        them, while they touch nothing that stands. None once it is told to open all the way: what
        sticks between its fingers then was let go."""
        if self.data.ctrl[self.arm_joints] >= self.gripper.opening / 2:
            return ()
        contacts = self.data.contact.geom[: self.data.ncon]
        pairs = self.model.geom_bodyid[contacts].reshape(-1, 2)
        carried, reached = set(self._fingers), set(self._fingers)
        while reached:
            reached = {
                int(b)
                for pair in pairs
                for a, b in (pair, pair[::-1])
                if int(a) in reached and b != 0
            } - carried
            carried |= reached
        standing = {int(b) for pair in pairs for a, b in (pair, pair[::-1]) if a == 0}
        return tuple(p.slot for p in self.placed if int(self._body[p.slot]) in carried - standing)

    @property
    def slot_joints(self) -> NDArray[np.int64]:
        """(slots,) where each slot's position and quaternion begin in `MjData.qpos`."""
        return self._qpos

    def slots_of(self, geoms: NDArray[np.int32]) -> NDArray[np.int32]:
        """(...) the slot of each geom (...) by MuJoCo's number; -1 for the geoms of no slot, and
        for the geom -1."""
        slot_of_body = np.full(self.model.nbody, -1, np.int32)
        slot_of_body[self._body] = np.arange(self.slots)
        slot_of_geom = np.append(slot_of_body[self.model.geom_bodyid], np.int32(-1))
        slots: NDArray[np.int32] = slot_of_geom[geoms]
        return slots

    @property
    def slot_bodies(self) -> frozenset[int]:
        """MuJoCo's numbers of the bodies that objects fill."""
        return frozenset(int(b) for b in self._body)

    @property
    def world_from_hand(self) -> FloatArray:
        """(4, 4), +z away from the fingers."""
        return pose(
            rotation=self.data.xmat[self._hand].reshape(3, 3),
            translation=self.data.xpos[self._hand],
        )

    def knock(self, velocity: FloatArray, seconds: float) -> None:
        """Knock every object that is not held to `velocity` (3,) m/s, as a kick against the bin
        does, and let them slide for a while."""
        held = self.held()
        bodies = [int(self._body[p.slot]) for p in self.placed if p.slot not in held]
        self.data.xfrc_applied[bodies, :3] = (
            self.model.body_mass[bodies, None] * velocity / self.model.opt.timestep
        )
        self.step(1)
        self.data.xfrc_applied[:] = 0.0
        self.step(round(seconds / self.model.opt.timestep))

    def step(self, count: int) -> None:
        """Advance by `count` timesteps.

        Raises:
            Unstable: a NaN or an absurd velocity appeared, or a NaN was sent as control.
        """
        start = time.perf_counter()
        mujoco.mj_step(self.model, self.data, count)
        self.physics_seconds += time.perf_counter() - start
        warnings = self._warnings
        if any(warnings[kind] for kind in _BAD):
            raise Unstable(self._stable)
        if self.after_step is not None:
            self.after_step()

    def forward(self) -> None:
        """Bring everything derived (poses, contacts) up to date with positions that were set by
        hand."""
        start = time.perf_counter()
        mujoco.mj_forward(self.model, self.data)
        self.physics_seconds += time.perf_counter() - start
        if self.after_jump is not None:
            self.after_jump()

    def save(self) -> FloatArray:
        """The whole physics state, but for who sleeps, as one read-only array."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        state.flags.writeable = False
        self._stable = state
        return state

    def restore(self, state: FloatArray) -> None:
        """Put a saved state of this scene back; what follows is the same after every `restore` of
        it, bit for bit."""
        # Who sleeps is no part of MuJoCo's state, and sleepers are not looked at where it puts
        # them: a reset wakes all.
        mujoco.mj_resetData(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, state, _STATE)
        mujoco.mj_forward(self.model, self.data)
