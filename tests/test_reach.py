"""Films of servoing: a look and a decision a step, and what came of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from selfgrasp.contracts.scenes import box_attempts
from selfgrasp.core import Close, Context, Fault, Move, Outcome, Plan
from selfgrasp.core.pose import top_down
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.viz.animate import animation
from selfgrasp.viz.reach import reach_frames
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import kuka_bin


class Twice:
    """Moves over the bin, down, and closes, with one alternative each time."""

    name, privileged = "twice", ()

    def plan(self, context: Context) -> Plan:
        here = context.observation.hand.world_from_tool[:3, 3]
        targets = [np.array([0.0, 0.0, 0.3]), np.array([0.0, 0.0, 0.1])]
        if context.step >= len(targets):
            return Plan((Close(),), np.array([0.4]))
        other = top_down((0.1, 0.1, 0.02), 0.3)[:3, 3]
        return Plan(
            (Move(targets[context.step] - here, 0.0), Move(other - here, 0.3)), np.array([0.9, 0.2])
        )


def test_every_step_is_a_look_and_a_decision(tmp_path: Path) -> None:
    made = kuka_bin(train_objects(6), KukaBinConfig(count=2, picture_px=48))
    with made.cell as cell:
        cell.reset(0)
        played = cell.attempt(Twice(), Ids("t", 0, 0))
        frames = reach_frames(
            played.attempt, played.plans, opening=cell.spec.gripper.opening, scale=4
        )
    steps = len(played.attempt.steps)
    assert steps == 3
    assert len(frames) == 2 * steps + 1 + (played.attempt.present is not None)
    assert len({frame.picture.shape for frame in frames}) == 1
    looked, decided = frames[0].picture, frames[1].picture
    assert (looked != decided).any(axis=2).mean() > 0.005
    path = animation(
        [f.picture for f in frames],
        tmp_path / "reach.webp",
        milliseconds=[f.milliseconds for f in frames],
    )
    assert path.stat().st_size > 1000


def test_where_nothing_was_tried_the_look_says_why() -> None:
    attempt = replace(
        box_attempts(1)[0],
        steps=(),
        outcome=Outcome(False, 0.08, 0.0, 0.0, Fault.NOTHING),
        after=None,
    )
    frames = reach_frames(attempt, [Plan((), np.zeros(0), reason="no pen found")], opening=0.085)
    assert len(frames) == 1
