"""What a push was worth: whether the best grasp would have held before it, and holds after it.

Nobody can measure that but in a simulation, whose state is put back after each try.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from selfgrasp.core.action import Grasp, Push
from selfgrasp.core.attempt import Label
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import Context
from selfgrasp.workcell.attempt import Played
from selfgrasp.workcell.judge import feels_held
from selfgrasp.workcell.workcell import Workcell

HELD_BEFORE, HELD_AFTER = "truth.held_before", "truth.held_after"
"""Labels of a push."""
_CHOSEN = 0.5
"""Probability below which an answer was drawn at random, and says nothing of the best grasp."""


def measured(
    cell: Workcell, asking: Generator[Context, Plan | None, Played]
) -> Generator[Context, Plan | None, Played]:
    """The same attempt; where it is a push whose plan names grasps, too, the best one of these is
    tried from the state before it, and the best one of another plan from the state after it. Both
    are undone. Where that other plan was drawn at random, nothing is said.

    Args:
        cell: whose scene can be saved.
        asking: an attempt, see `Workcell.attempting`.
    """
    before: bool | None = None
    try:
        context = next(asking)
        while True:
            plan = yield context
            assert plan is not None, "a context is answered by a plan"
            grasp = best_grasp(plan) if isinstance(plan.action, Push) else None
            before = None if grasp is None else _holds(cell, grasp)
            context = asking.send(plan)
    except StopIteration as end:
        played: Played = end.value
    after = played.attempt.after
    if before is None or after is None or cell.control.stop.is_set():
        return played
    plan = yield Context(after, cell.spec, played.attempt.goal, seed=context.seed + 1)
    assert plan is not None, "a context is answered by a plan"
    if plan.probability < _CHOSEN:
        return played
    grasp = best_grasp(plan)
    held = grasp is not None and _holds(cell, grasp)
    labels = tuple(
        Label(played.attempt.id, name, value, "simulator")
        for name, value in ((HELD_BEFORE, before), (HELD_AFTER, held))
    )
    return replace(played, labels=(*played.labels, *labels), worth=(before, held))


def best_grasp(plan: Plan) -> Grasp | None:
    """The grasp with the best score; None where a plan has none."""
    grasps = [
        (score, index)
        for index, (action, score) in enumerate(zip(plan.actions, plan.scores, strict=True))
        if isinstance(action, Grasp)
    ]
    if not grasps:
        return None
    found = plan.actions[max(grasps)[1]]
    assert isinstance(found, Grasp)
    return found


def _holds(cell: Workcell, grasp: Grasp) -> bool:
    scene = cell.drivers.scene
    state = scene.save()
    done = cell.do(grasp)
    held = feels_held(done, cell.judge, cell.spec.gripper.closed)
    scene.restore(state)
    return held
