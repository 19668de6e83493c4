"""One scene, played: a seeded drop and the attempts made on it. The unit of work of every
worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from selfgrasp.codec import EncodedAttempt, encode_attempt
from selfgrasp.core import ANYTHING, Attempt, Fault, Grasp, Outcome, Policy
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.policy import Fixed, Timed
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.play import AfterLift
from selfgrasp.workcell.sim.world import Unstable


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
        after: what becomes of a thing that was lifted.
    """

    session: str
    seed: int
    scene: int
    attempts: int
    angles_per_point: int = 1
    round: int = 0
    after: AfterLift = AfterLift.PUT_BACK

    @property
    def scene_seed(self) -> int:
        """Seeds of different collections do not meet."""
        return int(np.random.SeedSequence([self.seed, self.scene]).generate_state(1)[0])


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
    """Play a task to its end. A simulation that breaks ends the scene, with the state kept and the
    attempt recorded as a fault."""

    start, physics = time.perf_counter(), cell.physics_seconds()
    timed = Timed(policy)
    encoded: list[EncodedAttempt] = []
    unstable: dict[str, FloatArray] = {}
    encoding = 0.0
    try:
        for played in _attempts(cell, timed, task):
            began = time.perf_counter()
            encoded.append(encode_attempt(played.attempt, played.labels))
            encoding += time.perf_counter() - began
    except Unstable as broken:
        attempt = _unstable_attempt(task, len(encoded), policy.name)
        unstable[attempt.id] = broken.state
        encoded.append(encode_attempt(attempt))
    seconds = {
        "total": time.perf_counter() - start,
        "physics": cell.physics_seconds() - physics,
        "plan": timed.seconds,
        "encode": encoding,
    }
    return PlayedScene(task.scene, tuple(encoded), unstable, seconds)


def _attempts(cell: SimCell, policy: Policy, task: SceneTask) -> Iterator[Played]:
    workcell = cell.cell
    rng = np.random.default_rng([task.scene_seed, 1])
    before = workcell.reset(task.scene_seed)
    index = 0
    while index < task.attempts:
        ids = Ids(task.session, task.scene, index, task.round)
        state = workcell.drivers.scene.save() if task.angles_per_point > 1 else None
        played = workcell.attempt(policy, ids, before=before)
        if played.attempt.outcome.fault is Fault.NOTHING:
            return
        yield played
        index += 1
        others = _other_angles(played.attempt, task.angles_per_point) if state is not None else ()
        for grasp in others[: task.attempts - index]:
            workcell.drivers.scene.restore(state)
            again = replace(ids, index=index, state_group=ids.attempt)
            played = workcell.attempt(
                Fixed(grasp, policy.name), again, before=played.attempt.before
            )
            yield played
            index += 1
        if played.attempt.outcome.grasped and task.after is AfterLift.SET_ASIDE:
            workcell.set_aside()
        elif played.attempt.outcome.grasped:
            workcell.put_back(rng)
        before = None if played.attempt.outcome.grasped else played.attempt.after


def _other_angles(attempt: Attempt, count: int) -> Sequence[Grasp]:
    """The attempt's grasp at `count - 1` further angles, evenly over half a turn."""
    action = attempt.steps[-1].action
    if not isinstance(action, Grasp):
        return ()
    tool = action.world_from_tool
    return [
        Grasp(top_down(tool[:3, 3], yaw_of(tool) + k * np.pi / count), action.width)
        for k in range(1, count)
    ]


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
