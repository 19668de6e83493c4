"""Servoing attempts to be looked at: played with what the policy thought at every look, and
filmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from selfgrasp.core import Attempt, Goal, Plan, Policy
from selfgrasp.report.html import figure, image
from selfgrasp.viz.animate import animation
from selfgrasp.viz.kinds import kind_of
from selfgrasp.viz.reach import reach_frames
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.play import Stop, Task, attempts
from selfgrasp.workcell.workcell import Workcell


@dataclass(frozen=True, eq=False)
class Reach:
    """An attempt, the plans that led to it, and what was asked for; of what the simulator knows,
    the categories that were in the bin, those that were lifted, and the name of the first object
    lifted."""

    attempt: Attempt
    plans: tuple[Plan, ...]
    asked: str
    there: tuple[str, ...]
    families: tuple[str, ...]
    thing: str

    @staticmethod
    def of(played: Played) -> Reach:
        """From an attempt that was played in a simulation."""
        there, lifted = played.there or (), played.lifted or ()
        return Reach(
            played.attempt,
            played.plans,
            played.attempt.goal.words,
            tuple(one.family for one in there),
            tuple(sorted({one.family for one in lifted})),
            lifted[0].name if lifted else "",
        )


def reaches(cell: Workcell, policy: Policy, scene: int, goals: Sequence[Goal]) -> Iterator[Reach]:
    """An attempt for each goal, in one bin, from which what was lifted is set aside; ends with the
    goals or with the objects."""
    playing = attempts(
        cell, policy, Task(scene), ids=Ids("demo", scene, 0), goals=lambda _: goals, stop=Stop()
    )
    return map(Reach.of, playing)


def film(path: Path, reach: Reach, *, opening: float, scale: int = 4) -> Markup:
    """A film of a reach as a figure, told in a line."""

    frames = reach_frames(reach.attempt, reach.plans, opening=opening, scale=scale)
    written = animation(
        [f.picture for f in frames], path, milliseconds=[f.milliseconds for f in frames]
    )
    steps = len(reach.attempt.steps)
    words = f"{kind_of(reach.attempt)} after {steps} actions" if steps else "not tried"
    return figure(image(written, words), f"{words}{f': {reach.thing}' if reach.thing else ''}")
