"""Random tight packings, as hard as the hand-made cases: what stands side by side with hardly a gap
teaches to push, what lies loosely does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply, pose, rotation_about_z
from selfgrasp.objects.arrangements.arrangement import Arrangement, Standing
from selfgrasp.objects.arrangements.footprint import Face, Outline, faces_of, reach_along_x
from selfgrasp.objects.arrangements.room import Prism, room_for_fingers
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.solids import corners

FEWEST, MOST = 2, 6
WIDEST_GAP = 0.003
"""m between neighbors."""
HALF_SIDE = 0.15
"""m. Half the side of the square that holds a packing."""
_OFF_MIDDLE = 0.03
"""m by which the middle of a packing is off the table's, where it fits."""
_LARGEST_FACES, _NEARLY_LARGEST = 0.7, 0.8
"""Share of the objects that lie on one of their largest faces, and of its area from which a face
counts as one; others lie on any."""
_ALIKE, _SAME_SHAPE = 0.45, 1e-6
"""Share of the objects that are of the family of one before, and m within which two of a family are
of the same shape."""
_TRIES, _DRAWS = 40, 100
_MOST_COMPARED = 20
"""Packings of which the one is taken that leaves the least room for fingers, at most."""


class _Growth(Enum):
    """How a packing grows; the value is at how many places each object is tried."""

    ROW = 1
    CORNERS = 3
    CLUSTER = 12


_SHARES = {_Growth.ROW: 0.2, _Growth.CORNERS: 0.1, _Growth.CLUSTER: 0.7}
"""Of all packings."""
_OPENING, _FINGER = 0.065, 0.02
"""m: the hand for which a packing is hard, and how much room each of its fingers takes."""
_AWAY = 1.0
_TURNS = np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)])


@dataclass(frozen=True, eq=False)
class _Block:
    """An object on one of its faces, turned by quarters, at a place (2,) m of the packing."""

    model: ObjectModel
    face: Face
    quarter: int
    place: FloatArray

    def seen_from(self, quarter: int) -> Outline:
        """Its outline about its place, where the packing's axes are turned by quarters."""
        return self.face.outlines[(self.quarter - quarter) % 4]

    @property
    def points(self) -> FloatArray:
        """(N, 2) m, its outline in the packing."""
        return self.seen_from(0).points + self.place


def random_packing(
    rng: np.random.Generator, pool: Sequence[ObjectModel], count: int
) -> Arrangement:
    """Objects side by side near the middle of the table, with gaps of 0 to 3 mm: rows, corners,
    squares. They lie on flat faces, mostly on their largest, and the whole is turned at random.
    Of up to twenty such packings it is the one that leaves a hand the least room for its fingers.

    Args:
        rng: the same one gives the same packing.
        pool: objects to draw from, the same one more than once; what has no flat face is left out.
        count: 2 to 6.

    Raises:
        InputError: another count, an empty pool, objects that all roll, or that do not fit into
            +-0.15 m.
    """
    if not FEWEST <= count <= MOST:
        raise InputError(given=f"a packing of {count}", wanted=f"{FEWEST} to {MOST} objects")
    if not pool:
        raise InputError(given="no objects", wanted="at least one to pack")
    growth = tuple(_SHARES)[int(rng.choice(len(_SHARES), p=tuple(_SHARES.values())))]
    compared = int(rng.integers(1, _MOST_COMPARED + 1))
    for _ in range(_TRIES):
        packings = [_packing(rng, pool, count, growth) for _ in range(compared)]
        placed = _on_table(rng, min(packings, key=_room))
        if placed is not None:
            return Arrangement("packing", placed)
    raise InputError(
        given=f"{count} objects of a pool that do not fit side by side",
        wanted=f"a packing within {HALF_SIDE:g} m to each side",
    )


def _packing(
    rng: np.random.Generator, pool: Sequence[ObjectModel], count: int, growth: _Growth
) -> list[_Block]:
    blocks = [_drawn(rng, pool, growth)]
    while len(blocks) < count:
        new = _drawn_beside(rng, pool, growth, blocks)
        blocks.append(_added(rng, blocks, new, growth))
    return blocks


def _drawn(rng: np.random.Generator, pool: Sequence[ObjectModel], growth: _Growth) -> _Block:
    """An object of the pool that has a flat face; in a row its longer side lies across the row."""
    for _ in range(_DRAWS):
        model = pool[int(rng.integers(len(pool)))]
        faces = faces_of(model)
        if faces:
            break
    else:
        raise InputError(
            given=f"a pool of {len(pool)} objects, hardly any with a flat face",
            wanted="objects that do not roll, to pack side by side",
        )
    if rng.random() < _LARGEST_FACES:
        faces = tuple(face for face in faces if face.area >= _NEARLY_LARGEST * faces[0].area)
    face = faces[int(rng.integers(len(faces)))]
    quarter = int(rng.integers(4))
    if growth is _Growth.ROW and face.is_long(quarter):
        quarter = (quarter + 1) % 4
    return _Block(model, face, quarter, np.zeros(2))


def _drawn_beside(
    rng: np.random.Generator,
    pool: Sequence[ObjectModel],
    growth: _Growth,
    blocks: Sequence[_Block],
) -> _Block:
    """Another object of the pool, now and then of the family of one that is there, which then lies
    in the same way where it is of the same shape."""
    if rng.random() >= _ALIKE:
        return _drawn(rng, pool, growth)
    other = blocks[int(rng.integers(len(blocks)))]
    family = [item for item in pool if item.family == other.model.family]
    new = _drawn(rng, family, growth)
    for face in faces_of(new.model):
        if np.allclose(face.table_from_object, other.face.table_from_object, atol=_SAME_SHAPE):
            return replace(new, face=face, quarter=other.quarter)
    return new


