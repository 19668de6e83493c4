"""Random tight packings, as hard as the hand-made cases: what stands side by side with hardly a gap
teaches to push, what lies loosely does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import pose, rotation_about_z
from selfgrasp.objects.arrangements.arrangement import Arrangement, Standing
from selfgrasp.objects.arrangements.footprint import Face, faces_of, reach_along_x
from selfgrasp.objects.model import ObjectModel

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
_TRIES, _PLACES = 40, 6
_ROW = 0.3
"""Share of packings that are rows; others grow on all sides."""
_AWAY = 1.0


class _Growth(Enum):
    ROW = "row"
    CLUSTER = "cluster"


@dataclass(frozen=True, eq=False)
class _Block:
    """An object on one of its faces, quarter turned, at a place (2,) m of the packing; its outline
    (N, 2) m there."""

    model: ObjectModel
    face: Face
    quarter: int
    place: FloatArray
    outline: FloatArray

    def moved(self, by: FloatArray) -> _Block:
        return _Block(self.model, self.face, self.quarter, self.place + by, self.outline + by)


def random_packing(
    rng: np.random.Generator, pool: Sequence[ObjectModel], count: int
) -> Arrangement:
    """Objects side by side near the middle of the table, with gaps of 0 to 3 mm: rows, corners,
    squares. They lie on flat faces, mostly on their largest, and the whole is turned at random.

    Args:
        rng: the same one gives the same packing.
        pool: objects to draw from, the same one more than once.
        count: 2 to 6.

    Raises:
        InputError: another count, an empty pool, or objects that do not fit into +-0.15 m.
    """
    if not FEWEST <= count <= MOST:
        raise InputError(given=f"a packing of {count}", wanted=f"{FEWEST} to {MOST} objects")
    if not pool:
        raise InputError(given="no objects", wanted="at least one to pack")
    growth = _Growth.ROW if rng.random() < _ROW else _Growth.CLUSTER
    for _ in range(_TRIES):
        blocks = [_drawn(rng, pool, growth)]
        while len(blocks) < count:
            blocks.append(_added(rng, blocks, _drawn(rng, pool, growth), growth))
        placed = _on_table(rng, blocks)
        if placed is not None:
            return Arrangement("packing", placed)
    raise InputError(
        given=f"{count} objects of a pool that do not fit side by side",
        wanted=f"a packing within {HALF_SIDE:g} m to each side",
    )


def _drawn(rng: np.random.Generator, pool: Sequence[ObjectModel], growth: _Growth) -> _Block:
    """An object of the pool; in a row its longer side lies across the row."""
    model = pool[int(rng.integers(len(pool)))]
    faces = faces_of(model)
    if rng.random() < _LARGEST_FACES:
        faces = tuple(face for face in faces if face.area >= _NEARLY_LARGEST * faces[0].area)
    face = faces[int(rng.integers(len(faces)))]
    quarter = int(rng.integers(4))
    if growth is _Growth.ROW and face.is_long(quarter):
        quarter = (quarter + 1) % 4
    return _Block(model, face, quarter, np.zeros(2), face.outlines[quarter])


def _added(
    rng: np.random.Generator, blocks: Sequence[_Block], new: _Block, growth: _Growth
) -> _Block:
    """The new block, slid from outside against those that are there: along one line in a row, and
    otherwise at that of some random places which keeps all of them closest together."""
    gap = rng.uniform(0.0, WIDEST_GAP)
    if growth is _Growth.ROW:
        low, high = new.outline.min(axis=0), new.outline.max(axis=0)
        first = blocks[0].outline
        middle = (first[:, 1].min() + first[:, 1].max() - low[1] - high[1]) / 2.0
        return _slid(blocks, new, 0, middle, gap)
    found = []
    for _ in range(_PLACES):
        quarter = int(rng.integers(4))
        across = _across(rng, blocks, new, quarter)
        found.append(_slid(blocks, new, quarter, across, gap))
    everything = np.concatenate([block.outline for block in blocks])
    return min(found, key=lambda one: _spread(everything, one.outline))


def _across(rng: np.random.Generator, blocks: Sequence[_Block], new: _Block, quarter: int) -> float:
    """m across the direction of sliding: flush with a side of a block, or just beside it."""
    other = blocks[int(rng.integers(len(blocks)))]
    theirs = _turned(other.outline, -quarter)[:, 1]
    ours = _turned(new.outline, -quarter)[:, 1]
    flush_low, flush_high = theirs.min() - ours.min(), theirs.max() - ours.max()
    gap = rng.uniform(0.0, WIDEST_GAP)
    beside_high, beside_low = theirs.max() - ours.min() + gap, theirs.min() - ours.max() - gap
    return float(rng.choice([flush_low, flush_high, beside_high, beside_low]))


def _slid(blocks: Sequence[_Block], new: _Block, quarter: int, across: float, gap: float) -> _Block:
    """The new block, come from the right along x, in axes that are quarter turned."""
    ours = _turned(new.outline, -quarter) + np.array([0.0, across])
    reached = max(reach_along_x(ours, _turned(block.outline, -quarter)) for block in blocks)
    if not np.isfinite(reached):
        # It passes beside all of them.
        reached = _AWAY
    offset = np.array([[reached + gap, across]])
    return new.moved(_turned(offset, quarter)[0])


def _turned(points: FloatArray, quarters: int) -> FloatArray:
    """Points (N, 2), turned by quarters counter-clockwise."""
    x, y = points.T
    match quarters % 4:
        case 0:
            return points
        case 1:
            return np.column_stack([-y, x])
        case 2:
            return -points
        case _:
            return np.column_stack([y, -x])


def _spread(everything: FloatArray, outline: FloatArray) -> float:
    """m: the longer and half the shorter side of the box about the packing."""
    sides = np.ptp(np.concatenate([everything, outline]), axis=0)
    return float(sides.max() + 0.5 * sides.min())


def _on_table(rng: np.random.Generator, blocks: Sequence[_Block]) -> tuple[Standing, ...] | None:
    """The packing in the world: turned at random, near the middle; None where it is too large."""
    yaw = rng.uniform(-np.pi, np.pi)
    turn = rotation_about_z(yaw)
    points = np.concatenate([block.outline for block in blocks]) @ turn[:2, :2].T
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
