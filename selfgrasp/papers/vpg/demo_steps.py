"""A run of the demo: its actions one by one, what each changed, and why it was chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from selfgrasp.core import Action, AttemptKind, Grasp, Plan, Policy, Push
from selfgrasp.core.record import kind_of
from selfgrasp.protocols.clearing import stop_of
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.play import Task, attempts
from selfgrasp.workcell.workcell import Workcell


@dataclass(frozen=True, eq=False)
class Run:
    """A table and the actions on it.

    Attributes:
        policy: whose.
        played: in order.
        lost: for each action, the objects that left the workspace by it without having been lifted.
        blocks: that stood there at first.
        finished: whether it ended by itself, and was not interrupted.
    """

    policy: str
    played: tuple[Played, ...]
    lost: tuple[int, ...]
    blocks: int
    finished: bool

    @property
    def actions(self) -> int:
        """Pushes and grasps."""
        return self.pushes + self.grasps

    @property
    def pushes(self) -> int:
        """Actions that were pushes."""
        return sum(kind_of(one.attempt) is AttemptKind.PUSH for one in self.played)

    @property
    def grasps(self) -> int:
        """Actions that were grasps."""
        return sum(kind_of(one.attempt) is AttemptKind.GRASP for one in self.played)

    @property
    def held(self) -> int:
        """Grasps that held something, as the fingers felt."""
        return sum(one.attempt.outcome.grasped for one in self.played)

    @property
    def lifted(self) -> int:
        """Objects that were lifted, by the simulator's count."""
        return sum(len(one.lifted or ()) for one in self.played)

    @property
    def cleared(self) -> bool:
        """Whether every object was lifted."""
        return self.lifted == self.blocks

    @property
    def worths(self) -> tuple[tuple[bool, bool], ...]:
        """Of the pushes of which it was measured, see `Played.worth`."""
        return tuple(one.worth for one in self.played if one.worth is not None)


def played_run(
    cell: Workcell,
    policy: Policy,
    scene: int,
    *,
    stop: threading.Event,
    each: Callable[[int, Played], None] = lambda number, played: None,
    measure: bool = False,
) -> Run:
    """Play a scene by the rules of `protocols.clearing`, until it ends or `stop` is set.

    Args:
        cell: where.
        policy: whose.
        scene: seed.
        stop: looked at after each action.
        each: told of each action when it has ended, with its number from 1.
        measure: whether it is measured what pushes are worth.
    """
    truth = cell.drivers.truth
    assert truth is not None, "a simulated cell knows the truth"
    ids = Ids("demo", scene, 0)
    playing = attempts(cell, policy, Task(scene), ids=ids, stop=stop_of, measure=measure)
    played: list[Played] = []
    gone: list[int] = []
    finished = False
    while not (finished or stop.is_set()):
        try:
            played.append(next(playing))
        except StopIteration:
            finished = True
        else:
            each(len(played), played[-1])
        # Of the last action, too, what is lost while what it lifted is set aside.
        gone[len(played) - 1 :] = [len(truth.lost())]
    there = played[0].there if played else truth.left()
    lost = [now - before for now, before in zip(gone, [0, *gone], strict=False)][: len(played)]
    return Run(policy.name, tuple(played), tuple(lost), len(there or ()), finished)


def best_of(plan: Plan, kind: type[Action]) -> float | None:
    """The best score of the plan's actions of a kind; None where it has none."""
    scores = [
        float(score)
        for action, score in zip(plan.actions, plan.scores, strict=True)
        if isinstance(action, kind)
    ]
    return max(scores, default=None)


def why(plan: Plan) -> str:
    """Why the plan's action was chosen, in a phrase."""
    grasp, push = best_of(plan, Grasp), best_of(plan, Push)
    if grasp is None and push is None:
        return plan.reason
    if grasp is None:
        return f"best push {push:.2f}, nothing can be grasped"
    if push is None:
        return f"best grasp {grasp:.2f}, nothing can be pushed"
    parts = [("grasp", grasp), ("push", push)]
    (best, high), (other, low) = reversed(parts) if isinstance(plan.action, Push) else parts
    digits = 2 if f"{high:.2f}" != f"{low:.2f}" else 4
    sign = ">" if high > low else "="
    return f"best {best} {high:.{digits}f} {sign} best {other} {low:.{digits}f}"
