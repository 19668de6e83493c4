"""The judge by hand-worked cases: what a robot can sense decides, and nothing else."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import intrinsics

from selfgrasp.core import Close, Fault, Hand, Observation, View
from selfgrasp.core.pose import looking_at, top_down
from selfgrasp.workcell import judge as judge_module
from selfgrasp.workcell.judge import JudgeConfig, changed_share, holds, judge
from selfgrasp.workcell.motions import Done

CONFIG = JudgeConfig(min_width=0.0025, min_force=2.0)
ABOVE = looking_at((0, 0, 0.6), (0, 0, 0))


def done(
    width: float,
    force: float,
    *,
    closed: float | None = 0.03,
    lifted: bool = True,
    fault: Fault | None = None,
) -> Done:
    return Done(Close(), Hand(top_down((0, 0, 0.3), 0.0), width, force), closed, lifted, fault)


def look(
    color: int = 100,
    depth: float | None = 0.6,
    *,
    changed: tuple[slice, slice] | None = None,
    to_color: int | None = None,
    to_depth: float | None = None,
) -> Observation:
    """A 10 x 10 picture of one color and one depth; a part of it may have another."""
    colors = np.full((10, 10, 3), color, dtype=np.uint8)
    depths = None if depth is None else np.full((10, 10), depth, dtype=np.float32)
    if changed is not None:
        if to_color is not None:
            colors[changed] = to_color
        if to_depth is not None and depths is not None:
            depths[changed] = to_depth
    return Observation(
        0.0,
        {"overhead": View(colors, depths, intrinsics(10), ABOVE)},
        Hand(top_down((0, 0, 0.3), 0.0), 0.05, 0.0),
    )


@pytest.mark.parametrize(
    ("what", "grasped", "fault"),
    [
        (done(0.03, 18.0), True, None),
        (done(0.0, 20.0, closed=0.0), False, None),
        (done(0.002, 20.0, closed=0.002), False, None),
        (done(0.0025, 20.0, closed=0.0025), False, None),
        (done(0.0026, 2.1, closed=0.0026), True, None),
        (done(0.03, 2.0), False, Fault.SLIPPED),
        (done(0.0, 20.0, closed=0.03), False, Fault.SLIPPED),
        (done(0.03, 18.0, fault=Fault.BLOCKED), True, None),
        (done(0.0, 20.0, closed=0.0, fault=Fault.BLOCKED), False, Fault.BLOCKED),
        (done(0.018, 20.0, closed=0.018, lifted=False, fault=Fault.BLOCKED), False, Fault.BLOCKED),
        (done(0.05, 0.0, closed=None, lifted=False, fault=Fault.STOPPED), False, Fault.STOPPED),
        (
            done(0.05, 0.0, closed=None, lifted=False, fault=Fault.UNREACHABLE),
            False,
            Fault.UNREACHABLE,
        ),
        (done(0.0, 5.0, closed=None, lifted=False), False, None),
    ],
    ids=[
        "a thing 30 mm thick, pressed with 18 N",
        "the fingers met",
        "closer than the least width",
        "as close as the least width",
        "just above both thresholds",
        "a press as soft as the least force",
        "there before the lift and gone after it",
        "a blocked descent that still held something",
        "a blocked descent that held nothing",
        "the bin's wall: it could not rise",
        "stopped",
        "out of reach",
        "a push, which does not close on anything",
    ],
)
def test_width_and_force_after_the_lift_decide(
    what: Done, grasped: bool, fault: Fault | None
) -> None:
    outcome = judge(what, look(), look(), CONFIG, 0.0)
    assert (outcome.grasped, outcome.fault) == (grasped, fault)
    assert (outcome.width, outcome.force, outcome.changed) == (
        what.hand.width,
        what.hand.force,
        0.0,
    )


def test_width_and_force_must_both_be_enough() -> None:
    assert holds(0.003, 2.1, CONFIG, 0.0)
    assert not holds(0.003, 2.0, CONFIG, 0.0)
    assert not holds(0.0025, 2.1, CONFIG, 0.0)
    assert holds(0.0025, 2.1, replace(CONFIG, min_width=0.002), 0.0)


@pytest.mark.parametrize(("before", "after"), [(None, look()), (look(), None), (None, None)])
def test_a_missing_picture_is_a_fault_and_changes_no_verdict(
    before: Observation | None, after: Observation | None
) -> None:
    outcome = judge(done(0.03, 18.0), before, after, CONFIG, 0.0)
    assert (outcome.grasped, outcome.fault, outcome.changed) == (True, Fault.NO_IMAGE, 0.0)
    assert judge(done(0.0, 20.0), before, after, CONFIG, 0.0).fault is Fault.SLIPPED


def test_changed_share_counts_pixels_of_another_color_or_depth() -> None:
    still = look()
    quarter, row = (slice(0, 5), slice(0, 5)), (slice(9, 10), slice(None))
    assert changed_share(still, look()) == 0.0
    assert changed_share(still, look(changed=quarter, to_color=131)) == 0.25
    assert changed_share(still, look(changed=quarter, to_color=130)) == 0.0
    assert changed_share(still, look(changed=quarter, to_color=69)) == 0.25
    assert changed_share(still, look(changed=row, to_depth=0.609)) == pytest.approx(0.10)
    assert changed_share(still, look(changed=row, to_depth=0.607)) == 0.0
    assert changed_share(still, look(color=0)) == 1.0
    assert changed_share(look(color=255), look(color=0)) == 1.0


def test_a_change_in_both_color_and_depth_counts_once() -> None:
    quarter = (slice(0, 5), slice(0, 5))
    assert changed_share(look(), look(changed=quarter, to_color=200, to_depth=0.5)) == 0.25


def test_one_channel_is_enough_and_directions_do_not_cancel() -> None:
    after = look()
    color = after.view().color.copy()
    color[0, 0] = (100, 140, 60)
    after = Observation(
        0.0, {"overhead": View(color, after.view().depth, intrinsics(10), ABOVE)}, after.hand
    )
    assert changed_share(look(), after) == 0.01
    assert changed_share(after, look()) == 0.01


def test_depth_without_a_return_says_nothing() -> None:
    holes = look(changed=(slice(0, 5), slice(None)), to_depth=float("nan"))
    assert changed_share(look(), holes) == 0.0
    assert changed_share(holes, look()) == 0.0


def test_a_monocular_camera_is_judged_by_color() -> None:
    quarter = (slice(0, 5), slice(0, 5))
    assert changed_share(look(depth=None), look(depth=None, changed=quarter, to_color=0)) == 0.25
    assert changed_share(look(), look(depth=None, changed=quarter, to_color=0)) == 0.25


def test_the_judge_cannot_read_the_simulators_truth() -> None:
    """It imports no simulator, and neither of its inputs leads to one: a `Done` and two
    observations are plain data."""
    source = Path(judge_module.__file__).read_text()
    imported = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {
        node.module or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
    }
    assert not [
        name for name in imported if ".sim" in name or "mujoco" in name or name.endswith("drivers")
    ]
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert not names & {"truth", "held", "scene", "world", "labels"}
    assert judge.__annotations__ == {
        "done": "Done",
        "before": "Observation | None",
        "after": "Observation | None",
        "config": "JudgeConfig",
        "closed": "float",
        "fell": "bool",
        "return": "Outcome",
    }
