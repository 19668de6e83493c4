"""The scene driver: a seeded drop of objects, settling, saving and restoring, and what only a
simulator knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.spatial.transform import Rotation

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Label
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.pose import apply
from selfgrasp.core.record import ObjectRef
from selfgrasp.objects.arrangements import Arrangement, random_packing, unsettled
from selfgrasp.objects.model import ObjectModel
from selfgrasp.workcell.sim.world import Placed, World

_REST_SPEED = 0.03
_POUR_SECONDS, _CALM_SECONDS = 2.0, 0.8
"""s of patience after a drop and after an attempt."""
_BATCH = 20
_PACKED, _PACKED_SHARE = 6, 0.7
"""Objects of a packing, at most, and two at least; share of packings in a mixed layout."""
_SCATTER, _DROPS = 0.12, 4
"""m, half the side of the square over which objects are scattered; how often one is dropped until
it stays."""
_LIFT = 0.01
"""m by which an object is raised until it is clear of those dropped before it."""


class Mixture(StrEnum):
    """Which objects share a scene: any, none of the same family as another, or one family's
    alone."""

    ANY = "any"
    APART = "apart"
    ALIKE = "alike"


class Layout(StrEnum):
    """How a scene begins: with a heap, dropped at once; scattered, dropped one by one, so that all
    stay; packed, side by side; mixed, one of the two; or as arranged in cases."""

    HEAP = "heap"
    SCATTERED = "scattered"
    PACKED = "packed"
    MIXED = "mixed"
    CASES = "cases"


@dataclass(frozen=True)
class SceneConfig:
    """What lies there at first.

    Attributes:
        count: how many objects a scene begins with; of packings at most so many.
        spread: m, half the side of the square over which they are dropped.
        mixture: which of them go together.
        layout: how they lie.
        cases: arrangements, for the layout of that name; a scene's seed says which.
    """

    count: int = 10
    spread: float = 0.11
    mixture: Mixture = Mixture.ANY
    layout: Layout = Layout.HEAP
    cases: tuple[Arrangement, ...] = ()


@dataclass(frozen=True, eq=False)
class ObjectTruth:
    """Where an object truly is.

    Attributes:
        name: of the object.
        center: (3,) m, its center of mass.
        points: (N, 3) m, spread over its surface.
    """

    name: str
    center: FloatArray
    points: FloatArray


@dataclass(frozen=True, eq=False)
class SavedScene:
    """A state to come back to: physics, what lies in the slots, whether the hand held firmly, the
    slots of what was ever lifted, and what was lost."""

    physics: FloatArray
    placed: tuple[Placed, ...]
    firm: bool
    lifted: frozenset[int]
    lost: tuple[ObjectRef, ...]


def scene_rng(seed: int) -> np.random.Generator:
    """The generator of everything that happens to a scene."""
    return np.random.default_rng([seed, 0x5CE2E])


def drawn_objects(
    pool: Sequence[ObjectModel],
    count: int,
    rng: np.random.Generator,
    mixture: Mixture = Mixture.ANY,
) -> list[ObjectModel]:
    """Up to `count` of `pool`, none twice: the first thing that a scene's generator draws."""
    families = sorted({item.family for item in pool})
    if mixture is Mixture.APART:
        chosen = rng.choice(families, size=min(count, len(families)), replace=False)
        return [
            drawn_objects([item for item in pool if item.family == family], 1, rng)[0]
            for family in chosen
        ]
    if mixture is Mixture.ALIKE:
        one = rng.choice(families)
        pool = [item for item in pool if item.family == one]
    return [
        pool[index] for index in rng.choice(len(pool), size=min(count, len(pool)), replace=False)
    ]


