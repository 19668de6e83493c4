"""The scene driver: a seeded drop of objects, settling, saving and restoring, and what only a
simulator knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Label
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply
from selfgrasp.core.record import ObjectRef
from selfgrasp.objects.model import ObjectModel
from selfgrasp.workcell.sim.world import Placed, World

_REST_SPEED = 0.03
_POUR_SECONDS, _CALM_SECONDS = 2.0, 0.8
"""s of patience after a drop and after an attempt."""
_BATCH = 20
_LIFT = 0.01
"""m by which an object is raised until it is clear of those dropped before it."""


class Mixture(StrEnum):
    """Which objects share a scene: any, none of the same family as another, or one family's
    alone."""

    ANY = "any"
    APART = "apart"
    ALIKE = "alike"


@dataclass(frozen=True)
class SceneConfig:
    """What is dropped.

    Attributes:
        count: how many objects a scene begins with.
        spread: m, half the side of the square over which they are dropped.
        mixture: which of them go together.
    """

    count: int = 10
    spread: float = 0.11
    mixture: Mixture = Mixture.ANY


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

    def reset(self, seed: int) -> None:
        """Drop `count` objects, drawn from the pool, in random poses; wait until they lie still."""
        rng = scene_rng(seed)
        self.drop(drawn_objects(self._pool, self._config.count, rng, self._config.mixture), rng)
        for randomise in self._on_reset:
            randomise(rng)

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
        reach = world.table.half_size + world.table.wall_thickness
        held = world.held()
        for placed in world.placed:
            position = world.object_pose(placed.slot)[:3, 3]
            if placed.slot not in held and (
                np.abs(position[:2]).max() > reach or position[2] < -0.05
            ):
                if placed.slot not in self._lifted:
                    self._lost += (_ref(placed),)
                world.remove(placed.slot)
        world.forward()

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
