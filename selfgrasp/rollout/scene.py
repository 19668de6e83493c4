"""One scene, played: a seeded drop and the attempts made on it. The unit of work of every
worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from selfgrasp.codec import EncodedAttempt, encode_attempt
from selfgrasp.core import ANYTHING, Attempt, Fault, Goal, ObjectRef, Outcome, Policy
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.policy import Timed
from selfgrasp.rollout.goals import GoalPictures, GraspedGoals
from selfgrasp.rollout.places import NotingPlaces
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.play import AfterLift, Goals, Stop, Task, attempts
from selfgrasp.workcell.sim.world import Unstable
from selfgrasp.workcell.workcell import Workcell


def scene_seed(seed: int, scene: int) -> int:
    """Of a scene, from the collection's seed and the scene's number."""
    return int(np.random.SeedSequence([seed, scene]).generate_state(1)[0])


@dataclass(frozen=True)
class SceneTask:
    """What to play.

    Attributes:
        session: key of the session.
        seed: of the collection; scene seeds follow from it.
        scene: number of the scene.
        attempts: how many.
        angles_per_point: above 1, the state is put back and that many angles are tried at each
            point.
        round: of collection and training.
        after: what becomes of an object that was lifted.
        categories: of which each attempt is asked for one, drawn at random; empty asks for
            anything.
        pictures: of which each attempt is asked for one, in order; None asks for none.
        measure: whether it is measured what pushes are worth, see `workcell.worth`.
        note_places: whether it is noted which object each pixel shows.
        goal_set: so many objects that are held first are asked for afterwards, see `GraspedGoals`;
            0: none is.
    """

    session: str
    seed: int
    scene: int
    attempts: int
    angles_per_point: int = 1
    round: int = 0
    after: AfterLift = AfterLift.PUT_BACK
    categories: tuple[str, ...] = ()
    measure: bool = False
    note_places: bool = False
    pictures: GoalPictures | None = None
    goal_set: int = 0

    @property
    def scene_seed(self) -> int:
        """Seeds of different collections do not meet."""
        return scene_seed(self.seed, self.scene)

    @property
    def asks(self) -> bool:
        """Whether attempts are asked for something that is known before the first one."""
        return bool(self.categories) or self.pictures is not None

    def goals(self, placed: Sequence[ObjectRef] | None) -> Iterator[Goal]:
        """Whatever lies there: what is asked for may be missing. Categories have no end."""
        if self.pictures is not None:
            yield from self.pictures.goals()
            return
        rng = np.random.default_rng([self.scene_seed, 3])
        while True:
            yield Goal(self.categories[int(rng.integers(len(self.categories)))])


@dataclass(frozen=True, eq=False)
class PlayedScene:
    """What came of a task.

    Attributes:
        scene: its number.
        attempts: encoded, in order.
        unstable: simulation states that led to a NaN, by attempt id.
        seconds: where the worker's time went: total, physics, plan, encode (the rest is pictures
            and bookkeeping).
    """

    scene: int
    attempts: tuple[EncodedAttempt, ...]
    unstable: dict[str, FloatArray] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def play_scene(cell: SimCell, policy: Policy, task: SceneTask) -> PlayedScene:
    """Play a task to its end. An attempt for which the policy saw nothing to do is no data. A
    simulation that breaks ends the scene, with the state kept and the attempt recorded as a
    fault."""

    start, physics = time.perf_counter(), cell.physics_seconds()
    timed = Timed(policy)
    noting = NotingPlaces(timed, cell) if task.note_places else None
    grasped = GraspedGoals(task.scene_seed, task.goal_set) if task.goal_set else None
    goals = grasped.goals if grasped is not None else task.goals if task.asks else None
    encoded: list[EncodedAttempt] = []
    unstable: dict[str, FloatArray] = {}
    encoding, index = 0.0, 0
    try:
        for played in _attempts(cell.cell, noting or timed, task, goals):
            began = time.perf_counter()
            if grasped is not None:
                grasped.saw(played.attempt)
            index = played.attempt.index + 1
            if played.attempt.outcome.fault is not Fault.NOTHING:
                noted = () if noting is None else noting.labels(played.attempt.id)
                encoded.append(encode_attempt(played.attempt, (*played.labels, *noted)))
            encoding += time.perf_counter() - began
    except Unstable as broken:
        attempt = _unstable_attempt(task, index, policy.name)
        unstable[attempt.id] = broken.state
        encoded.append(encode_attempt(attempt))
    seconds = {
        "total": time.perf_counter() - start,
        "physics": cell.physics_seconds() - physics,
        "plan": timed.seconds,
        "encode": encoding,
    }
    return PlayedScene(task.scene, tuple(encoded), unstable, seconds)


def _attempts(
    cell: Workcell, policy: Policy, task: SceneTask, goals: Goals | None
) -> Iterator[Played]:
    return attempts(
        cell,
        policy,
        Task(task.scene_seed),
        ids=Ids(task.session, task.scene, 0, task.round),
        goals=goals,
        after=task.after,
        # A policy that looks at nothing goes on in an empty bin; its failures are data.
        stop=Stop(most=task.attempts, when_empty=False),
        angles=task.angles_per_point,
        measure=task.measure,
    )


def _unstable_attempt(task: SceneTask, index: int, policy: str) -> Attempt:
    ids = Ids(task.session, task.scene, index, task.round)
    return Attempt(
        id=ids.attempt,
        session=task.session,
        scene=task.scene,
        index=index,
        round=task.round,
        state_group=ids.attempt,
        policy=policy,
        goal=ANYTHING,
        before=None,
        steps=(),
        after=None,
        outcome=Outcome(grasped=False, width=0.0, force=0.0, changed=0.0, fault=Fault.UNSTABLE),
    )