class SimScene:
    """Scene driver over a `World`.

    Args:
        pool: objects that scenes draw from, without replacement.
        on_reset: called with the scene's generator after the objects lie still (cameras and light
            randomise there).
    """

    def __init__(
        self,
        world: World,
        pool: Sequence[ObjectModel],
        config: SceneConfig,
        on_reset: Sequence[Callable[[np.random.Generator], None]] = (),
    ) -> None:
        if not pool:
            raise InputError(given="no objects", wanted="at least one object to drop")
        if config.count > world.slots:
            raise InputError(
                given=f"{config.count} objects a scene",
                wanted=f"at most {world.slots}, the slots of this world",
            )
        self._world, self._pool, self._config, self._on_reset = (
            world,
            tuple(pool),
            config,
            tuple(on_reset),
        )
        self._lifted: frozenset[int] = frozenset()
        self._lost: tuple[ObjectRef, ...] = ()
        self._arranged = ""

    def reset(self, seed: int) -> None:
        """Lay out objects, as the config says; wait until they lie still.

        Raises:
            InputError: a case that does not stay as it was arranged.
        """
        rng, config = scene_rng(seed), self._config
        self._arranged = ""
        layout = config.layout
        if layout is Layout.MIXED:
            layout = Layout.PACKED if rng.random() < _PACKED_SHARE else Layout.SCATTERED
        match layout:
            case Layout.CASES:
                self.arrange(config.cases[seed % len(config.cases)])
            case Layout.PACKED:
                count = int(rng.integers(2, max(2, min(_PACKED, config.count)) + 1))
                self.arrange(random_packing(rng, self._pool, count))
            case Layout.SCATTERED:
                self.scatter(drawn_objects(self._pool, config.count, rng, config.mixture), rng)
            case _:
                self.drop(drawn_objects(self._pool, config.count, rng, config.mixture), rng)
        for randomise in self._on_reset:
            randomise(rng)

    def reset_with(self, seed: int, names: Sequence[str]) -> None:
        """As `reset`, with these objects of the pool dropped into an empty workspace.

        Raises:
            InputError: a name that the pool does not have.
        """
        known = {item.name: item for item in self._pool}
        if unknown := [name for name in names if name not in known]:
            raise unknown_name("object", unknown[0], known)
        rng = scene_rng(seed)
        self._arranged = ""
        self.drop([known[name] for name in names], rng)
        for randomise in self._on_reset:
            randomise(rng)

    @property
    def pool(self) -> tuple[str, ...]:
        """Names of the objects that scenes draw from."""
        return tuple(item.name for item in self._pool)

    def arrange(self, arrangement: Arrangement) -> None:
        """Put objects where they stand, and settle.

        Raises:
            InputError: one that does not stay there.
        """
        world = self._world
        world.put([one.model for one in arrangement.standing])
        world.hand_away()
        for slot, one in enumerate(arrangement.standing):
            world_from_body = one.world_from_object @ one.model.object_from_principal
            quaternion = Rotation.from_matrix(world_from_body[:3, :3]).as_quat(scalar_first=True)
            world.place(slot, world_from_body[:3, 3], quaternion)
        self._begin()
        poses = [world.object_pose(p.slot) for p in world.placed]
        if len(poses) < len(arrangement.standing):
            fault = f"{len(arrangement.standing) - len(poses)} of its objects left the workspace"
        else:
            fault = unsettled(arrangement, poses)
        self._arranged = arrangement.name
        if fault:
            raise InputError(
                given=f"arrangement {arrangement.name!r}, {fault}", wanted="one that stays as it is"
            )

    def scatter(self, objects: Sequence[ObjectModel], rng: np.random.Generator) -> None:
        """Drop these objects one after the other, in random poses, each once those before it lie
        still; one that rolls out of the workspace is dropped again."""
        world = self._world
        world.put(objects)
        world.hand_away()
        world.hold_firmly(False)
        for slot, item in enumerate(objects):
            for _ in range(_DROPS):
                quaternion = rng.normal(size=4)
                x, y = rng.uniform(-_SCATTER, _SCATTER, size=2)
                place = np.array([x, y, item.bounding_radius + _LIFT])
                world.place(slot, place, quaternion / np.linalg.norm(quaternion))
                while world.overlaps(slot):
                    world.shift(slot, np.array([0.0, 0.0, _LIFT]))
                self._wait_for(slot + 1)
                if all(self._inside(p) for p in world.placed[: slot + 1]):
                    break
        self._begin()

    def _wait_for(self, first: int) -> None:
        """Step until the first so many objects lie still, the others held where they wait."""
        world, calm = self._world, 0
        for _ in range(int(_CALM_SECONDS / (_BATCH * world.model.opt.timestep))):
            for slot in range(first, len(world.placed)):
                world.place(slot, world.parked(slot))
            world.step(_BATCH)
            calm = calm + 1 if world.speeds()[:first].max(initial=0.0) < _REST_SPEED else 0
            if calm >= 2:
                break

    def drop(self, objects: Sequence[ObjectModel], rng: np.random.Generator) -> None:
        """Drop these objects one above the other, in random poses, and settle."""
        world = self._world
        world.put(objects)
        world.hand_away()
        height = 0.02
        for slot, item in enumerate(objects):
            quaternion = rng.normal(size=4)
            height += item.bounding_radius
            spread = max(
                0.0, min(self._config.spread, world.table.half_size - item.bounding_radius)
            )
            x, y = rng.uniform(-spread, spread, size=2)
            world.place(slot, np.array([x, y, height]), quaternion / np.linalg.norm(quaternion))
            # Things that begin inside each other stay jammed; bounding spheres that do not meet
            # would make a tower of ten a long fall.
            while world.overlaps(slot):
                height += _LIFT
                world.shift(slot, np.array([0.0, 0.0, _LIFT]))
            height += 0.35 * item.bounding_radius
        self._begin()

    def _begin(self) -> None:
        """Settle for the first time."""
        world = self._world
        world.forward()
        # Kept should what follows break the simulation, as after every settling.
        world.save()
        self._wait(_POUR_SECONDS)
        # What rolled away before anybody tried never was in the scene.
        self._lifted, self._lost = frozenset(), ()

    def settle(self) -> bool:
        """Step until nothing moves; take away what lies outside the walls. False if something still
        moves after 0.8 s."""
        return self._wait(_CALM_SECONDS)

    def _wait(self, seconds: float) -> bool:
        world = self._world
        world.hold_firmly(False)
        batches = int(seconds / (_BATCH * world.model.opt.timestep))
        calm = 0
        for _ in range(batches):
            world.step(_BATCH)
            calm = calm + 1 if world.speeds().max(initial=0.0) < _REST_SPEED else 0
            if calm >= 2:
                break
        self._clear_outside()
        world.save()
        return calm >= 2

    def _clear_outside(self) -> None:
        world = self._world
        held = world.held()
        for placed in world.placed:
            if placed.slot not in held and not self._inside(placed):
                if placed.slot not in self._lifted:
                    self._lost += (_ref(placed),)
                world.remove(placed.slot)
        world.forward()

    def _inside(self, placed: Placed) -> bool:
        """Whether an object's center of mass lies within the walls."""
        world = self._world
        reach = world.table.half_size + world.table.wall_thickness
        position = world.object_pose(placed.slot)[:3, 3]
        return bool(np.abs(position[:2]).max() <= reach and position[2] >= -0.05)

    def time(self) -> float:
        """s of simulated time since the reset."""
        return float(self._world.data.time)

    def save(self) -> SavedScene:
        """The state, to be put back with `restore`; going on from here and coming back here later
        are the same."""
        saved = SavedScene(
            self._world.save(),
            self._world.placed,
            self._world.holds_firmly,
            self._lifted,
            self._lost,
        )
        self.restore(saved)
        return saved

    def restore(self, state: object) -> None:
        """Put a saved state back."""
        if not isinstance(state, SavedScene):
            raise InputError(
                given=f"a state of type {type(state).__name__}", wanted="one that this scene saved"
            )
        self._lifted, self._lost = state.lifted, state.lost
        self._world.refill(state.placed)
        self._world.hold_firmly(state.firm)
        self._world.restore(state.physics)

    def truth(self, attempt: str) -> tuple[Label, ...]:
        """Which objects both fingers hold, how many, and how many are left; call it while the
        object is held: it has been lifted from then on."""
        world = self._world
        held = world.held()
        self._lifted |= set(held)
        names = [p.model for p in world.placed if p.slot in held]
        # Whoever fills a bin with one category knows what is lifted from it.
        known = (
            [Label(attempt, "category", names[0].family, "who filled the bin")]
            if names and self._config.mixture is Mixture.ALIKE
            else []
        )
        return (
            *known,
            Label(attempt, "truth.grasped", bool(held), "simulator"),
            Label(attempt, "truth.held", len(held), "simulator"),
            Label(attempt, "truth.object", names[0].name if names else "", "simulator"),
            Label(attempt, "truth.family", names[0].family if names else "", "simulator"),
            Label(
                attempt,
                "truth.families",
                ",".join(sorted({item.family for item in names})),
                "simulator",
            ),
            Label(attempt, "truth.remaining", len(world.placed) - len(held), "simulator"),
        )

    def left(self) -> tuple[ObjectRef, ...]:
        """Objects in the scene, those in the hand included; privileged."""
        return tuple(map(_ref, self._world.placed))

    def held(self) -> tuple[ObjectRef, ...]:
        """Objects that both fingers touch; privileged."""
        held = self._world.held()
        return tuple(_ref(placed) for placed in self._world.placed if placed.slot in held)

    def arranged(self) -> str:
        """Name of the arrangement that the scene began with; empty for any other beginning."""
        return self._arranged

    def lost(self) -> tuple[ObjectRef, ...]:
        """Objects that left the workspace without ever having been lifted; privileged."""
        return self._lost

    def objects_truth(self) -> tuple[ObjectTruth, ...]:
        """Every object's true place; privileged."""
        return tuple(self._object_truth(p) for p in self._world.placed)

    def _object_truth(self, placed: Placed) -> ObjectTruth:
        world_from_object = self._world.object_pose(placed.slot)
        points = apply(
            world_from_object, placed.model.surface_points(200, np.random.default_rng(0))
        )
        return ObjectTruth(placed.model.name, world_from_object[:3, 3], points)

    @property
    def remaining(self) -> int:
        """How many objects are in the scene, the held ones included; a privileged count."""
        return len(self._world.placed)


def _ref(placed: Placed) -> ObjectRef:
    return ObjectRef(placed.model.name, placed.model.family)
