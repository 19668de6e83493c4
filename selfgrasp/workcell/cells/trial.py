"""What every mesh of a user has to pass before it is an object: it rests on the table, and fingers
that land on it meet no contact that is not there.

MuJoCo's collision of meshes with several contacts a pair reports depths of centimetres where
corners of a hull nearly lie on its edges or faces; what touches it then is thrown across the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, pose, top_down
from selfgrasp.objects.model import ObjectModel
from selfgrasp.workcell.cells.config import GRIPPER, WORKSPACE
from selfgrasp.workcell.drivers import Control
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.hand import CLEAR_HEIGHT, FlyingArm, SimGripper
from selfgrasp.workcell.sim.world import Unstable, World

REST_SECONDS = 0.3
"""Within which an object that is laid down has to lie still."""
DEEPEST = 0.005
"""m. No contact may be deeper."""
_CALM = 0.03
_BATCH = 20
_ATTITUDES, _LANDED_ON, _LANDINGS = 6, 3, 8
_STEADY = 0.1
"""Of an object's radius: how far the foot of its center of mass lies inside a face that it stands
on."""
_GAP = 1e-4
"""m between two copies that count as touching, and under an object that is laid down."""
_BELOW_TOP = 0.025


def fault_of(item: ObjectModel) -> str:
    """Why an object cannot be simulated; empty where it can.

    It is laid down on each of up to six faces. On up to three of these it lies beside a copy that
    touches it, and the hand lands on both and closes, eight times each.
    """
    copy = replace(item, name=f"{item.name} again")
    table = TableConfig(wall_height=0.0)
    world = World([item, copy], slots=2, gripper=GRIPPER, table=table)
    deepest = _Deepest(world)
    rng = np.random.default_rng(0)
    try:
        stands = attitudes(item)
        for attitude in stands:
            if fault := _restless(world, attitude):
                return fault
        for attitude in _unlike(stands)[:_LANDED_ON]:
            if fault := _explodes(world, attitude, deepest, rng):
                return fault
    except Unstable:
        return "the simulation breaks down with it"
    return ""


def attitudes(item: ObjectModel) -> list[FloatArray]:
    """Up to six poses world_from_object (4, 4) in which an object stands on the table below the
    origin, on a face of its hull; the steadiest first."""
    corners = np.concatenate(
        [apply(part.object_from_part, part.hull.vertices) for part in item.parts]
    )
    found: list[tuple[float, FloatArray]] = []
    for normal, offset in _facets(ConvexHull(corners).equations):
        on_face = corners[corners @ normal + offset > -1e-3 * item.bounding_radius]
        margin = _margin(on_face + offset * normal, normal)
        turn = Rotation.align_vectors([[0.0, 0.0, -1.0]], [normal])[0].as_matrix()
        found.append((margin, pose(rotation=turn, translation=(0.0, 0.0, -offset))))
    least = _STEADY * item.bounding_radius
    steady = sorted((pair for pair in found if pair[0] > least), key=lambda pair: -pair[0])
    lowest = min(found, key=lambda pair: float(pair[1][2, 3]))[1]
    return [stands for _, stands in steady[:_ATTITUDES]] or [lowest]


def _unlike(attitudes: Sequence[FloatArray]) -> list[FloatArray]:
    """Those that are not others upside down: what lies below in one is landed on in the other."""
    kept: list[FloatArray] = []
    for attitude in attitudes:
        if all(attitude[2, :3] @ other[2, :3] > -0.95 for other in kept):
            kept.append(attitude)
    return kept


def _facets(equations: FloatArray) -> Iterator[tuple[FloatArray, float]]:
    """Planes of a hull, nearly equal ones once."""
    seen: list[FloatArray] = []
    for plane in equations:
        if not any(plane[:3] @ other[:3] > 0.9994 for other in seen):
            seen.append(plane)
            yield plane[:3], float(plane[3])


def _margin(points: FloatArray, normal: FloatArray) -> float:
    """m by which the origin lies inside the face with corners (N, 3); negative outside."""
    u, v = np.linalg.svd(normal[None])[2][1:]
    flat = points @ np.column_stack([u, v])
    if len(flat) < 3 or np.linalg.matrix_rank(flat - flat[0], tol=1e-6) < 2:
        return -1.0
    return -float(ConvexHull(flat).equations[:, 2].max())


class _Deepest:
    """The depth, m, of the deepest contact since it was last asked for."""

    def __init__(self, world: World) -> None:
        self._world, self._depth = world, 0.0
        world.after_step = self._look

    def _look(self) -> None:
        data = self._world.data
        if data.ncon:
            self._depth = max(self._depth, -float(data.contact.dist[: data.ncon].min()))

    def take(self) -> float:
        depth, self._depth = self._depth, 0.0
        return depth


def _restless(world: World, attitude: FloatArray) -> str:
    _lay(world, attitude, np.zeros(2), np.array([0.0, 0.4]))
    speed = _speed_after(world, REST_SECONDS)
    if speed <= _CALM:
        return ""
    return (
        f"laid on the table it still moves at {speed:.2g} m/s after {REST_SECONDS:g} s; "
        "wanted: at rest"
    )


def _explodes(
    world: World, attitude: FloatArray, deepest: _Deepest, rng: np.random.Generator
) -> str:
    arm, hand, control = FlyingArm(world, WORKSPACE), SimGripper(world), Control()
    for _ in range(_LANDINGS):
        direction = rng.uniform(0.0, 2.0 * np.pi)
        apart = _touching(world, attitude, np.array([np.cos(direction), np.sin(direction)]))
        _lay(world, attitude, -apart / 2.0, apart / 2.0)
        world.step(_BATCH)
        deepest.take()
        top = _top(world)
        yaw, offset = rng.uniform(0.0, np.pi), rng.uniform(-0.04, 0.04, size=2)
        depth = max(_BELOW_TOP / 6.0, top - _BELOW_TOP)
        world.hold_firmly(True)
        hand.open(GRIPPER.opening, control=control)
        above = top_down(np.array([*offset, CLEAR_HEIGHT]), yaw)
        arm.move(above, speed=0.8, control=control)
        arm.move(top_down(np.array([*offset, depth]), yaw), speed=0.4, control=control)
        hand.close(control=control)
        found = deepest.take()
        if found > DEEPEST:
            return (
                f"fingers on two touching copies meet a contact {found * 1000:.0f} mm deep; "
                f"wanted: at most {DEEPEST * 1000:g} mm"
            )
    return ""


def _lay(world: World, attitude: FloatArray, *places: FloatArray) -> None:
    """Lay the copies down in one attitude at places (2,) m on the table, the hand away."""
    world.put(world.cast)
    world.hand_away()
    world.hold_firmly(False)
    for slot, place in enumerate(places):
        _place(world, slot, attitude, np.array([*place, _GAP]))
    world.forward()


def _place(world: World, slot: int, attitude: FloatArray, at: FloatArray) -> None:
    world_from_body = pose(translation=at) @ attitude @ world.cast[slot].object_from_principal
    quaternion = Rotation.from_matrix(world_from_body[:3, :3]).as_quat(scalar_first=True)
    world.place(slot, world_from_body[:3, 3], quaternion)


def _touching(world: World, attitude: FloatArray, direction: FloatArray) -> FloatArray:
    """(2,) m from one copy to the other where they just do not overlap."""
    radius = world.cast[0].bounding_radius
    near, far = 0.0, 2.0 * radius + 2.0 * _GAP
    world.put(world.cast)
    world.hand_away()
    for slot in (0, 1):
        _place(world, slot, attitude, np.array([0.0, 0.0, radius]))
    apart = 0.0
    while far - near > _GAP / 2.0:
        middle = (near + far) / 2.0
        world.shift(1, (middle - apart) * np.array([*direction, 0.0]))
        apart = middle
        near, far = (middle, far) if world.overlaps(1) else (near, middle)
    return (far + _GAP) * direction


def _top(world: World) -> float:
    """m: the highest point of what lies there."""
    tops = [
        apply(world.object_pose(p.slot) @ part.object_from_part, part.hull.vertices)[:, 2].max()
        for p in world.placed
        for part in p.model.parts
    ]
    return float(max(tops))


def _speed_after(world: World, seconds: float) -> float:
    """m/s of the fastest copy, at most over the last tenth of a second."""
    speeds = []
    for _ in range(round(seconds / (_BATCH * world.model.opt.timestep))):
        world.step(_BATCH)
        speeds.append(float(world.speeds().max()))
    return max(speeds[-2:])
