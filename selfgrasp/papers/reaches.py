"""Servoing attempts to be looked at: played with what the policy thought at every look, and
filmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfgrasp.report.html import figure, image
from selfgrasp.viz.animate import animation
from selfgrasp.viz.kinds import kind_of
from selfgrasp.viz.reach import reach_frames
from selfgrasp.workcell.attempt import Ids

if TYPE_CHECKING:
    from markupsafe import Markup

    from selfgrasp.core import Attempt, Goal, Plan, Policy
    from selfgrasp.workcell.cells.simulated import SimCell


@dataclass(frozen=True, eq=False)
class Reach:
    """An attempt, the plans that led to it, and what was asked for; of what the simulator knows,
    the categories that were in the bin, those that were lifted, and the name of the first thing
    lifted."""

    attempt: Attempt
    plans: tuple[Plan, ...]
    asked: str
    there: tuple[str, ...]
    families: tuple[str, ...]
    thing: str


def reaches(cell: SimCell, policy: Policy, scene: int, goals: Sequence[Goal]) -> Iterator[Reach]:
    """An attempt for each goal, in one bin, from which what was lifted is set aside; ends with the
    goals or with the things."""

    workcell = cell.cell
    before = workcell.reset(scene)
    for index, goal in enumerate(goals):
        if not cell.remaining():
            return
        there = tuple(placed.model.family for placed in cell.world.placed)
        played = workcell.attempt(policy, Ids("demo", scene, index), goal=goal, before=before)
        truth = {label.name: str(label.value) for label in played.labels}
        families = tuple(family for family in truth.get("truth.families", "").split(",") if family)
        yield Reach(
            played.attempt,
            played.plans,
            goal.category or "",
            there,
            families,
            truth.get("truth.object", ""),
        )
        before = played.attempt.after if played.attempt.steps else before
        if played.attempt.outcome.grasped:
            workcell.set_aside()
            before = None


def film(path: Path, reach: Reach, *, opening: float, scale: int = 4) -> Markup:
    """A film of a reach as a figure, told in a line."""

    frames = reach_frames(reach.attempt, reach.plans, opening=opening, scale=scale)
    written = animation(
        [f.picture for f in frames], path, milliseconds=[f.milliseconds for f in frames]
    )
    steps = len(reach.attempt.steps)
    words = f"{kind_of(reach.attempt)} after {steps} actions" if steps else "not tried"
    return figure(image(written, words), f"{words}{f': {reach.thing}' if reach.thing else ''}")