def _added(
    rng: np.random.Generator, blocks: Sequence[_Block], new: _Block, growth: _Growth
) -> _Block:
    """The new block, slid from outside against those that are there: along one line in a row, and
    otherwise at that of some random places which leaves the fewest to be taken."""
    gap = rng.uniform(0.0, WIDEST_GAP)
    if growth is _Growth.ROW:
        first, last = blocks[0].points[:, 1], new.points[:, 1]
        middle = (first.min() + first.max() - last.min() - last.max()) / 2.0
        return _slid(blocks, new, 0, float(middle), gap)
    best, least = new, (len(blocks) + 2, np.inf)
    for _ in range(growth.value):
        turned = replace(new, quarter=int(rng.integers(4)))
        way = int(rng.integers(4))
        tried = _slid(blocks, turned, way, _across(rng, blocks, turned, way), gap)
        score = _looseness([*blocks, tried])
        if score < least:
            best, least = tried, score
    return best


def _box(block: _Block) -> FloatArray:
    """(2, 2) m, lowest and highest x and y."""
    points = block.points
    return np.array([points.min(axis=0), points.max(axis=0)])


def _looseness(blocks: Sequence[_Block]) -> tuple[int, float]:
    """How many blocks a hand can take along a side of the box around each, and how large (m^2) and
    long the packing is."""
    boxes = np.array([_box(block) for block in blocks])
    low, high = boxes[:, 0], boxes[:, 1]
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    # (N, 2 axes, 2 sides, 2) m: where the fingers come down.
    away = half + _FINGER / 2.0
    steps = np.stack([np.eye(2), -np.eye(2)], axis=1) * away[:, :, None, None]
    fingers = middle[:, None, None] + steps
    gaps = np.abs(fingers[..., None, :] - middle) - half
    occupied = (gaps < _FINGER / 2.0 - WIDEST_GAP).all(axis=-1)
    blocked = np.any(occupied, axis=(2, 3))
    taken = (~blocked & (2.0 * half <= _OPENING)).any(axis=1)
    sides = high.max(axis=0) - low.min(axis=0)
    return int(taken.sum()), float(sides.prod() + 0.1 * sides.max() ** 2)


def _room(blocks: Sequence[_Block]) -> float:
    """The share of the grasps of a block for which both fingers find room, where it is largest."""
    prisms = []
    for index, block in enumerate(blocks):
        packing_from_object = _packed(block)
        for part in block.model.parts:
            points = apply(packing_from_object, corners(part))
            prisms.append(Prism(points[:, :2], float(points[:, 2].max()), index))
    return room_for_fingers(prisms, opening=_OPENING, finger=_FINGER)


def _across(rng: np.random.Generator, blocks: Sequence[_Block], new: _Block, way: int) -> float:
    """m across the direction of sliding: flush with a side of a block, or just beside it."""
    other = blocks[int(rng.integers(len(blocks)))]
    theirs = other.seen_from(way).points[:, 1] + _seen(other.place, way)[1]
    ours = new.seen_from(way).points[:, 1]
    gap = rng.uniform(0.0, WIDEST_GAP)
    sides = (
        theirs.min() - ours.min(),
        theirs.max() - ours.max(),
        theirs.max() - ours.min() + gap,
        theirs.min() - ours.max() - gap,
    )
    return float(sides[int(rng.integers(len(sides)))])


def _slid(blocks: Sequence[_Block], new: _Block, way: int, across: float, gap: float) -> _Block:
    """The new block, come from the right along x until it meets another, in axes that are turned by
    `way` quarters."""
    ours = new.seen_from(way)
    reached = max(
        reach_along_x(ours, across, block.seen_from(way), _seen(block.place, way))
        for block in blocks
    )
    if not np.isfinite(reached):
        # It passes beside all of them.
        reached = _AWAY
    return replace(new, place=_seen(np.array([reached + gap, across]), -way))


def _seen(place: FloatArray, way: int) -> FloatArray:
    """A place (2,), in axes that are turned by `way` quarters."""
    c, s = _TURNS[way % 4]
    x, y = place
    return np.array([c * x + s * y, c * y - s * x])


def _on_table(rng: np.random.Generator, blocks: Sequence[_Block]) -> tuple[Standing, ...] | None:
    """The packing in the world: turned at random, near the middle; None where it is too large."""
    yaw = rng.uniform(-np.pi, np.pi)
    turn = rotation_about_z(yaw)
    points = np.concatenate([block.points for block in blocks]) @ turn[:2, :2].T
    low, high = points.min(axis=0), points.max(axis=0)
    room = HALF_SIDE - (high - low) / 2.0
    off = rng.uniform(-1.0, 1.0, size=2) * np.minimum(_OFF_MIDDLE, room)
    if room.min() < 0.0:
        return None
    world_from_packing = pose(rotation=turn, translation=(*(off - (low + high) / 2.0), 0.0))
    return tuple(Standing(one.model, world_from_packing @ _packed(one)) for one in blocks)


def _packed(block: _Block) -> FloatArray:
    """packing_from_object (4, 4)."""
    quarter = rotation_about_z(block.quarter * np.pi / 2.0)
    turned = pose(rotation=quarter, translation=(*block.place, 0.0))
    return turned @ block.face.table_from_object
